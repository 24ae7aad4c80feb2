"""Photographs become pictures, and masks come back to where they were cut."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l4f_bench.errors import InputError
from l4f_bench.projection.landmarks import aligned, read_landmarks
from l4f_bench.projection.placement import Placement, cut, fitted, put_back


def smooth(height: int, width: int) -> np.ndarray:
    """A photograph whose levels rise to the right (red) and downwards (green)."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    blue = np.full((height, width), 100.0)
    levels = np.stack([columns * 255 / width, rows * 255 / height, blue])
    return levels.astype(np.uint8)


def test_a_photograph_of_the_right_shape_is_resized_as_the_public_encoders_do() -> None:
    photograph = np.random.default_rng(0).integers(0, 256, (3, 40, 40)).astype(np.uint8)
    expected = Image.fromarray(photograph.transpose(1, 2, 0)).resize(
        (16, 16), Image.Resampling.BILINEAR
    )
    for fit in ("pad", "crop", "stretch"):
        found = cut(photograph, fitted((40, 40), (16, 16), fit), (16, 16))
        assert np.array_equal(found, np.asarray(expected).transpose(2, 0, 1))


@pytest.mark.parametrize(("height", "width"), [(60, 120), (120, 60), (50, 50), (1, 300)])
@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
def test_a_mask_comes_back_to_where_it_was(height: int, width: int, fit: str) -> None:
    placement = fitted((height, width), (64, 64), fit)  # type: ignore[arg-type]
    mask = np.zeros((3, height, width), np.uint8)
    mask[:, height // 3 : 2 * height // 3 + 1, width // 3 : 2 * width // 3] = 255
    alpha = cut(mask, placement, (64, 64))[0] / np.float32(255)
    back = put_back(alpha, placement, (height, width))
    assert back.shape == (height, width)
    assert 0 <= back.min() <= back.max() <= 1
    wrong = (back > 0.5) != (mask[0] > 127)
    if fit == "crop":
        seen = put_back(np.ones((64, 64), np.float32), placement, (height, width)) > 0
        assert seen.any()
        assert not back[~seen].any()
        wrong &= seen
    assert wrong.mean() < 0.04


def test_padding_repeats_edges_and_cropping_takes_the_middle() -> None:
    photograph = smooth(32, 64)
    padded = cut(photograph, fitted((32, 64), (64, 64), "pad"), (64, 64))
    assert np.array_equal(padded[:, 16:48], photograph)
    assert np.array_equal(padded[:, 0], photograph[:, 0])
    assert np.array_equal(padded[:, -1], photograph[:, -1])
    cropped = cut(photograph, fitted((32, 64), (64, 64), "crop"), (32, 32))
    assert np.array_equal(cropped, photograph[:, :, 16:48])


def test_pictures_need_not_be_squares() -> None:
    placement = fitted((300, 400), (192, 256), "crop")
    assert placement == Placement((0, 0), (400, 0), (0, 300))
    assert fitted((400, 400), (192, 256), "crop") == Placement((0, 50), (400, 0), (0, 300))


def pattern(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Levels ``[3, ...]`` of a smooth picture on the unit square, like no turned copy of itself."""
    waves = (np.sin(5 * x + 2 * y), np.cos(7 * y), np.sin(3 * x * y + x))
    return np.stack([127.5 + 110 * wave for wave in waves])


def turned(angle: float, side: float, centre: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """A photograph that shows the pattern turned and scaled, and where corners of it are.

    Returns:
        uint8 ``[3, 300, 340]``, and a function's matrix ``[2, 3]`` from the unit square to pixels.
    """
    across = side * np.array([np.cos(angle), np.sin(angle)])
    down = side * np.array([-np.sin(angle), np.cos(angle)])
    matrix = np.stack([across, down, np.array(centre) - (across + down) / 2], axis=1)
    rows, columns = np.mgrid[:300, :340] + 0.5
    places = np.stack([columns.ravel(), rows.ravel()]) - matrix[:, 2:]
    x, y = (np.linalg.inv(matrix[:, :2]) @ places).reshape(2, 300, 340)
    return pattern(x, y).round().astype(np.uint8), matrix


def landmarks_of(matrix: np.ndarray) -> np.ndarray:
    """Five points whose oriented square is the one that the unit square became.

    Eyes at (0.5 ± d, y) and the mouth m below them: half the square is max(4 d, 1.8 m), and its
    centre is 0.1 m below the eyes.
    """
    d = m = 0.125
    eyes = 0.5 - 0.1 * m
    points = [(0.5 - d, eyes), (0.5 + d, eyes), (0.5, 0.5), (0.45, eyes + m), (0.55, eyes + m)]
    return np.array(points) @ matrix[:, :2].T + matrix[:, 2]


@pytest.mark.parametrize("angle", [0.0, 0.4, -0.9, 2.6, np.pi])
@pytest.mark.parametrize("side", [110.0, 200.0])
def test_a_turned_and_scaled_pattern_comes_back_upright(angle: float, side: float) -> None:
    photograph, matrix = turned(angle, side, (165.0, 150.0))
    placement = aligned(landmarks_of(matrix))
    assert np.allclose(placement.across, matrix[:, 0])
    assert np.allclose(placement.down, matrix[:, 1])
    found = cut(photograph, placement, (64, 64))
    rows, columns = (np.mgrid[:64, :64] + 0.5) / 64
    assert np.abs(found - pattern(columns, rows))[:, 1:-1, 1:-1].mean() < 1.5
    # A disc in the picture is a disc in the photograph, at its place and of its size.
    disc = (((columns - 0.3) ** 2 + (rows - 0.6) ** 2) < 0.04).astype(np.float32)
    back = put_back(disc, placement, (300, 340)) > 0.5
    centre = matrix[:, :2] @ [0.3, 0.6] + matrix[:, 2]
    rows, columns = np.mgrid[:300, :340] + 0.5
    expected = (columns - centre[0]) ** 2 + (rows - centre[1]) ** 2 < (0.2 * side) ** 2
    assert (back ^ expected).sum() < 0.06 * expected.sum()


def test_all_of_dlibs_points_give_what_five_give() -> None:
    five = np.array([[40.0, 50], [80, 52], [60, 70], [45, 90], [75, 92]])
    many = np.zeros((68, 2))
    many[36:42], many[42:48], many[48], many[54] = five[0], five[1], five[3], five[4]
    assert aligned(many) == aligned(five)


def test_edges_are_repeated_where_an_oriented_square_reaches_beyond() -> None:
    photograph = np.full((3, 50, 50), 200, np.uint8)
    found = cut(photograph, Placement((-20, 0), (60, 20), (-20, 60)), (32, 32))
    assert (found == 200).all()


def test_a_square_far_outside_is_refused() -> None:
    with pytest.raises(InputError, match="Check its landmarks"):
        cut(smooth(50, 50), Placement((500, 0), (60, 1), (-1, 60)), (32, 32))


POINTS = [[40, 50], [80, 50], [60, 70], [45, 90], [75.5, 90]]


def test_landmarks_are_read_from_json_and_csv(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"a.png": POINTS, "b/c.png": [[1, 2]] * 68}))
    row = ",".join(f"{x},{y}" for x, y in POINTS)
    for number, header in enumerate(("", "image,x1,y1\n")):
        (tmp_path / f"{number}.csv").write_text(f"{header}a.png,{row}\n\n")
        found = read_landmarks(tmp_path / f"{number}.csv")
        assert list(found) == ["a.png"]
        assert np.array_equal(found["a.png"], POINTS)
    found = read_landmarks(tmp_path / "a.json")
    assert np.array_equal(found["a.png"], POINTS)
    assert found["b/c.png"].shape == (68, 2)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"a": [[1, 2]]}', '{"a": [[1, 2, 3]]}', '{"a": 5}', '{"a": [["x", 1]]}',
     json.dumps({"a": [[1, 2]] * 4 + [[1, float("inf")]]}), json.dumps({"a": [[True, 2]] * 5}),
     "[" * 100_000],
)  # fmt: skip
def test_other_landmarks_are_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "landmarks.json"
    path.write_text(content)
    with pytest.raises(InputError, match="Give 5 points"):
        read_landmarks(path)


@pytest.mark.parametrize("content", ["a,1,2\n", "a,x,y\nb,1,z\n", "a,1\n", "\xff\n", ""])
def test_other_tables_are_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "landmarks.csv"
    path.write_bytes(content.encode("latin1"))
    with pytest.raises(InputError, match="Give 5 points"):
        read_landmarks(path)


def test_landmarks_in_one_place_have_no_direction() -> None:
    with pytest.raises(InputError, match="one place"):
        aligned(np.zeros((5, 2)))
