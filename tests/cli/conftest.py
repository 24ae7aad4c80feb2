"""Folders of masks for the command tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from l4f_bench.cli import app
from l4f_bench.features.specs import EXTENSIONS
from tests.cli.images import MeanColours

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Run l4f-bench with arguments; anything but a clean exit code is a failure of the test."""

    def invoke(*arguments: object) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


def save_masks(folder: Path, masks: np.ndarray, name: str = "{}.png") -> Path:
    """Save bool masks ``[N, H, W]`` as 8-bit PNGs named by number from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, mask in enumerate(masks, start=1):
        Image.fromarray(mask.astype(np.uint8) * 255).save(folder / name.format(index))
    return folder


def some_masks(n: int = 4, side: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true masks, bool ``[N, H, W]``."""
    rng = np.random.default_rng(seed)
    target = np.zeros((n, side, side), bool)
    target[:, side // 4 : -side // 4, side // 4 : -side // 4] = True
    return target ^ (rng.random(target.shape) < 0.1), target


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of predictions and one of truths, with equal names."""
    preds, target = some_masks()
    return save_masks(tmp_path / "preds", preds), save_masks(tmp_path / "truth", target)


@pytest.fixture
def mean_colours(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mean colours stand for ``inception``, and are another package's ``colours``."""
    monkeypatch.setattr(
        "l4f_bench.features.inception.load_inception",
        lambda weights, *, resize, device: MeanColours("inception", resize),
    )
    packages = tmp_path_factory.mktemp("packages")
    about = packages / "colours-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: colours\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{EXTENSIONS}]\ncolours = tests.cli.images:COLOURS\n")
    monkeypatch.syspath_prepend(packages)
