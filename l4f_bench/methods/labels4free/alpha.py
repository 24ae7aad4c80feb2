"""The alpha network: generator features to a soft mask.

Both published layouts are the same graph under other key names. Per resolution, two features are
projected to 3 channels each; from the lowest resolution up, projections and the up-sampled result
so far are merged by 1x1 convolutions; at the highest, projections are added and reduced to alpha.
Source: Labels4Free (ICCV 2021), section 3.1; ``bg_extractor`` and ``bg_extractor_repro`` of the
released code.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l4f_bench.errors import InputError
from l4f_bench.generators.architecture import AlphaArchitecture, AlphaLayout
from l4f_bench.generators.stylegan2 import BackgroundMode, Generator, Noise
from l4f_bench.tensors import StateDict, network_of

_PROJECTED = 3  # channels of a projected feature
_MERGED = 2 * _PROJECTED  # channels of a merged pair


class AlphaNetwork(nn.Module, ABC):
    """Soft foreground mask from the features of a StyleGAN2 generator.

    It reads the two styled convolutions of each of the generator's highest resolutions, from
    :meth:`start_resolution` up. A feature is reduced as soon as it exists (:meth:`reduce`), so
    that the large ones need not be kept.
    """

    conv_n: nn.Conv2d

    def __init__(self, channels: Sequence[int]) -> None:
        """Build with random weights.

        Args:
            channels: Feature channels at each resolution read, lowest first; at least two.

        Raises:
            InputError: There are fewer than two resolutions.
        """
        super().__init__()
        if len(channels) < 2:
            raise InputError("An alpha network reads two resolutions or more.")
        self.channels = tuple(channels)

    @abstractmethod
    def projection(self, index: int) -> nn.Module:
        """The projection of feature ``index``; features 2k and 2k + 1 have resolution k."""

    @abstractmethod
    def merge(self, level: int) -> nn.Module:
        """The merge of resolution ``level``, from 1 to the one below the highest."""

    @property
    def num_features(self) -> int:
        """Features read: two per resolution."""
        return 2 * len(self.channels)

    def start_resolution(self, size: int) -> int:
        """Lowest resolution read from a generator of ``size`` pixels."""
        return size >> (len(self.channels) - 1)

    def reduce(self, index: int, feature: Tensor) -> Tensor:
        """Project feature ``index`` ``[N, C, H, W]`` to ``[N, 3, H, W]``."""
        projected: Tensor = self.projection(index)(feature)
        return projected

    def combine(self, reduced: Sequence[Tensor]) -> Tensor:
        """Turn all projected features, lowest resolution first, into alpha.

        Args:
            reduced: ``num_features`` tensors ``[N, 3, H, W]``.

        Returns:
            Alpha ``[N, 1, size, size]`` in [0, 1], 1 = foreground.
        """
        with torch.autocast(reduced[0].device.type, enabled=False):
            return self._combined([part if part.itemsize > 2 else part.float() for part in reduced])

    def _combined(self, reduced: Sequence[Tensor]) -> Tensor:
        """In full precision: alpha in bfloat16 would have steps of 1/256 where it is cut."""
        pairs = [torch.cat(list(reduced[i : i + 2]), dim=1) for i in range(0, len(reduced), 2)]
        x = pairs[0]
        for level, pair in enumerate(pairs[1:-1], start=1):
            merged = self.merge(level)(torch.cat([pair, _resize(x, pair)], dim=1))
            x = F.leaky_relu(merged, 0.2)
        alpha: Tensor = self.conv_n(pairs[-1] + _resize(x, pairs[-1]))
        return alpha.sigmoid()

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Alpha ``[N, 1, size, size]`` of features, lowest resolution first.

        Raises:
            InputError: The number of features or their channels do not fit.
        """
        expected = [count for count in self.channels for _ in range(2)]
        given = [feature.shape[1] for feature in features]
        if given != expected:
            raise InputError(
                f"Features with {given} channels do not fit an alpha network for {expected}."
            )
        return self.combine([self.reduce(i, feature) for i, feature in enumerate(features)])

    def paint(
        self,
        generator: Generator,
        w: Tensor,
        *,
        noise: Noise = "fixed",
        background: BackgroundMode | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Synthesise images with their alpha, keeping no feature longer than needed.

        Gradients of alpha reach this network alone; the generator is not differentiated.

        Args:
            generator: The generator whose features this network reads.
            w: ``[N, w_dim]`` or w+ ``[N, L, w_dim]``.
            noise: As in ``Generator.synthesis``.
            background: As there.

        Returns:
            Images ``[N, 3, size, size]`` and alpha ``[N, 1, size, size]``.

        Raises:
            InputError: The generator has other feature widths.
        """
        self.check_generator(generator)
        first = generator.architecture.num_layers - self.num_features
        learning = torch.is_grad_enabled()
        reduced: list[Tensor] = []

        def read(layer: int, feature: Tensor) -> None:
            if layer >= first:
                with torch.set_grad_enabled(learning):
                    reduced.append(self.reduce(layer - first, feature))

        with torch.no_grad():
            image = generator.synthesis(w, noise=noise, background=background, on_feature=read)
        return image, self.combine(reduced)

    def check_generator(self, generator: Generator) -> None:
        """Raise unless this network fits the generator.

        Raises:
            InputError: The generator has other feature widths; both are given.
        """
        widths = generator.architecture.channels[1:][-len(self.channels) :]
        if widths != self.channels:
            raise InputError(
                f"This alpha network reads features of {list(self.channels)} channels, but a "
                f"generator of {generator.architecture.size} pixels with {list(widths)} was given. "
                "Use the pair that was trained together."
            )

    @staticmethod
    def from_state_dict(state_dict: StateDict) -> AlphaNetwork:
        """A network of the layout and sizes that the tensors have, with them, in eval mode.

        Raises:
            InputError: Tensors are missing, unexpected or misshapen; all are listed.
        """
        sizes = AlphaArchitecture.of(state_dict)
        return network_of(lambda: alpha_network(sizes.layout, sizes.channels), state_dict)


class BgExtractor(AlphaNetwork):
    """Keys ``conv_fns0.r``, ``conv_fns1.r``, ``conv_merge_fns.m``, ``conv_n``."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__(channels)
        self.conv_fns0 = nn.ModuleList(_project(count) for count in channels)
        self.conv_fns1 = nn.ModuleList(_project(count) for count in channels)
        self.conv_merge_fns = nn.ModuleList(_merge() for _ in channels[1:-1])
        self.conv_n = nn.Conv2d(_MERGED, 1, 1)

    def projection(self, index: int) -> nn.Module:
        """See :meth:`AlphaNetwork.projection`."""
        return (self.conv_fns0, self.conv_fns1)[index % 2][index // 2]

    def merge(self, level: int) -> nn.Module:
        """See :meth:`AlphaNetwork.merge`."""
        return self.conv_merge_fns[level - 1]


class BgExtractorRepro(AlphaNetwork):
    """Keys ``conv1``, ``conv2``, …; ``conv_next``, ``conv_next2``, …; ``conv_n``."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__(channels)
        for index, count in enumerate(count for count in channels for _ in range(2)):
            self.add_module(f"conv{index + 1}", _project(count))
            if index == 5:  # where the released code registers them
                self._add_merges()
        if len(channels) < 3:
            self._add_merges()
        self.conv_n = nn.Conv2d(_MERGED, 1, 1)

    def _add_merges(self) -> None:
        for level in range(1, len(self.channels) - 1):
            self.add_module(self._merge_name(level), _merge())

    @staticmethod
    def _merge_name(level: int) -> str:
        return "conv_next" if level == 1 else f"conv_next{level}"

    def projection(self, index: int) -> nn.Module:
        """See :meth:`AlphaNetwork.projection`."""
        return self.get_submodule(f"conv{index + 1}")

    def merge(self, level: int) -> nn.Module:
        """See :meth:`AlphaNetwork.merge`."""
        return self.get_submodule(self._merge_name(level))


def alpha_network(layout: AlphaLayout, channels: Sequence[int]) -> AlphaNetwork:
    """A new alpha network with the key names of a published layout.

    Args:
        layout: ``bg_extractor`` or ``bg_extractor_repro``.
        channels: Feature channels at each resolution read, lowest first.
    """
    return BgExtractor(channels) if layout == "bg_extractor" else BgExtractorRepro(channels)


def _project(num_channels: int) -> nn.Conv2d:
    return nn.Conv2d(num_channels, _PROJECTED, 1)


def _merge() -> nn.Conv2d:
    return nn.Conv2d(2 * _MERGED, _MERGED, 1)


def _resize(x: Tensor, like: Tensor) -> Tensor:
    """Up-sample ``x`` to the height and width of ``like``."""
    return F.interpolate(x, size=like.shape[2:], mode="bicubic", align_corners=True)
