"""Masks whose levels do not mean what is counted are spoken of, and ordinary ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from l4f_bench.datasets.mask_files import Mask
from l4f_bench.datasets.mask_levels import MaskUse, mask_warnings, soft_warning, use_of
from l4f_bench.datasets.remarks import Remark


def use(*levels: int, name: str = "1.png") -> MaskUse:
    return MaskUse(name, bytes(levels))


@pytest.mark.parametrize("levels", [[0], [255], [0, 255], [0, 1], [254], [3, 77, 200], [0, 128]])
def test_the_levels_of_a_mask_are_found(levels: list[int]) -> None:
    array = np.array(levels * 5, np.uint8).reshape(5, -1)
    found = use_of("a", Mask(array, ()))
    assert list(found.levels) == levels
    assert found.is_soft == (len(levels) > 2)


def test_an_ignored_level_is_none_of_the_levels() -> None:
    mask = Mask(np.array([[0, 128, 255]], np.uint8), ())
    assert list(use_of("a", mask, 128).levels) == [0, 255]


@pytest.mark.parametrize("invert", [False, True])
def test_masks_with_both_classes_and_few_black_ones_need_no_word(invert: bool) -> None:
    black = use(255) if invert else use(0)
    uses = [use(0, 255), use(10, 240), use(0, 128, 255), black]
    assert mask_warnings(uses, "true", 128, invert=invert) == []


@pytest.mark.parametrize(
    ("levels", "level", "invert", "said"),
    [
        ((0, 1), 128, False, "no pixel from level 128 up and count as empty"),
        ((0, 1), 2, False, "no pixel from level 2 up"),
        ((0, 127), 128, False, "as empty"),
        ((64,), 128, False, "as empty"),
        ((128, 255), 128, False, "no pixel below level 128 and count as full"),
        ((255,), 128, False, "as full"),
        ((1, 255), 1, False, "no pixel below level 1"),
        ((0, 1), 128, True, "once inverted, have no pixel below level 128 and count as full"),
        ((0,), 128, True, "as full"),
        ((128, 255), 128, True, "once inverted, have no pixel from level 128 up"),
    ],
)
def test_levels_on_one_side_are_said_as_they_are_in_the_file(
    levels: tuple[int, ...], level: int, invert: bool, said: str
) -> None:
    uses = [use(0, 255), use(0, 255), use(*levels, name="3.png")]
    (warning,) = mask_warnings(uses, "predicted", level, invert=invert)
    assert warning.startswith("1 of 3 predicted masks")
    assert said in warning
    shown = " and ".join(map(str, levels))
    assert f"(3.png: level{'s' if len(levels) > 1 else ''} {shown})" in warning


@pytest.mark.parametrize(("levels", "level"), [((0, 1), 1), ((0, 1), 255), ((0, 255), 255)])
def test_levels_on_both_sides_need_no_word(levels: tuple[int, ...], level: int) -> None:
    assert mask_warnings([use(*levels)], "predicted", level, invert=level == 255) == []


@pytest.mark.parametrize(("invert", "white"), [(False, 0), (True, 255)])
def test_black_masks_are_counted_where_they_are_most(invert: bool, white: int) -> None:
    uses = [use(white), use(white), use(white), use(0, 255)]
    (warning,) = mask_warnings(uses, "predicted", 128, invert=invert)
    assert warning.startswith("3 of 4 predicted masks are ")
    assert mask_warnings(uses[1:] + uses[3:], "predicted", 128, invert=invert) == []


def test_remarks_on_files_are_counted_with_a_name() -> None:
    uses = [MaskUse(f"{n}.png", b"\0\xff", (Remark.WHITE_IS_ZERO,)) for n in (2, 1)]
    (warning,) = mask_warnings([*uses, use(0, 255)], "true", 128)
    assert warning.startswith("2 of 3 true masks say that 0 is white")
    assert warning.endswith("(1.png).")


def test_many_levels_are_not_written_out() -> None:
    (warning,) = mask_warnings([use(*range(100))], "predicted", 128)
    assert "(1.png: 100 levels from 0 to 99)" in warning


def test_soft_masks_are_told_by_what_another_level_would_give() -> None:
    soft = use(*range(256))
    warning = soft_warning([soft, use(0, 255)], "predicted", 128, (0.81234, None))
    assert warning == (
        "1 of 2 predicted masks have more than two grey levels and are cut at level 128; mIoU "
        "moves from 0.8123 at level 64 to undefined at level 192."
    )
    assert soft_warning([use(0, 255), use(0, 1)], "true", 128, (0.5, 0.5)) is None


@pytest.mark.parametrize("levels", [(0, 1, 255), (0, 128, 255), (0, 51, 102, 255)])
def test_few_levels_are_named_and_those_of_the_truth_can_be_ignored(
    levels: tuple[int, ...],
) -> None:
    uses = [use(*range(256)), use(*levels, name="7.png")]
    shown = ", ".join(map(str, levels[:-1])) + " and 255"
    for what in ("predicted", "true"):
        warning = soft_warning(uses, what, 128, (0.5, 0.5))
        assert warning is not None
        assert f"(7.png: levels {shown})" in warning
        assert ("--ignore-level" in warning) == (what == "true")
