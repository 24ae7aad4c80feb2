"""What is bright is the object: a method and an annotator whose masks are known by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from l4f_bench.annotators.contracts import Annotation


class Bright:
    """Alpha is the red channel; of an annotator's mask its upper half."""

    def segment(self, image: Tensor) -> Tensor:
        return image[:, :1].float() / 255

    def annotate(self, image: Tensor) -> Annotation:
        return Annotation(mask=image[:, 0] > 127, reason=(None,) * len(image))


def load_method(path: None, *, dataset: str, device: str | None) -> tuple[Bright, dict[str, str]]:
    return Bright(), {}


def load_annotator(weights: None, device: torch.device, rule: Any, foreground: Any) -> Bright:
    return Bright()


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a package in ``folder`` offer both by name."""
    about = folder / "bright-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: bright\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[l4f_bench.methods]\nbright = tests.cli.bright:load_method\n"
        "[l4f_bench.annotators]\nlight = tests.cli.bright:load_annotator\n"
    )
    monkeypatch.syspath_prepend(folder)
