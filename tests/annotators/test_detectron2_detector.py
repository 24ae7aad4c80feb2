"""What we hand to detectron2, seen by a stand-in, since no package of it installs as it is.

The stand-in takes a configuration and weights as detectron2 does and answers by our own network.
That detectron2 itself gives the same masks is tested where it is installed, in
``test_mask_rcnn_annotator.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from l4f_bench.annotators.loading import load_annotator
from l4f_bench.annotators.mask_rcnn import Architecture, MaskRCNN, Stage
from l4f_bench.annotators.mask_rcnn.network_detector import NetworkDetector
from l4f_bench.annotators.rejection import RejectionRule
from l4f_bench.errors import InputError
from tests.annotators.optional import torchvision_or_skip
from tests.toy_detector import TOY, write_toy_pickle

RESNET50 = Architecture(
    stem=2,
    stages=tuple(Stage(blocks=blocks, hidden=1, outputs=2) for blocks in (3, 4, 6, 3)),
    pyramid=2,
    box_layers=(2, 2),
    mask_layers=(2, 2),
    mask_hidden=2,
)
CPU = torch.device("cpu")
RULE = RejectionRule(target_class="cat", min_score=0.3)


class Node:
    """A branch of a configuration, whose branches appear when they are asked for."""

    def __getattr__(self, name: str) -> Any:
        self.__dict__[name] = Node()
        return self.__dict__[name]


class Found:
    """What a predictor returns, on a device."""

    def __init__(self, image: torch.Tensor, network: MaskRCNN, min_score: float) -> None:
        instances = NetworkDetector(network).instances(image, min_score)
        self.pred_classes, self.scores = instances.labels, instances.scores
        each = [instances.union(index[None]) for index in torch.arange(len(self.scores))]
        self.pred_masks = torch.stack([*each, torch.zeros(image.shape[1:], dtype=torch.bool)])[:-1]

    def to(self, device: torch.device) -> Found:
        assert device == CPU
        return self


class StandIn:
    """``DefaultPredictor`` as far as it is used."""

    made: list[StandIn]

    def __init__(self, config: Any) -> None:
        self.config, self.model = config, MaskRCNN(RESNET50)
        self.made.append(self)

    def __call__(self, image: np.ndarray) -> dict[str, Found]:
        assert image.dtype == np.uint8
        assert image.flags["C_CONTIGUOUS"]
        self.seen = image
        rgb = torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1)  # from BGR
        min_score = self.model.roi_heads.box_predictor.test_score_thresh
        return {
            "instances": Found(rgb, MaskRCNN.from_state_dict(self.model.state_dict()), min_score)
        }


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[StandIn]:
    torchvision_or_skip()
    package, config, engine = (
        ModuleType(f"detectron2{part}") for part in ("", ".config", ".engine")
    )
    config.get_cfg, engine.DefaultPredictor = Node, StandIn  # type: ignore[attr-defined]
    for module in (package, config, engine):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    StandIn.made = []
    return StandIn.made


def test_image_weights_and_threshold_arrive(made: list[StandIn], tmp_path: Path) -> None:
    path = write_toy_pickle(tmp_path / "r50.pkl", architecture=RESNET50)
    image = torch.zeros(1, 3, 64, 80, dtype=torch.uint8)
    image[:, :2, 16:48, 20:60] = 250  # yellow
    theirs = load_annotator("detectron2", path, CPU, RULE).annotate(image)
    ours = load_annotator("mask-rcnn", path, CPU, RULE).annotate(image)
    assert (theirs.reason, theirs.score) == (ours.reason, ours.score)
    assert ours.reason == (None,)
    assert torch.equal(theirs.mask, ours.mask)
    assert made[0].seen[32, 40].tolist() == [0, 250, 250]  # blue, green, red
    assert made[0].model.roi_heads.box_predictor.test_score_thresh == 0.3


def test_the_configuration_is_that_of_the_architecture(made: list[StandIn], tmp_path: Path) -> None:
    load_annotator(
        "detectron2", write_toy_pickle(tmp_path / "r50.pkl", architecture=RESNET50), CPU, RULE
    )
    config = made[0].config
    assert config.INPUT.__dict__ == {"FORMAT": "BGR", "MIN_SIZE_TEST": 800, "MAX_SIZE_TEST": 1333}
    model = config.MODEL
    assert (model.WEIGHTS, model.DEVICE, model.MASK_ON) == ("", "cpu", True)
    assert (model.RESNETS.DEPTH, model.RESNETS.STEM_OUT_CHANNELS) == (50, 2)
    assert model.ANCHOR_GENERATOR.SIZES == [[32], [64], [128], [256], [512]]
    assert model.RPN.IN_FEATURES == ["p2", "p3", "p4", "p5", "p6"]
    assert (model.ROI_BOX_HEAD.NUM_FC, model.ROI_MASK_HEAD.NUM_CONV) == (2, 2)
    assert model.ROI_HEADS.NUM_CLASSES == 80


def test_a_depth_that_detectron2_cannot_build_is_refused(
    made: list[StandIn], tmp_path: Path
) -> None:
    path = write_toy_pickle(tmp_path / "shallow.pkl", architecture=TOY)
    with pytest.raises(InputError, match=r"shallow\.pkl.*no ResNet of \(1, 1, 1, 2\) blocks"):
        load_annotator("detectron2", path, CPU, RULE)
    assert not made
