"""LPIPS with VGG16, the published perceptual distance, where its network is at hand.

Source: Zhang et al. (CVPR 2018), version 0.1 of its weights. The linear heads come with
torchmetrics; the body is torchvision's VGG16 of ImageNet, told by its digest. There is no other way
to get this loss: with any other weights it is not LPIPS.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torchmetrics
from torch import Tensor, nn

from l4f_bench.cache import cached_weight
from l4f_bench.files.errors import refusals_named
from l4f_bench.files.state_dicts import checked_tensors
from l4f_bench.tensors import load_tensors

WEIGHTS = "vgg16"
"""Name of the body among the weights that can be fetched."""
_WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
_EPSILON = 1e-8
_HEADS = Path(torchmetrics.__file__).parent / "functional" / "image" / "lpips_models" / "vgg.pth"


class Lpips(nn.Module):
    """Body and heads; weights are loaded by :func:`load_lpips`."""

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        self.taps: list[int] = []
        width_before = 3
        for widths in _WIDTHS:
            for width in widths:
                layers += [nn.Conv2d(width_before, width, 3, padding=1), nn.ReLU()]
                width_before = width
            self.taps.append(len(layers) - 1)
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.heads = nn.ModuleList(nn.Conv2d(widths[-1], 1, 1, bias=False) for widths in _WIDTHS)
        self.register_buffer("shift", torch.tensor(_SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(_SCALE).view(1, 3, 1, 1), persistent=False)

    def forward(self, pictures: Tensor, targets: Tensor) -> Tensor:
        """Sum over images ``[N, 3, H, W]`` in [-1, 1] of their distances, as the projectors do."""
        pairs = zip(self._taps(pictures), self._taps(targets), self.heads, strict=True)
        parts = [head((a - b).square()).mean(dim=(2, 3)).sum() for a, b, head in pairs]
        return torch.stack(parts).sum()

    def _taps(self, images: Tensor) -> list[Tensor]:
        """Features of the five scales, each of length 1 at every place."""
        x, found = (images.to(self.shift) - self.shift) / self.scale, []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.taps:
                found.append(x / (x.square().sum(dim=1, keepdim=True).sqrt() + _EPSILON))
        return found


def load_lpips(device: torch.device) -> Lpips:
    """The published distance.

    Raises:
        MissingAssetError: The body is not in the cache, or is another file; the message says how
            to get it.
        CheckpointError: A file cannot be read.
    """
    body = cached_weight(WEIGHTS)
    network = lpips_of(_tensors(body), _tensors(_HEADS), body)
    return network.to(device).eval().requires_grad_(False)


def lpips_of(body: Mapping[str, Tensor], heads: Mapping[str, Tensor], path: Path) -> Lpips:
    """The network of two state dicts: torchvision's, and the published one of the heads.

    Raises:
        CheckpointError: They are of other networks; the message names ``path``.
    """
    state = {key: value for key, value in body.items() if key.startswith("features.")}
    for key, value in heads.items():  # lin0.model.1.weight
        state[f"heads.{key.removeprefix('lin').partition('.')[0]}.weight"] = value
    with refusals_named(path):
        network = Lpips()
        load_tensors(network, state)
    return network


def _tensors(path: Path) -> dict[str, Tensor]:
    """A state dict of a file that is known: by its digest, or as a part of torchmetrics.

    Both were written by Python 2, whose form of a state dict our own reader refuses.
    """
    with refusals_named(path):
        content: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        checked_tensors({"the file": content}, path.stat().st_size)
    return content
