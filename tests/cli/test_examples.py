"""The methods in examples/."""

from __future__ import annotations

import base64
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from l4f_bench.methods.loading import load_image_method
from tests.cli.conftest import Run

EXAMPLES = Path(__file__).parents[2] / "examples"
OTSU, ONNX = EXAMPLES / "otsu_method.py", EXAMPLES / "onnx_method.py"
HAS_ONNX = importlib.util.find_spec("onnxruntime") is not None

# One convolution of 1x1 whose output is 100 times the first channel, for an input of 320 pixels.
NETWORK = base64.b64decode(
    "CAc6bwoPCgF4CgF3EgF5IgRDb252EgFnKhsIAQgDCAEIARABIgwAAMhCAAAAAAAAAABCAXdaHQoBeBIYChYIARISCgIIAQoC"
    "CAMKAwjAAgoDCMACYh0KAXkSGAoWCAESEgoCCAEKAggBCgMIwAIKAwjAAkIECgAQDQ=="
)


def colours(left: tuple[int, int, int], right: tuple[int, int, int]) -> torch.Tensor:
    """An image uint8 ``[1, 3, 6, 8]`` of two colours side by side."""
    image = torch.empty(1, 3, 6, 8, dtype=torch.uint8)
    for half, colour in ((image[..., :4], left), (image[..., 4:], right)):
        half[:] = torch.tensor(colour, dtype=torch.uint8)[:, None, None]
    return image


def test_otsu_is_a_whole_method_in_under_30_lines(run: Run, tmp_path: Path) -> None:
    assert len(OTSU.read_text(encoding="utf-8").splitlines()) < 30
    assert run("check-method", OTSU).exit_code == 0
    result = run("eval", "--method", OTSU, "--limit", 50, "--out", tmp_path, "--json")
    record = json.loads(result.stdout)["records"][0]
    assert record["method_title"] == "Otsu's threshold on chroma"
    # Of a world with one range of colours it finds less than a mask that never looks.
    assert 0.3 < record["scores"]["miou"]["value"] < record["controls"]["constant"]["miou"]["value"]


def test_otsu_parts_two_colours_and_finds_nothing_in_one() -> None:
    method, _ = load_image_method(str(OTSU), "shapes")
    mask = method.segment(colours((200, 40, 40), (90, 80, 85)))[0, 0]
    assert mask.bool().equal((torch.arange(8) < 4).expand(6, 8))
    assert not method.segment(colours((9, 9, 9), (9, 9, 9))).any()


def test_otsu_is_that_of_opencv() -> None:
    cv2: Any = pytest.importorskip("cv2")
    method, _ = load_image_method(str(OTSU), "shapes")
    grey = np.random.default_rng(0).gamma(3, 20, (40, 50)).clip(0, 255).astype(np.uint8)
    image = torch.from_numpy(np.stack([grey, np.zeros_like(grey), np.zeros_like(grey)]))
    _, expected = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    assert np.array_equal(method.segment(image[None])[0, 0].numpy(), expected)


def test_a_network_asks_for_its_file(run: Run) -> None:
    got = run("check-method", ONNX)
    assert got.exit_code == 2
    assert "give its file with --weights FILE.onnx" in got.stderr


@pytest.mark.skipif(HAS_ONNX, reason="onnxruntime is installed")
def test_without_onnxruntime_it_says_what_is_missing(run: Run, tmp_path: Path) -> None:
    got = run("check-method", ONNX, "--weights", tmp_path / "net.onnx")
    assert got.exit_code == 4
    assert got.stderr.count("\n") == 1
    assert "No module named 'onnxruntime'" in got.stderr


@pytest.mark.skipif(not HAS_ONNX, reason="onnxruntime is not installed")
def test_a_network_segments_what_is_red(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "red.onnx"
    file.write_bytes(NETWORK)
    assert run("check-method", ONNX, "--weights", file).exit_code == 0
    method, digests = load_image_method(str(ONNX), "shapes", weights=file, device="cpu")
    assert set(digests) == {"weights", "method"}
    alpha = method.segment(colours((255, 0, 0), (0, 255, 255)))[0, 0]
    assert (alpha[:, :3] > 0.99).all()
    assert (alpha[:, 5:] < 0.01).all()
