"""Samples that a detector must accept before another annotator's masks count."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from l4f_bench.annotators.bisenet import BiSeNet
from l4f_bench.annotators.choice import AnnotatorConfig, usual_annotator
from l4f_bench.annotators.contracts import Annotation, Reason
from l4f_bench.annotators.loading import open_annotator
from l4f_bench.annotators.rejection import RejectionRule
from l4f_bench.annotators.screening import Screened
from l4f_bench.evaluation.truth import annotator_facts
from l4f_bench.methods.specs import METHODS
from tests.annotators.optional import torchvision_or_skip
from tests.toy_detector import write_toy_pickle


@dataclass
class Fixed:
    """Always the same answer."""

    value: bool
    reason: tuple[Reason | None, ...]

    def annotate(self, image: torch.Tensor) -> Annotation:
        mask = torch.full((len(image), 2, 2), self.value)
        return Annotation(mask=mask, reason=self.reason)


def test_masks_are_the_annotators_and_both_may_reject() -> None:
    screened = Screened(
        Fixed(True, (None, None, "too-small", "too-small")),
        Fixed(False, (None, "no-instance", None, "several-instances")),
    )
    annotation = screened.annotate(torch.zeros(4, 3, 2, 2, dtype=torch.uint8))
    assert annotation.mask.all()
    assert annotation.reason == (None, "no-instance", "too-small", "several-instances")


def test_only_samples_of_pseg_on_faces_are_screened() -> None:
    screened = usual_annotator("ffhq", METHODS.get("pseg").screens["ffhq"])
    assert screened.name == "bisenet"
    assert screened.screen is not None
    assert (screened.screen.name, screened.screen.rule.target_class) == ("mask-rcnn", "person")
    assert usual_annotator("ffhq").screen is None
    assert [(spec.name, *spec.screens) for spec in METHODS if spec.screens] == [("pseg", "ffhq")]


def test_a_screened_annotator_opens_both_files(tmp_path: Path) -> None:
    torchvision_or_skip()
    torch.manual_seed(0)
    torch.save(BiSeNet(19, width=0.125).state_dict(), tmp_path / "79999_iter.pth")
    config = AnnotatorConfig(
        name="bisenet",
        weights=tmp_path / "79999_iter.pth",
        foreground=("hat", "hair"),
        screen=AnnotatorConfig(
            name="mask-rcnn",
            rule=RejectionRule(target_class="person"),
            weights=write_toy_pickle(tmp_path / "toy.pkl", "person"),
        ),
    )
    annotator, digests = open_annotator(config, torch.device("cpu"))
    assert set(digests) == {"annotator", "screen"}
    assert annotator_facts(config, annotator).foreground == ("hair", "hat")
    images = torch.zeros(2, 3, 64, 64, dtype=torch.uint8)
    images[1] = 255
    annotation = annotator.annotate(images)
    assert annotation.reason == ("no-instance", None)
    assert annotation.mask.shape == (2, 64, 64)
