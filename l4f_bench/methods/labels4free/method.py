"""Labels4Free as a generative method: generator, background generator and alpha network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from l4f_bench.devices import to_bytes
from l4f_bench.generators.sampling import Draw, draw
from l4f_bench.generators.stylegan2 import BackgroundMode, Generator, truncate
from l4f_bench.methods.contracts import Samples, join_samples
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

    @torch.no_grad()
    def sample(self, indices: Sequence[int], *, truncation: float, seed: int) -> Samples:
        """Make the samples of these indices; see :class:`GenerativeMethod`.

        On a CPU images are computed one at a time: float arithmetic depends on the batch size,
        and it was faster, too (reports/performance/sampling.md). On a GPU a sample depends on its
        batch by float rounding.
        """
        if self.mean_latent.is_cuda or len(indices) == 1:
            return self._sample(indices, truncation, seed)
        return join_samples([self._sample([index], truncation, seed) for index in indices])

    def _sample(self, indices: Sequence[int], truncation: float, seed: int) -> Samples:
        foreground_draw, background_draw = (
            self._to_device(draw(self.generator.architecture, indices, seed=seed, image=image))
            for image in (0, 1)
        )
        w = truncate(self.generator.mapping(foreground_draw.z), truncation, self.mean_latent)
        image, alpha = self.alpha.paint(self.generator, w, noise=foreground_draw.noise)
        background = self.generator.synthesis(
            self.generator.mapping(background_draw.z),
            noise=background_draw.noise,
            background=self.background,
        )
        return Samples(
            indices=tuple(indices),
            image=to_bytes(image),
            alpha=alpha.float().cpu(),
            background=to_bytes(background),
            composite=to_bytes(composite(image, background, alpha)),
            latent=w.float().cpu(),
        )

    def _to_device(self, drawn: Draw) -> Draw:
        return Draw(
            drawn.z.to(self.mean_latent), [tensor.to(self.mean_latent) for tensor in drawn.noise]
        )
