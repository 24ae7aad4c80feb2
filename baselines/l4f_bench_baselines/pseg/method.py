"""PSeg as a method to benchmark: composites with their masks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from l4f_bench.blocks import block_size
from l4f_bench.cores import fits_one_core
from l4f_bench.devices import choose_device, to_bytes
from l4f_bench.errors import InputError
from l4f_bench.generators.stylegan2 import truncate
from l4f_bench.methods.batching import sampled_in_blocks
from l4f_bench.methods.contracts import Samples
from l4f_bench.seeds import normal
from l4f_bench_baselines.pseg.architecture import resolution_of
from l4f_bench_baselines.pseg.checkpoint import read_pseg
from l4f_bench_baselines.pseg.generator import LayeredGenerator, noise_maps

_Z, _NOISE = 0, 1  # streams of random numbers of a sample


class PSeg:
    """Samples with masks from a layered generator, unperturbed.

    Source: Emergence of Object Segmentation in Perturbed Generative Models (NeurIPS 2019).
    """

    def __init__(
        self, generator: LayeredGenerator, *, level: int, fade: float, mean_latent: Tensor
    ) -> None:
        """Put the parts together.

        Args:
            generator: In eval mode, on the device to compute on.
            level: Level to paint; images have ``4 << level`` pixels.
            fade: How far that level has faded in, in [0, 1].
            mean_latent: Centre of truncation, ``[1, num_codes, code_dim]``.
        """
        self.generator, self.level, self.fade = generator, level, fade
        self.mean_latent = mean_latent.to(next(generator.parameters()))

    @property
    def resolution(self) -> int:
        """Side of the images in pixels."""
        return resolution_of(self.level)

    @property
    def device(self) -> torch.device:
        """Where the generator is."""
        return self.mean_latent.device

    @property
    def bytes_per_image(self) -> int:
        """Memory of synthesis at its widest level: input, output and a copy of each."""
        widths = self.generator.architecture.channels[: self.level + 1]
        return 4 * 4 * max(w * resolution_of(level) ** 2 for level, w in enumerate(widths))

    @property
    def block_size(self) -> int:
        """Samples that are computed together: those of a block of indices."""
        return block_size(self.resolution, self.device)

    @property
    def side_by_side(self) -> bool:
        """Whether samples are best computed on one core each."""
        return fits_one_core(self.resolution, self.device)

    def sample(self, indices: Sequence[int], *, truncation: float = 1.0, seed: int) -> Samples:
        """Make the samples of these indices; see ``GenerativeMethod``."""
        make = partial(self._sample, truncation=truncation, seed=seed)
        return sampled_in_blocks(make, indices, self.block_size)

    @torch.no_grad()
    def _sample(self, indices: Sequence[int], *, truncation: float, seed: int) -> Samples:
        sizes = self.generator.architecture
        z = [normal((1, sizes.code_dim), seed=seed, index=i, stream=_Z) for i in indices]
        maps = [
            noise_maps(sizes, self.level, 1, seed=seed, index=i, stream=_NOISE) for i in indices
        ]
        noise = [torch.cat(level).to(self.mean_latent) for level in zip(*maps, strict=True)]
        w = self.generator.mapping(torch.cat(z).to(self.mean_latent))
        w = truncate(w, truncation, self.mean_latent)
        layers = self.generator(w, noise, self.level, self.fade)
        image = to_bytes(layers.composite)
        return Samples(
            indices=tuple(indices),
            image=image,
            alpha=layers.alpha.float().cpu(),
            background=to_bytes(layers.background),
            composite=image,
            latent=w[:, -1].float().cpu(),
        )


def load_pseg(
    path: Path,
    *,
    resolution: int | None = None,
    device: str | None = None,
) -> tuple[PSeg, dict[str, str]]:
    """PSeg from a checkpoint file, ready to sample.

    Args:
        path: A public ``.model`` of any variant, or what training exported.
        resolution: Side of the images that is expected; None takes any.
        device: Where to compute; None takes a GPU if there is one.

    Returns:
        The method, and the SHA-256 of the file.

    Raises:
        CheckpointError: The file cannot be read.
        InputError: It paints another resolution.
    """
    place = choose_device(device)
    found = read_pseg(path)
    if resolution not in (None, found.resolution):
        raise InputError(
            f"{path} makes {found.resolution}-pixel images, but {resolution} pixels are needed. "
            "Give a file that was trained up to that size."
        )
    method = PSeg(
        found.generator.to(place),
        level=found.level,
        fade=found.fade,
        mean_latent=found.mean_latent,
    )
    return method, {"generator": found.sha256}
