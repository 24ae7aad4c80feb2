"""What an analysis is asked: the options of its command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from l4f_bench.analysis.rule import FALL
from l4f_bench.errors import InputError
from l4f_bench.seeds import check_seed

_MOST = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class LayersConfig:
    """Options of the analysis of RGB layers."""

    dataset: str = "shapes"
    """Key of the data set whose generator it is."""
    generator: Path | None = None
    """Its checkpoint; None takes the data set's, embedded or in the cache."""
    samples: int = 50
    """Images, 2 or more."""
    draws: int = 5
    """Noises in place of each RGB layer of each image, 1 or more."""
    seed: int = 0
    """Seed of the samples, of the noise and of the bootstrap."""
    truncation: float = 1.0
    """psi of the samples, 0 to 1."""
    fall: float = FALL
    """Share by which SSIM falls at the first layer that is kept, above 0 and below 1."""
    device: str | None = None
    """Where to compute; None takes a GPU if there is one."""

    def __post_init__(self) -> None:
        _check_sampling(self.samples, self.seed, self.truncation)
        _check_whole("--draws", self.draws, 1)
        if not 0 < self.fall < 1:
            raise InputError(f"--fall {self.fall:g} is out of range: use more than 0, less than 1.")


@dataclass(frozen=True, kw_only=True, slots=True)
class BackgroundConfig:
    """Options of the analysis of background channels."""

    dataset: str = "shapes"
    """Key of the data set whose generator it is."""
    generator: Path | None = None
    """Its checkpoint; None takes the data set's, embedded or in the cache."""
    samples: int = 20
    """Images, each with a background of its own, 2 or more."""
    seed: int = 0
    """Seed of the samples, of the shuffled weights and of the bootstrap."""
    truncation: float = 1.0
    """psi of the samples and of the images that backgrounds are cut from, 0 to 1."""
    crop: float = 0.25
    """Side of a crop as a share of the image's."""
    annotator: str | None = None
    """What says where the background is; None takes crops along the image's edges."""
    annotator_weights: Path | None = None
    """Its checkpoint; None takes an embedded or cached one."""
    threshold: float = 0.5
    """Curated backgrounds: channels above this share of the layer's largest are zeroed."""
    device: str | None = None
    """Where to compute; None takes a GPU if there is one."""

    def __post_init__(self) -> None:
        _check_sampling(self.samples, self.seed, self.truncation)
        if not 0 < self.crop <= 0.5:
            raise InputError(f"--crop {self.crop:g} is out of range: use more than 0, up to 0.5.")
        if not 0 <= self.threshold <= 1:
            raise InputError(f"--threshold {self.threshold:g} is out of range: use 0 to 1.")
        if self.annotator is None and self.annotator_weights is not None:
            raise InputError("--annotator-weights needs --annotator. Give both, or leave it out.")


def _check_sampling(samples: int, seed: int, truncation: float) -> None:
    check_seed(seed)
    _check_whole("--samples", samples, 2)
    if not 0 <= truncation <= 1:
        raise InputError(f"--truncation {truncation:g} is out of range: use 0 to 1.")


def _check_whole(option: str, value: int, least: int) -> None:
    if not least <= value <= _MOST:
        raise InputError(f"{option} {value} is out of range: use {least} to {_MOST}.")
