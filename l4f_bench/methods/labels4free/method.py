"""Labels4Free as a generative method: generator, background generator and alpha network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from l4f_bench.blocks import block_size
from l4f_bench.cores import fits_one_core
from l4f_bench.devices import to_bytes
from l4f_bench.generators.sampling import Draw, draw
from l4f_bench.generators.stylegan2 import BackgroundMode, Generator, truncate
from l4f_bench.methods.batching import sampled_in_blocks
from l4f_bench.methods.contracts import Samples
from l4f_bench.methods.labels4free.alpha import AlphaNetwork
from l4f_bench.methods.labels4free.objective import composite


class Labels4Free:
    """Samples with masks from a pretrained generator and its alpha network.

    The background comes from the same generator under ``background``, with a latent of its own
    and without truncation, as in training.
    Source: Labels4Free (ICCV 2021), section 3.
    """

    def __init__(
        self,
        generator: Generator,
        alpha: AlphaNetwork,
        *,
        mean_latent: Tensor,
        background: BackgroundMode,
    ) -> None:
        """Put the parts together.

        Args:
            generator: In eval mode, on the device to compute on.
            alpha: The alpha network trained with it, on the same device.
            mean_latent: Centre of truncation, ``[w_dim]`` or ``[1, w_dim]``.
            background: How the generator paints backgrounds.

        Raises:
            InputError: The networks do not fit each other.
        """
        alpha.check_generator(generator)
        self.generator, self.alpha = generator, alpha
        self.background = background
        self.mean_latent = mean_latent.to(generator.input.input)

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.mean_latent.device

    @property
    def bytes_per_image(self) -> int:
        """Memory of synthesis at its widest layer: input, output and a copy of each."""
        generator = self.generator
        widest = max(
            width * generator.layer_resolution(2 * i) ** 2
            for i, width in enumerate(generator.architecture.channels)
        )
        return 4 * 4 * widest

    @property
    def block_size(self) -> int:
        """Samples that are computed together: those of a block of indices."""
        return block_size(self.generator.architecture.size, self.device)

    @property
    def side_by_side(self) -> bool:
        """Whether samples are best computed on one core each."""
        return fits_one_core(self.generator.architecture.size, self.device)

    def sample(self, indices: Sequence[int], *, truncation: float, seed: int) -> Samples:
        """Make the samples of these indices; see :class:`GenerativeMethod`."""
        make = partial(self._sample, truncation=truncation, seed=seed, layers=False)
        return sampled_in_blocks(make, indices, self.block_size)

    def sample_layers(self, indices: Sequence[int], *, truncation: float, seed: int) -> Samples:
        """The same with backgrounds, which take a second pass of the generator, and composites."""
        make = partial(self._sample, truncation=truncation, seed=seed, layers=True)
        return sampled_in_blocks(make, indices, self.block_size)

    @torch.no_grad()
    def _sample(
        self, indices: Sequence[int], *, truncation: float, seed: int, layers: bool
    ) -> Samples:
        drawn = self._draw(indices, seed, image=0)
        w = truncate(self.generator.mapping(drawn.z), truncation, self.mean_latent)
        image, alpha = self.alpha.paint(self.generator, w, noise=drawn.noise)
        samples = Samples(
            indices=tuple(indices),
            image=to_bytes(image),
            alpha=alpha.float().cpu(),
            latent=w.float().cpu(),
        )
        if not layers:
            return samples
        drawn = self._draw(indices, seed, image=1)
        background = self.generator.synthesis(
            self.generator.mapping(drawn.z), noise=drawn.noise, background=self.background
        )
        return replace(
            samples,
            background=to_bytes(background),
            composite=to_bytes(composite(image, background, alpha)),
        )

    def _draw(self, indices: Sequence[int], seed: int, *, image: int) -> Draw:
        drawn = draw(self.generator.architecture, indices, seed=seed, image=image)
        return Draw(
            drawn.z.to(self.mean_latent), [tensor.to(self.mean_latent) for tensor in drawn.noise]
        )
