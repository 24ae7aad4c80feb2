"""Mask R-CNN gives the tensors, boxes and masks that detectron2 gave."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from l4f_bench.annotators.mask_rcnn import (
    BOX_SIDE,
    BOX_WEIGHTS,
    MASK_SIDE,
    Architecture,
    MaskRCNN,
    Objects,
    anchors,
    apply_deltas,
    input_size,
    normalised,
    paste_all,
    pool,
    resized,
    scaled_boxes,
)
from tests.annotators.optional import torchvision_or_skip
from tests.goldens import GoldenCase, golden_case

SIZE = (128, 160)


@pytest.fixture(scope="module")
def case() -> GoldenCase:
    torchvision_or_skip()
    return golden_case("maskrcnn_r101")


@pytest.fixture(scope="module")
def weights(case: GoldenCase) -> dict[str, Tensor]:
    return case.state_dict()


@pytest.fixture(scope="module")
def network(weights: dict[str, Tensor]) -> MaskRCNN:
    return MaskRCNN.from_state_dict(weights)


@pytest.fixture(scope="module")
def image(case: GoldenCase) -> Tensor:
    """uint8 ``[1, 3, 128, 160]``, RGB."""
    return case.tensor("in_image").permute(2, 0, 1).flip(0)[None]


@pytest.fixture(scope="module")
def levels(network: MaskRCNN, image: Tensor) -> list[Tensor]:
    with torch.no_grad():
        return network.features(normalised(image))


@pytest.fixture(scope="module")
def objects(network: MaskRCNN, levels: list[Tensor]) -> Objects:
    return network.detect(levels, SIZE, 0.05)


def check_with_stats(case: GoldenCase, name: str, full: Tensor) -> None:
    case.check(name, full)
    stats = torch.stack([full.mean(), full.std(unbiased=False), full.min(), full.max()])
    case.check(f"{name}_stats", stats)


def test_keys_are_those_of_the_model_zoo(weights: dict[str, Tensor]) -> None:
    with torch.device("meta"):
        state = MaskRCNN().state_dict()
    assert {key: value.shape for key, value in state.items()} == {
        key: value.shape for key, value in weights.items()
    }


def test_sizes_are_read_off_the_tensors(weights: dict[str, Tensor]) -> None:
    assert Architecture.of(weights) == Architecture()


def test_preprocessing_matches(case: GoldenCase, image: Tensor) -> None:
    x = normalised(image)
    assert tuple(x.shape) == tuple(case.arrays["out_preprocessed_shape"])
    check_with_stats(case, "out_preprocessed", x)


def test_resizing_matches_the_predictor(case: GoldenCase) -> None:
    image = case.tensor("in_image_for_resize").permute(2, 0, 1)[None]
    size = input_size(image.shape[-2], image.shape[-1])
    assert (*size, 3) == tuple(case.arrays["out_resized_shape"])
    small = resized(image, size)[0].permute(1, 2, 0)[::40, ::40].numpy()
    assert np.array_equal(small, case.arrays["out_resized"])


def test_features_match(
    case: GoldenCase, network: MaskRCNN, image: Tensor, levels: list[Tensor]
) -> None:
    for number, feature in enumerate(network.backbone.bottom_up(normalised(image)), start=2):
        check_with_stats(case, f"out_res{number}", feature)
    for number, level in enumerate(levels, start=2):
        check_with_stats(case, f"out_p{number}", level)


@pytest.mark.parametrize("number", range(5))
def test_rpn_matches_at_every_level(
    case: GoldenCase, network: MaskRCNN, levels: list[Tensor], number: int
) -> None:
    logits, deltas = network.proposal_generator.rpn_head(levels[number])
    case.check(f"out_rpn_logits_p{number + 2}", logits)
    case.check(f"out_rpn_deltas_p{number + 2}", deltas)
    height, width = levels[number].shape[-2:]
    boxes = anchors(height, width, number, torch.device("cpu"))
    case.check(f"out_anchors_p{number + 2}", boxes)


def test_proposals_match(case: GoldenCase, network: MaskRCNN, levels: list[Tensor]) -> None:
    proposals = network.proposal_generator(levels, SIZE)
    assert len(proposals.boxes) == case.arrays["out_n_proposals"]
    case.check("out_proposal_logits", proposals.logits)
    case.check("out_proposal_boxes", proposals.boxes)


def test_box_head_matches(case: GoldenCase, network: MaskRCNN, levels: list[Tensor]) -> None:
    boxes, heads = case.tensor("in_boxes"), network.roi_heads
    pooled = pool(levels, boxes, BOX_SIDE)
    case.check("out_box_pooled", pooled)
    vectors = heads.box_head(pooled)
    case.check("out_box_features", vectors)
    logits, deltas = heads.box_predictor(vectors)
    case.check("out_class_logits", logits)
    case.check("out_box_deltas", deltas)
    case.check("out_decoded_boxes", apply_deltas(deltas, boxes, BOX_WEIGHTS))


def test_mask_head_matches(case: GoldenCase, network: MaskRCNN, levels: list[Tensor]) -> None:
    boxes, classes = case.tensor("in_boxes"), case.tensor("in_mask_classes")
    check_with_stats(
        case, "out_mask_logits", network.roi_heads.mask_head(pool(levels, boxes, MASK_SIDE))
    )
    case.check("out_mask_probs_class", network.masks(levels, boxes, classes))


@pytest.mark.parametrize(("suffix", "shape"), [("", (128, 160)), ("_scaled", (192, 240))])
def test_final_detections_match_as_sets(
    case: GoldenCase,
    network: MaskRCNN,
    levels: list[Tensor],
    objects: Objects,
    suffix: str,
    shape: tuple[int, int],
) -> None:
    expected = {
        name: case.arrays[f"out_det_{name}{suffix}"]
        for name in ("boxes", "scores", "classes", "mask_sums")
    }
    assert len(objects.boxes) == case.arrays[f"out_n_detections{suffix}"]
    boxes = scaled_boxes(objects.boxes, SIZE, shape)
    probabilities = network.masks(levels, objects.boxes, objects.classes)
    left = set(range(len(boxes)))
    for index in range(len(boxes)):
        distance = np.abs(expected["boxes"] - boxes[index].numpy()).max(1)
        distance[expected["classes"] != int(objects.classes[index])] = np.inf
        twin = int(distance.argmin())
        assert distance[twin] <= case.meta["outputs"][f"out_det_boxes{suffix}"]["atol"]
        left.remove(twin)  # every recorded one is found exactly once
        assert abs(expected["scores"][twin] - float(objects.scores[index])) <= 2e-6
        mask = paste_all(probabilities[index, None], boxes[index, None], shape)
        assert abs(int(mask.sum()) - int(expected["mask_sums"][twin])) <= 3
    assert not left


def test_pasted_masks_match_to_the_pixel(
    case: GoldenCase, network: MaskRCNN, levels: list[Tensor], objects: Objects
) -> None:
    shape = (192, 240)
    packed = case.arrays["out_det_masks_packed"]
    expected = np.unpackbits(packed).reshape(8, *shape).astype(bool)
    boxes = scaled_boxes(objects.boxes, SIZE, shape)
    probabilities = network.masks(levels, objects.boxes, objects.classes)
    order = [_index_of(case, objects, boxes, number) for number in range(8)]
    masks = [paste_all(probabilities[i, None], boxes[i, None], shape).numpy() for i in order]
    assert (np.stack(masks) != expected).sum() <= 3


def _index_of(case: GoldenCase, objects: Objects, boxes: Tensor, number: int) -> int:
    """Which of ours is the recorded detection ``number``."""
    distance = (boxes - case.tensor("out_det_boxes_scaled")[number]).abs().amax(1)
    distance[objects.classes != int(case.arrays["out_det_classes_scaled"][number])] = torch.inf
    return int(distance.argmin())
