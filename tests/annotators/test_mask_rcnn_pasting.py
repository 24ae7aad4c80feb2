"""Sizes, boxes and pasting, against other ways to compute the same."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from l4f_bench.annotators.mask_rcnn import input_size, normalised, paste_all, preprocessing
from l4f_bench.annotators.mask_rcnn.boxes import clipped, has_area, levels_of


def sampled(probabilities: Tensor, box: Tensor, shape: tuple[int, int]) -> Tensor:
    """The mask by sampling the probabilities at every pixel, as published."""
    left, top, right, bottom = box.tolist()
    y = (torch.arange(shape[0]) + 0.5 - top) / (bottom - top) * 2 - 1
    x = (torch.arange(shape[1]) + 0.5 - left) / (right - left) * 2 - 1
    grid = torch.stack(torch.broadcast_tensors(x[None, :], y[:, None]), dim=-1)
    values = F.grid_sample(probabilities[None, None], grid[None], align_corners=False)
    return values[0, 0] >= 0.5


@pytest.mark.parametrize(
    "box",
    [
        (3.2, 4.7, 40.1, 33.3),
        (0.0, 0.0, 61.0, 47.0),
        (10.5, 10.5, 11.2, 30.0),
        (59.9, 0.0, 61.0, 0.4),
        (0.0, 46.2, 61.0, 47.0),
    ],
)
def test_pasting_equals_sampling_every_pixel(box: tuple[float, ...]) -> None:
    shape = (47, 61)
    probabilities = torch.rand(28, 28, generator=torch.Generator().manual_seed(1))
    mask = paste_all(probabilities[None], torch.tensor([box]), shape)
    assert mask.dtype == torch.bool
    assert torch.equal(mask, sampled(probabilities, torch.tensor(box), shape))


def test_objects_are_united() -> None:
    probabilities = torch.rand(3, 28, 28, generator=torch.Generator().manual_seed(2))
    boxes = torch.tensor([[0.0, 0, 20, 20], [10, 5, 38, 30], [30, 20, 40, 32]])
    expected = [sampled(p, box, (32, 40)) for p, box in zip(probabilities, boxes, strict=True)]
    assert torch.equal(paste_all(probabilities, boxes, (32, 40)), torch.stack(expected).any(0))


def test_a_mask_does_not_depend_on_the_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities = torch.rand(1, 28, 28, generator=torch.Generator().manual_seed(3))
    box = torch.tensor([[2.0, 3, 150, 170]])
    whole = paste_all(probabilities, box, (200, 160))
    monkeypatch.setattr(preprocessing, "_MAX_PIXELS_AT_ONCE", 1000)
    assert torch.equal(paste_all(probabilities, box, (200, 160)), whole)


def test_no_object_and_no_area_give_an_empty_mask() -> None:
    assert not paste_all(torch.ones(0, 28, 28), torch.zeros(0, 4), (5, 6)).any()
    flat = torch.tensor([[1.0, 2, 1, 4], [1, 2, 4, 2]])
    assert not paste_all(torch.ones(2, 28, 28), flat, (5, 6)).any()


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((800, 800), (800, 800)),
        ((256, 256), (800, 800)),
        ((480, 640), (800, 1067)),
        ((1080, 1920), (750, 1333)),
        ((1, 1), (800, 800)),
        ((1, 20_000), (1, 1333)),
        ((20_000, 100), (1333, 7)),
    ],
)
def test_the_shorter_side_is_800_unless_the_longer_exceeds_1333(
    shape: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert input_size(*shape) == expected


def test_input_is_bgr_without_its_mean_and_padded_by_zeros() -> None:
    image = torch.tensor([10, 20, 30], dtype=torch.uint8).view(1, 3, 1, 1).expand(1, 3, 33, 64)
    x = normalised(image)
    assert x.shape == (1, 3, 64, 64)
    expected = torch.tensor([30 - 103.530, 20 - 116.280, 10 - 123.675])
    assert torch.allclose(x[0, :, :33], expected[:, None, None].expand(3, 33, 64))
    assert not x[:, :, 33:].any()


@pytest.mark.parametrize(
    ("side", "level"), [(10, 0), (111, 0), (112, 1), (224, 2), (447, 2), (448, 3), (5000, 3)]
)
def test_large_boxes_are_read_from_coarse_levels(side: float, level: int) -> None:
    assert levels_of(torch.tensor([[5.0, 5, 5 + side, 5 + side]])).tolist() == [level]


def test_boxes_are_clipped_to_the_image() -> None:
    boxes = clipped(torch.tensor([[-3.0, -4, 7, 99], [50, 2, 60, 3]]), (20, 30))
    assert boxes.tolist() == [[0, 0, 7, 20], [30, 2, 30, 3]]
    assert has_area(boxes).tolist() == [True, False]
