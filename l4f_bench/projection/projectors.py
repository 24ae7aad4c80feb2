"""From a photograph to its code and picture: by an encoder, or by optimisation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from l4f_bench.devices import to_bytes
from l4f_bench.generators.stylegan2 import Generator, Noise
from l4f_bench.methods.labels4free.alpha import AlphaNetwork
from l4f_bench.projection.codes import Painted, check_pair, codes_of, paint
from l4f_bench.projection.encoder_file import TrainedEncoder
from l4f_bench.projection.frames import Frame
from l4f_bench.projection.losses import NamedLoss
from l4f_bench.projection.optimisation import (
    LatentSearch,
    OptimisationConfig,
    draws,
    first_maps,
    in_precision,
    latent_statistics,
)
from l4f_bench.projection.placement import ByteArray, FloatArray, Placement, cut


@dataclass(frozen=True, kw_only=True, slots=True)
class Projected:
    """A photograph as its generator paints it. Tensors are on the CPU."""

    w_plus: Tensor
    """float32 ``[num_latents, w_dim]``."""
    maps: list[Tensor]
    """Noise maps ``[1, H, W]`` a layer, where they were searched for; else empty."""
    picture: ByteArray
    """``[3, h, w]`` RGB."""
    alpha: FloatArray | None
    """float32 ``[h, w]`` in [0, 1], where there is an alpha network."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """What else there is to say, by name."""


class Projector(Protocol):
    """Projects photographs one by one."""

    frame: Frame
    """Where the picture is in the generator's images."""
    generator: Generator

    @property
    def mean_picture(self) -> ByteArray:
        """What the generator paints of its mean latent, ``[3, h, w]``: a code that never looks."""

    def project(self, photograph: ByteArray, placement: Placement) -> Projected:
        """Find the code of a photograph.

        Args:
            photograph: uint8 ``[3, H, W]`` RGB.
            placement: What of it is the picture.

        Raises:
            InputError: The placement lies outside of the photograph.
        """


class EncoderProjector:
    """One pass of an encoder, then one of the generator."""

    def __init__(
        self,
        encoder: TrainedEncoder,
        generator: Generator,
        alpha: AlphaNetwork | None,
        computing: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        """Put networks together that are on one device; they are called in ``computing``.

        Raises:
            InputError: They do not fit each other.
        """
        check_pair(encoder, generator)
        if alpha is not None:
            alpha.check_generator(generator)
        self.encoder, self.generator, self.alpha = encoder, generator, alpha
        self.frame, self._computing = encoder.frame, computing

    @cached_property
    def mean_picture(self) -> ByteArray:
        """See :class:`Projector`."""
        mean = self.encoder.latent_average
        if mean is None or len(mean) > 1:
            mean = self.generator.mean_latent()
        return _picture(self.frame, paint(self.generator, None, mean.to(_like(self.generator))))

    @torch.no_grad()
    def codes(self, photograph: ByteArray, placement: Placement) -> Tensor:
        """The W+ code ``[1, num_latents, w_dim]`` of a photograph; see :class:`Projector`."""
        seen = cut(photograph, placement, (self.frame.height, self.frame.width))
        return codes_of(self.encoder, torch.from_numpy(seen)[None])

    @torch.no_grad()
    def project(self, photograph: ByteArray, placement: Placement) -> Projected:
        """See :class:`Projector`."""
        with self._computing():
            codes = self.codes(photograph, placement)
            return _projected(self.frame, paint(self.generator, self.alpha, codes), codes, [])


class OptimisationProjector:
    """A search for latent and noise maps of each photograph."""

    def __init__(
        self,
        generator: Generator,
        alpha: AlphaNetwork | None,
        loss: NamedLoss,
        config: OptimisationConfig,
        *,
        frame: Frame,
    ) -> None:
        """Put networks together that are on one device.

        Raises:
            InputError: They do not fit each other.
        """
        if alpha is not None:
            alpha.check_generator(generator)
        self.generator, self.alpha = generator.requires_grad_(False), alpha
        self.loss, self.config, self.frame = loss, config, frame
        self._searched = in_precision(self.generator, config)
        self.statistics = latent_statistics(self._searched, config)

    @cached_property
    def mean_picture(self) -> ByteArray:
        """See :class:`Projector`."""
        return _picture(self.frame, paint(self._searched, None, self.statistics.mean[None]))

    def project(self, photograph: ByteArray, placement: Placement) -> Projected:
        """See :class:`Projector`."""
        generator = self.generator
        size = self.frame.picture_size(generator.architecture.size)
        target = torch.from_numpy(cut(photograph, placement, size))[None]
        search = LatentSearch(
            self._searched,
            target.to(_like(self._searched)) / 127.5 - 1,
            self.statistics,
            self.loss,
            self.config,
            maps=first_maps(generator, 1, self.config.seed),
            frame=self.frame,
        )
        figures = [search.step(step, draw) for step, draw in enumerate(draws(search))]
        maps = [noise.detach().to(_like(generator)) for noise in search.maps]
        codes = generator.w_plus(search.latent.detach().to(_like(generator)))
        painted = paint(generator, self.alpha, codes, maps)
        said = {"loss": figures[-1].loss, "noise_regulariser": figures[-1].regulariser}
        return _projected(self.frame, painted, codes, maps, said)


def _like(generator: Generator) -> Tensor:
    """A tensor of the generator's type and device."""
    return generator.input.input


def _picture(frame: Frame, painted: Painted) -> ByteArray:
    pixels: ByteArray = to_bytes(frame.picture(painted.image))[0].numpy()
    return pixels


def _projected(
    frame: Frame,
    painted: Painted,
    codes: Tensor,
    maps: Noise,
    figures: Mapping[str, float] | None = None,
) -> Projected:
    alpha = None if painted.alpha is None else frame.picture(painted.alpha)[0, 0].float().cpu()
    return Projected(
        w_plus=codes[0].float().cpu(),
        maps=[noise[0].float().cpu() for noise in maps if isinstance(noise, Tensor)],
        picture=_picture(frame, painted),
        alpha=None if alpha is None else alpha.numpy(),
        figures=figures or {},
    )
