"""The StyleGAN2 generator, and the same network as a generator of backgrounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from l4f_bench.errors import InputError
from l4f_bench.generators.architecture import GeneratorArchitecture, resolutions
from l4f_bench.generators.layers import EqualLinear, PixelNorm, StyledConv, ToRGB
from l4f_bench.seeds import normal
from l4f_bench.tensors import StateDict, network_of

Noise = Literal["fixed", "random", "none"] | Sequence[Tensor]
"""Noise maps of the synthesis: the checkpoint's own, fresh ones, none, or one tensor a layer."""

OnFeature = Callable[[int, Tensor], object]
"""Called with (layer, feature ``[N, C, H, W]``) after each styled convolution, from layer 0."""

OnImage = Callable[[int, Tensor], object]
"""Called with (level, image ``[N, 3, r, r]``) after each RGB layer, from level 0 at 4 pixels."""

CONSTANT_LAYER = -1
"""Where the learned constant stands in the order of the styled convolutions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BackgroundMode:
    """What is zeroed so that the generator paints a background without its object.

    Source: Labels4Free, section 3.2; the two whole-layer modes are those of its released code.
    """

    name: Literal["first-conv", "constant", "channels"]
    """``first-conv``: the first styled convolution's output (256 and 1024 pixels);
    ``constant``: the learned constant before it, so that its noise and bias still pass (512);
    ``channels``: some channels of one styled convolution's output."""
    layer: int = 0
    """For ``channels``: the styled convolution, counted from 0; -1 for the constant."""
    channels: tuple[int, ...] = ()
    """For ``channels``: which to zero."""

    def zero(self, layer: int, feature: Tensor) -> Tensor:
        """The output ``[N, C, H, W]`` of a layer under this mode; layer -1 is the constant."""
        if layer == _WHOLE_LAYERS.get(self.name):
            return torch.zeros_like(feature)
        if self.name == "channels" and layer == self.layer:
            keep = torch.ones(feature.shape[1], device=feature.device, dtype=feature.dtype)
            keep[list(self.channels)] = 0
            return feature * keep.view(1, -1, 1, 1)
        return feature


_WHOLE_LAYERS = {"first-conv": 0, "constant": CONSTANT_LAYER}
FIRST_CONV = BackgroundMode(name="first-conv")
CONSTANT = BackgroundMode(name="constant")
BACKGROUND_MODES = {mode.name: mode for mode in (FIRST_CONV, CONSTANT)}
"""The modes that zero a whole layer."""


class ConstantInput(nn.Module):
    """The learned constant that synthesis starts from."""

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.randn(1, num_channels, 4, 4))


class Generator(nn.Module):
    """StyleGAN2 generator with the state-dict keys of the rosinality layout.

    ``mapping`` turns z into w, ``synthesis`` turns w or w+ into images. Images are raw network
    output, float, nominally in [-1, 1].
    Source: StyleGAN2 (CVPR 2020); configuration E/F ("skip" generator).
    """

    def __init__(self, architecture: GeneratorArchitecture) -> None:
        """Build with random weights; :meth:`from_state_dict` builds from a checkpoint's tensors."""
        super().__init__()
        self.architecture = architecture
        widths, w_dim = architecture.mapping_widths, architecture.w_dim
        layers = [
            EqualLinear(a, b, lr_multiplier=architecture.lr_multiplier, activation=True)
            for a, b in pairwise(widths)
        ]
        self.style = nn.Sequential(PixelNorm(), *layers)
        channels, colours = architecture.channels, architecture.image_channels
        clamp = architecture.conv_clamp
        self.input = ConstantInput(channels[0])
        self.conv1 = StyledConv(channels[0], channels[0], w_dim, clamp=clamp)
        self.to_rgb1 = ToRGB(channels[0], colours, w_dim, upsample=False, clamp=clamp)
        self.convs = nn.ModuleList()
        self.to_rgbs = nn.ModuleList()
        for below, here in pairwise(channels):
            self.convs.append(StyledConv(below, here, w_dim, upsample=True, clamp=clamp))
            self.convs.append(StyledConv(here, here, w_dim, clamp=clamp))
            self.to_rgbs.append(ToRGB(here, colours, w_dim, clamp=clamp))
        self.noises = nn.Module()
        for layer in range(architecture.num_layers):
            shape = (1, 1, *[self.layer_resolution(layer)] * 2)
            self.noises.register_buffer(f"noise_{layer}", normal(shape, seed=0, index=layer))

    @classmethod
    def from_state_dict(
        cls, state_dict: StateDict, *, conv_clamp: float | None = None
    ) -> Generator:
        """A generator of the sizes that the tensors have, with these tensors, in eval mode.

        The clamp (StyleGAN2-ADA: 256) is not in the tensors. Filter kernels and noise maps may
        be absent: the standard filter is used, and fixed noise maps drawn from seed 0.

        Raises:
            InputError: Tensors are missing, unexpected or misshapen; all are listed.
        """
        architecture = replace(GeneratorArchitecture.of(state_dict), conv_clamp=conv_clamp)
        return network_of(lambda: cls(architecture), state_dict, optional=(".kernel", "noises."))

    def layer_resolution(self, layer: int) -> int:
        """Side in pixels of the output of a styled convolution."""
        return resolutions(self.architecture.size)[(layer + 1) // 2]

    def mapping(self, z: Tensor) -> Tensor:
        """Turn z ``[N, z_dim]`` into w ``[N, w_dim]``."""
        w: Tensor = self.style(z)
        return w

    def synthesis(
        self,
        w: Tensor,
        *,
        noise: Noise = "fixed",
        background: BackgroundMode | None = None,
        on_feature: OnFeature | None = None,
        on_image: OnImage | None = None,
        constant: Tensor | None = None,
    ) -> Tensor:
        """Paint images.

        Args:
            w: One latent per image, ``[N, w_dim]``, or one per layer, w+ ``[N, L, w_dim]`` with
                L = ``architecture.num_latents``.
            noise: ``fixed`` (the noise maps of the state dict), ``random`` (PyTorch's current
                random state), ``none``, or one tensor ``[N or 1, 1, H, W]`` per styled convolution.
            background: Paint only the background, by this mode.
            on_feature: Sees every styled convolution's output as it comes, so that none has to
                be kept. The tensor may be kept, but not be changed.
            on_image: Sees the image of every resolution, the up-sampled one of the resolution below
                included, as it comes.
            constant: Start from this ``[N, C, 4, 4]`` instead of the learned constant.

        Returns:
            Images ``[N, 3, size, size]``, float, nominally in [-1, 1].

        Raises:
            InputError: ``w`` or ``noise`` has another shape.
        """
        latents = self.w_plus(w)
        maps = self._noise_maps(noise, len(latents), latents)
        x = self.input.input.expand(len(latents), -1, -1, -1) if constant is None else constant
        if background is not None:
            x = background.zero(CONSTANT_LAYER, x)
        # Channels last is the layout that convolutions are fastest in, on CPU and GPU alike.
        x = x.contiguous(memory_format=torch.channels_last)
        image: Tensor | None = None
        for layer, conv in enumerate([self.conv1, *self.convs]):
            x = conv(x, latents[:, layer], maps[layer])
            if background is not None:
                x = background.zero(layer, x)
            if on_feature is not None:
                on_feature(layer, x)
            if layer % 2 == 0:
                to_rgb = self.to_rgbs[layer // 2 - 1] if layer else self.to_rgb1
                image = to_rgb(x, latents[:, layer + 1], image)
                if on_image is not None:
                    on_image(layer // 2, image)
        assert image is not None
        return image

    def synthesis_with_features(
        self, w: Tensor, *, noise: Noise = "fixed", background: BackgroundMode | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """Images and the outputs of all styled convolutions, layer 0 first."""
        features: list[Tensor] = []
        image = self.synthesis(
            w,
            noise=noise,
            background=background,
            on_feature=lambda _, feature: features.append(feature),
        )
        return image, features

    def w_plus(self, w: Tensor) -> Tensor:
        """One latent per layer, w+ ``[N, L, w_dim]``, of w ``[N, w_dim]``; w+ is left as it is.

        Raises:
            InputError: ``w`` has another shape.
        """
        count, w_dim = self.architecture.num_latents, self.architecture.w_dim
        if w.ndim == 2 and w.shape[1] == w_dim:
            return w[:, None].expand(-1, count, -1)
        if w.ndim == 3 and tuple(w.shape[1:]) == (count, w_dim):
            return w
        raise InputError(
            f"Latents of shape {list(w.shape)} do not fit this generator: "
            f"give w [N, {w_dim}] or w+ [N, {count}, {w_dim}]."
        )

    def mix_styles(self, coarse: Tensor, fine: Tensor, crossover: int) -> Tensor:
        """w+ ``[N, L, w_dim]``: the first ``crossover`` rows of one latent, the rest of another.

        Args:
            coarse: w ``[N, w_dim]`` or w+ ``[N, L, w_dim]`` of the low resolutions.
            fine: The same of the high resolutions.
            crossover: Rows taken from ``coarse``, 0 to L.

        Raises:
            InputError: A latent has another shape, or ``crossover`` is out of range.

        Source: StyleGAN (CVPR 2019), section 3.1.
        """
        first, second = self.w_plus(coarse), self.w_plus(fine)
        _check_rows("crossover", crossover, first)
        if first.shape != second.shape:
            raise InputError(f"{len(first)} and {len(second)} latents cannot be mixed in pairs.")
        return torch.cat([first[:, :crossover], second[:, crossover:]], dim=1)

    @torch.no_grad()
    def mean_latent(self, num_latents: int = 4096, seed: int = 0) -> Tensor:
        """Mean w ``[1, w_dim]`` over latents drawn from ``seed``: the centre of truncation."""
        z = normal((num_latents, self.architecture.z_dim), seed=seed, index=0)
        return self.mapping(z.to(self.input.input)).mean(dim=0, keepdim=True)

    def _noise_maps(self, noise: Noise, num_images: int, like: Tensor) -> list[Tensor | None]:
        count = self.architecture.num_layers
        if noise == "none":
            return [None] * count
        if noise == "fixed":
            return [getattr(self.noises, f"noise_{layer}") for layer in range(count)]
        sides = [self.layer_resolution(layer) for layer in range(count)]
        if noise == "random":
            return [
                torch.randn(num_images, 1, side, side, device=like.device, dtype=like.dtype)
                for side in sides
            ]
        maps = [tensor for tensor in noise if isinstance(tensor, Tensor)]
        given = [tuple(tensor.shape) for tensor in maps]
        if [shape[1:] for shape in given] != [(1, side, side) for side in sides] or any(
            shape[0] not in (1, num_images) for shape in given
        ):
            raise InputError(
                f"Noise maps must be {count} tensors [N, 1, H, W] with N = {num_images} or 1 and "
                f"H = W = {sides}; got {given}."
            )
        return [*maps]


def truncate(
    w: Tensor, truncation: float, mean_latent: Tensor, *, truncation_cutoff: int | None = None
) -> Tensor:
    """Pull latents towards their mean: 1 leaves them alone, 0 gives the mean.

    Args:
        w: ``[N, w_dim]`` or ``[N, L, w_dim]``.
        truncation: psi in [0, 1].
        mean_latent: ``[w_dim]`` or ``[1, w_dim]``.
        truncation_cutoff: Leading rows of w+ that are pulled, 0 to L; None for all.

    Raises:
        InputError: The cutoff is out of range, or given for latents without rows.

    Source: ``truncation_psi`` and ``truncation_cutoff`` of NVlabs/stylegan2-ada-pytorch.
    """
    pulled = mean_latent + truncation * (w - mean_latent)
    if truncation_cutoff is None:
        return pulled
    _check_rows("truncation_cutoff", truncation_cutoff, w)
    return torch.cat([pulled[:, :truncation_cutoff], w[:, truncation_cutoff:]], dim=1)


def _check_rows(name: str, number: int, w: Tensor) -> None:
    if w.ndim != 3:
        raise InputError(
            f"{name} counts rows of w+ [N, L, w_dim], but the latents are {list(w.shape)}. "
            "Turn w into w+ with generator.w_plus(w)."
        )
    if not 0 <= number <= w.shape[1]:
        raise InputError(f"{name} {number} is out of range: w+ has 0 to {w.shape[1]} rows.")
