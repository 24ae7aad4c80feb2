"""Which layers of a generator would have to change for an image to become a background.

Source: Labels4Free (ICCV 2021), section 3.2. Its code for this was never released: the loss is the
squared error of the raw image to a background, summed over pixels; the measure of a layer is the
L2 norm of the gradient over positions, summed over channels. RGB layers are left out there.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from l4f_bench.errors import InputError
from l4f_bench.generators.stylegan2 import (
    CONSTANT,
    CONSTANT_LAYER,
    FIRST_CONV,
    BackgroundMode,
    Generator,
    Noise,
)
from l4f_bench.seeds import random_numbers


@dataclass(frozen=True, slots=True)
class BackgroundGradients:
    """Gradients of the squared error to a background, as norms over positions."""

    loss: Tensor
    """Squared error of each image, ``[N]``."""
    layers: tuple[Tensor, ...]
    """Norms by channel ``[N, C]``: at the constant, then at each styled convolution's output."""
    sides: tuple[int, ...]
    """Height and width of each of these in pixels."""
    rgb: tuple[Tensor, ...]
    """Norms by colour ``[N, 3]`` at the image of each resolution, which the paper leaves out."""

    def summed(self) -> Tensor:
        """The paper's measure ``[N, L]``: norms summed over channels."""
        return torch.stack([norms.sum(dim=1) for norms in self.layers], dim=1)

    def rgb_summed(self) -> Tensor:
        """The same at the image of each resolution, ``[N, R]``."""
        return torch.stack([norms.sum(dim=1) for norms in self.rgb], dim=1)

    def per_element(self) -> Tensor:
        """The measure without the layer's size ``[N, L]``.

        It is the root mean square over positions, and the mean of that over channels: the measure
        over ``C * sqrt(H * W)``, by which it grows if equal elements become more.
        """
        pairs = zip(self.layers, self.sides, strict=True)
        return torch.stack([norms.mean(dim=1) / side for norms, side in pairs], dim=1)


def layer_names(generator: Generator) -> tuple[str, ...]:
    """``input``, ``conv1``, ``convs.0``, …: the constant and the styled convolutions."""
    return ("input", "conv1", *(f"convs.{i}" for i in range(len(generator.convs))))


def background_gradients(
    generator: Generator, w: Tensor, target: Tensor, *, noise: Noise = "fixed"
) -> BackgroundGradients:
    """Gradients of ``||G(w, n) - target||^2``, of each image alone.

    Args:
        generator: The generator.
        w: ``[N, w_dim]`` or w+ ``[N, L, w_dim]``.
        target: Backgrounds ``[N or 1, 3, size, size]``, as the generator's raw output.
        noise: As in ``Generator.synthesis``.

    Raises:
        InputError: ``w``, ``noise`` or ``target`` has another shape.
    """
    size = generator.architecture.size
    if target.shape[1:] != (3, size, size) or len(target) not in (1, len(w)):
        raise InputError(
            f"Backgrounds must be [{len(w)} or 1, 3, {size}, {size}]; got {list(target.shape)}."
        )
    constant = generator.input.input.detach().repeat(len(w), 1, 1, 1).requires_grad_()
    features, images = [constant], []
    with torch.enable_grad():
        image = generator.synthesis(
            w.detach(),
            noise=noise,
            constant=constant,
            on_feature=lambda _, feature: features.append(feature),
            on_image=lambda _, partial: images.append(partial),
        )
        loss = (image - target).square().flatten(1).sum(dim=1)  # [N]
        gradients = torch.autograd.grad(loss.sum(), [*features, *images])
    norms = [gradient.flatten(2).norm(dim=2) for gradient in gradients]
    count = len(features)
    return BackgroundGradients(
        loss=loss.detach(),
        layers=tuple(norms[:count]),
        sides=tuple(feature.shape[-1] for feature in features),
        rgb=tuple(norms[count:]),
    )


def whole_layer(generator: Generator, layer: int) -> BackgroundMode:
    """The mode that zeroes a whole layer: -1 is the constant, 0 the first styled convolution."""
    if layer in (CONSTANT_LAYER, 0):
        return CONSTANT if layer == CONSTANT_LAYER else FIRST_CONV
    channels = generator.architecture.channels[(layer + 1) // 2]
    return BackgroundMode(name="channels", layer=layer, channels=tuple(range(channels)))


def curated(
    norms: Tensor | Sequence[float], threshold: float, *, layer: int, zero: str = "above"
) -> BackgroundMode:
    """The mode that zeroes a layer's channels on one side of a threshold, and leaves the others.

    Args:
        norms: The measure of each channel of the layer, ``[C]``.
        threshold: In the same units.
        layer: -1 for the constant, 0 for the first styled convolution, …
        zero: ``above``: channels at or above the threshold; ``below``: those below it.

    Raises:
        InputError: ``zero`` is neither.

    Source: Labels4Free (ICCV 2021), section 3.2: curated backgrounds by "setting some channels to
    be active based on a threshold".
    """
    if zero not in ("above", "below"):
        raise InputError(f"Channels are zeroed above or below a threshold, not {zero!r:.40}.")
    channels = tuple(
        index
        for index, norm in enumerate(map(float, norms))
        if (norm >= threshold) == (zero == "above")
    )
    return BackgroundMode(name="channels", layer=layer, channels=channels)


def shuffled(generator: Generator, seed: int) -> Generator:
    """A copy whose weights are permuted within each tensor: the same values, none in its place.

    Noise maps and filters, which are not learned, stay.
    """
    network = copy.deepcopy(generator)
    for index, parameter in enumerate(network.parameters()):
        order = random_numbers(seed=seed, index=index).permutation(parameter.numel())
        values = parameter.detach().flatten()[torch.from_numpy(order).to(parameter.device)]
        parameter.data = values.view_as(parameter)
    return network
