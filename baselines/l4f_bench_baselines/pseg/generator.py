"""The layered generators of PSeg: a background, a foreground, and the mask between them.

They grow: level s paints 4 * 2^s pixels. While a level fades in, its output is mixed with the
enlarged output of the level below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l4f_bench.errors import InputError
from l4f_bench.generators.layers import SLOPE, PixelNorm
from l4f_bench.methods.labels4free.objective import composite
from l4f_bench.seeds import normal
from l4f_bench.tensors import StateDict, network_of
from l4f_bench_baselines.pseg.architecture import PSegArchitecture, check_level, resolution_of
from l4f_bench_baselines.pseg.layers import (
    FUSED_FROM,
    AdaIN,
    Blur,
    Constant,
    EqualConv2d,
    EqualLinear,
    FusedUpsample,
    NoiseStrength,
    Upsample,
)

BUFFERS = (".weight_flip", ".conv1.1.weight", ".conv1.2.weight")
"""Endings of the blur's constants, which a checkpoint may lack."""


@dataclass(frozen=True, slots=True)
class Layers:
    """What a layered generator paints; images are floats around [-1, 1]."""

    background: Tensor
    """``[N, 3, H, W]``."""
    foreground: Tensor
    """``[N, 3, H, W]``."""
    alpha: Tensor
    """``[N, 1, H, W]`` in [0, 1], 1 = foreground."""

    @property
    def composite(self) -> Tensor:
        """The foreground laid over the background, ``[N, 3, H, W]``."""
        return composite(self.foreground, self.background, self.alpha)


class StyledBlock(nn.Module):
    """One level: two rounds of convolution, noise, leaky ReLU and style."""

    def __init__(self, level: int, num_inputs: int, num_outputs: int, code_dim: int) -> None:
        super().__init__()
        self.conv1 = _enlarging(level, num_inputs, num_outputs)
        self.noise1 = NoiseStrength(num_outputs)
        self.adain1 = AdaIN(num_outputs, code_dim)
        self.conv2 = EqualConv2d(num_outputs, num_outputs, 3, padding=1)
        self.noise2 = NoiseStrength(num_outputs)
        self.adain2 = AdaIN(num_outputs, code_dim)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        """Map ``[N, num_inputs, H, W]`` to ``[N, num_outputs, 2 H, 2 W]``; one map serves both."""
        x = self.adain1(F.leaky_relu(self.noise1(self.conv1(x), noise), SLOPE), w)
        out: Tensor = self.adain2(F.leaky_relu(self.noise2(self.conv2(x), noise), SLOPE), w)
        return out


def _enlarging(level: int, num_inputs: int, num_outputs: int) -> nn.Module:
    if level == 0:
        return Constant(num_outputs)
    if resolution_of(level) >= FUSED_FROM:
        return nn.Sequential(FusedUpsample(num_inputs, num_outputs), Blur(num_outputs))
    return nn.Sequential(
        nn.Identity(),  # the public code's enlargement, which is part of the next layer here
        Upsample(num_inputs, num_outputs),
        Blur(num_outputs),
    )


class Synthesis(nn.Module):
    """Styles to one image of some channels."""

    def __init__(self, channels: Sequence[int], code_dim: int, num_outputs: int) -> None:
        """Build all levels; the key names tell an RGB generator from one with a mask."""
        super().__init__()
        inputs = [channels[0], *channels]
        self.progression = nn.ModuleList(
            StyledBlock(level, inputs[level], width, code_dim)
            for level, width in enumerate(channels)
        )
        self._outputs = "to_rgb" if num_outputs == 3 else "to_out"
        heads = nn.ModuleList(EqualConv2d(width, num_outputs, 1) for width in channels)
        self.add_module(self._outputs, heads)

    def forward(self, w: Tensor, noise: Sequence[Tensor], level: int, fade: float) -> Tensor:
        """Paint ``[N, num_outputs, H, W]``; arguments as for :class:`LayeredGenerator`."""
        heads = list(self.get_submodule(self._outputs).children())
        x = below = w
        for block, style, maps in zip(self.progression, w.unbind(1), noise, strict=False):
            below, x = x, block(x, style, maps)
        image: Tensor = heads[level](x)
        if level > 0 and fade < 1:
            skip = F.interpolate(heads[level - 1](below), scale_factor=2, mode="nearest")
            image = (1 - fade) * skip + fade * image
        return image


class _Styled(nn.Module):
    """A generator and its mapping network."""

    def __init__(self, sizes: PSegArchitecture, num_outputs: int) -> None:
        super().__init__()
        self.generator = Synthesis(sizes.channels, sizes.code_dim, num_outputs)
        self.style = _mapping_network(sizes)


class _StyledPair(nn.Module):
    """Two generators and their one mapping network."""

    def __init__(self, sizes: PSegArchitecture) -> None:
        super().__init__()
        self.generators = nn.ModuleList(
            Synthesis(sizes.channels, sizes.code_dim, num_outputs) for num_outputs in (3, 4)
        )
        self.style = _mapping_network(sizes)


def _mapping_network(sizes: PSegArchitecture) -> nn.Sequential:
    layers: list[nn.Module] = [PixelNorm()]
    for _ in range(sizes.mapping_layers):
        layers += [EqualLinear(sizes.code_dim, sizes.code_dim), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers)


class LayeredGenerator(nn.Module):
    """Codes to background, foreground and alpha, with the keys of the public checkpoints."""

    def __init__(self, architecture: PSegArchitecture) -> None:
        """Build with random weights; :meth:`from_state_dict` builds from a checkpoint's tensors."""
        super().__init__()
        self.architecture = architecture
        if architecture.variant == "two-generators":
            self.generator_bg = _Styled(architecture, 3)
            self.generator_objects = _Styled(architecture, 4)
        else:
            shared = architecture.variant == "shared-style"
            self.generator = _StyledPair(architecture) if shared else _Styled(architecture, 7)

    @classmethod
    def from_state_dict(cls, state_dict: StateDict) -> LayeredGenerator:
        """A generator of the variant and sizes that the tensors have, in eval mode.

        Raises:
            InputError: This is not a PSeg generator, or tensors are missing, unexpected or
                misshapen; all are listed.
        """
        architecture = PSegArchitecture.of(state_dict)
        return network_of(lambda: cls(architecture), state_dict, optional=BUFFERS)

    @property
    def mappings(self) -> list[nn.Sequential]:
        """The mapping networks, that of the background first."""
        return [part.style for part in self.children() if isinstance(part, _Styled | _StyledPair)]

    @property
    def syntheses(self) -> list[Synthesis]:
        """The generators, that of the background first."""
        return [part for part in self.modules() if isinstance(part, Synthesis)]

    def mapping(self, z: Tensor) -> Tensor:
        """Latents ``[N, num_codes, code_dim]`` of z ``[N, code_dim]``, which all mappings share."""
        return torch.stack([network(z) for network in self.mappings], dim=1)

    def mean_latent(self, num_latents: int = 10_000, seed: int = 0) -> Tensor:
        """Mean w ``[1, num_codes, code_dim]``, on the device of the weights."""
        weight = next(self.parameters())
        z = normal((num_latents, self.architecture.code_dim), seed=seed, index=0)
        with torch.no_grad():
            mean: Tensor = self.mapping(z.to(weight)).mean(dim=0, keepdim=True)
        return mean

    def forward(self, w: Tensor, noise: Sequence[Tensor], level: int, fade: float = 1.0) -> Layers:
        """Paint the layers at ``4 << level`` pixels.

        Args:
            w: ``[N, num_codes, code_dim]``, or one per level
                ``[N, num_codes, level + 1 or more, code_dim]``.
            noise: One tensor ``[N, num_codes or 1, r, r]`` per level up to ``level``.
            level: Level to paint, 0 or more.
            fade: Share of this level in the mix with the one below; 1 for itself alone.

        Raises:
            InputError: There is no such level, or ``w`` or ``noise`` has another shape.
        """
        self._check(w, noise, level)
        if w.ndim == 3:
            w = w[:, :, None].expand(-1, -1, level + 1, -1)
        w = w[:, :, : level + 1]
        parts = []
        for index, synthesis in enumerate(self.syntheses):
            maps = [n[:, index : index + 1] if n.shape[1] > 1 else n for n in noise[: level + 1]]
            parts.append(synthesis(w[:, min(index, w.shape[1] - 1)], maps, level, fade))
        background, foreground, mask = torch.split(torch.cat(parts, dim=1), [3, 3, 1], dim=1)
        return Layers(background, foreground, torch.sigmoid(mask))

    def _check(self, w: Tensor, noise: Sequence[Tensor], level: int) -> None:
        codes, width = self.architecture.num_codes, self.architecture.code_dim
        check_level(level, len(self.architecture.channels))
        shape = tuple(w.shape)
        if (
            len(shape) not in (3, 4)
            or (shape[1], shape[-1]) != (codes, width)
            or (len(shape) == 4 and shape[2] <= level)
        ):
            raise InputError(
                f"Latents of shape {list(shape)} do not fit this PSeg at level {level}: give w "
                f"[N, {codes}, {width}], or [N, {codes}, {level + 1} or more, {width}]."
            )
        given = [tuple(maps.shape) for maps in noise[: level + 1]]
        sides = [resolution_of(step) for step in range(level + 1)]
        if [size[2:] for size in given] != [(side, side) for side in sides] or any(
            size[0] not in (1, len(w)) or size[1] not in (1, codes) for size in given
        ):
            raise InputError(
                f"Noise maps must be {level + 1} tensors [N, {codes} or 1, H, W] with N = {len(w)} "
                f"or 1 and H = W = {sides}; got {given}."
            )

    def mapping_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters of the mapping networks, which learn more slowly."""
        for network in self.mappings:
            yield from network.parameters()

    def synthesis_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters of the generators."""
        for network in self.syntheses:
            yield from network.parameters()


def noise_maps(
    architecture: PSegArchitecture,
    level: int,
    num_images: int,
    *,
    seed: int,
    index: int,
    stream: int,
) -> list[Tensor]:
    """Noise for some images up to a level, drawn at once: ``[N, num_codes, r, r]`` per level."""
    sides = [resolution_of(step) for step in range(level + 1)]
    sizes = [architecture.num_codes * side**2 for side in sides]
    numbers = normal((num_images, sum(sizes)), seed=seed, index=index, stream=stream)
    parts = torch.split(numbers, sizes, dim=1)
    return [p.reshape(num_images, -1, side, side) for p, side in zip(parts, sides, strict=True)]
