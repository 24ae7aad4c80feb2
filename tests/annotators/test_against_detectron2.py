"""Our Mask R-CNN beside detectron2's own code, where it is installed (``nox -s detectron2``)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from l4f_bench.annotators.loading import load_annotator
from l4f_bench.annotators.mask_rcnn import Architecture, MaskRCNN
from l4f_bench.annotators.mask_rcnn.detectron2_detector import Detectron2Detector
from l4f_bench.annotators.mask_rcnn.network_detector import NetworkDetector
from l4f_bench.annotators.rejection import Instances, RejectionRule
from tests.goldens import SHARED, golden_case
from tests.toy_detector import write_toy_pickle

pytestmark = [
    pytest.mark.usefixtures("detectron2_or_skip"),
    pytest.mark.filterwarnings("ignore"),  # of detectron2's own code
]

CATS = RejectionRule(target_class="cat")
CPU = torch.device("cpu")
PHOTOGRAPHS = sorted((SHARED / "custom-dataset").glob("*/data/*.png"))


@pytest.fixture(scope="module")
def detectron2_or_skip() -> None:
    pytest.importorskip("detectron2", reason="detectron2 is not installed (nox -s detectron2)")


def both(weights: dict[str, Tensor], folder: Path) -> tuple[NetworkDetector, Detectron2Detector]:
    """Ours and detectron2's, on the same weights."""
    torch.save({"model": weights}, folder / "weights.pth")
    theirs = Detectron2Detector(folder / "weights.pth", CPU)
    return NetworkDetector(MaskRCNN.from_state_dict(weights)), theirs


def same_masks(ours: Instances, theirs: Instances, index: int, twin: int) -> bool:
    """Whether two objects cover the same pixels: all of 1,000, all but one of a smaller object.

    A pixel whose probability is one half to seven digits is on either side by rounding.
    """
    first, second = ours.union(torch.tensor([index])), theirs.union(torch.tensor([twin]))
    return int((first ^ second).sum()) <= max(1, 0.001 * int((first | second).sum()))


def without_twin(ours: Instances, theirs: Instances) -> list[int]:
    """Objects of ours for which none is left of theirs: class, score within 1e-6 and mask."""
    left, lone = list(range(len(theirs.labels))), []
    for index in range(len(ours.labels)):
        near = (theirs.scores - ours.scores[index]).abs() <= 1e-6  # may tie: the order is free
        twins = [
            twin
            for twin in left
            if near[twin]
            and theirs.labels[twin] == ours.labels[index]
            and same_masks(ours, theirs, index, twin)
        ]
        if twins:
            left.remove(twins[0])
        else:
            lone.append(index)
    return lone


def test_verdicts_are_the_same(tmp_path: Path) -> None:
    path = write_toy_pickle(tmp_path / "r101.pkl", architecture=Architecture())
    image = torch.zeros(1, 3, 240, 320, dtype=torch.uint8)
    image[:, :, 40:200, 60:270] = 220
    ours = load_annotator("mask-rcnn", path, CPU, CATS).annotate(image)
    theirs = load_annotator("detectron2", path, CPU, CATS).annotate(image)
    assert theirs.reason == ours.reason == (None,)
    assert theirs.score == pytest.approx(ours.score, abs=1e-5)
    assert int((ours.mask & theirs.mask).sum()) >= 0.999 * int((ours.mask | theirs.mask).sum()) > 0


@pytest.mark.parametrize("size", [(240, 320), (900, 600)])  # enlarged and made smaller
def test_every_object_of_noise_is_found_by_both(tmp_path: Path, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    detectors = both(MaskRCNN(Architecture()).state_dict(), tmp_path)
    image = torch.randint(0, 256, (3, *size), dtype=torch.uint8)
    ours, theirs = (detector.instances(image, 0.0) for detector in detectors)
    assert len(ours.scores) == 100  # the most that are kept
    assert len(theirs.scores) == 100
    assert without_twin(ours, theirs) == []


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOGRAPHS, reason="the custom set is not at hand")
def test_every_object_of_photographs_is_found_by_both(tmp_path: Path) -> None:
    detectors = both(golden_case("maskrcnn_r101").state_dict(), tmp_path)
    objects = 0
    for path in PHOTOGRAPHS:
        pixels = np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1).copy()
        ours, theirs = (d.instances(torch.from_numpy(pixels), 0.05) for d in detectors)
        assert len(theirs.labels) == len(ours.labels), path
        objects += len(ours.labels)
        assert without_twin(ours, theirs) == [], path
    assert objects > 500
