"""Faces in photographs, by landmarks that the user brings; nothing here finds them.

Source: the alignment of FFHQ (StyleGAN, CVPR 2019), which CelebA-HQ was cut by as well.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l4f_bench.errors import InputError
from l4f_bench.json_data import read_json
from l4f_bench.projection.placement import Placement

Points = npt.NDArray[np.float64]
"""x and y of each landmark, ``[5 or 68, 2]``, in pixels of the upright photograph."""

_LARGEST_FILE = 256 << 20  # 68 points of 70,000 faces take about 100 MB of JSON
_MOST_PIXELS = 1e6
_HOW = (
    "Give 5 points (left and right eye, nose, left and right corner of the mouth, as seen) or "
    "dlib's 68 for each photograph."
)


@dataclass(frozen=True, slots=True)
class _Face:
    """What alignment needs: positions in the photograph."""

    left_eye: Points
    right_eye: Points
    mouth: Points
    """Middle of its corners."""


def read_landmarks(path: Path) -> dict[str, Points]:
    """Landmarks by the names of photographs.

    Args:
        path: JSON, ``{"name.jpg": [[x, y], ...]}``; or CSV without a header or with one, a line a
            photograph: its name, then x and y of every point.

    Raises:
        InputError: The file cannot be read, or the landmarks of a photograph are not 5 or 68
            points of finite numbers; the message names it.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise InputError(f"The landmarks {path} are larger than those of any set of faces.")
        entries = _read_csv(path) if path.suffix.lower() == ".csv" else read_json(path)
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"The landmarks {path} cannot be read ({reason}). {_HOW}") from None
    if not isinstance(entries, dict) or not entries:
        raise InputError(f"The landmarks {path} name no photographs. {_HOW}")
    return {name: _checked(name, points, path) for name, points in entries.items()}


def aligned(points: Points) -> Placement:
    """The oriented square that the landmarks of a face stand for.

    Args:
        points: 5 or 68 of them, see :func:`read_landmarks`.

    Raises:
        InputError: Eyes and mouth are in one place, so that no direction is up.
    """
    face = _face(points)
    eyes = (face.left_eye + face.right_eye) / 2
    between_eyes = face.right_eye - face.left_eye
    to_mouth = face.mouth - eyes
    across = between_eyes - _quarter_turn(to_mouth)
    length = np.hypot(*across)
    if length < 1:
        raise InputError("Eyes and mouth are in one place. Check the order of the points.")
    half = max(2.0 * np.hypot(*between_eyes), 1.8 * np.hypot(*to_mouth))
    across = across / length * half
    down = _quarter_turn(across)
    corner = eyes + 0.1 * to_mouth - across - down
    return Placement(_pair(corner), _pair(2 * across), _pair(2 * down))


def _face(points: Points) -> _Face:
    if len(points) == 5:
        return _Face(points[0], points[1], points[3:].mean(axis=0))
    return _Face(
        points[36:42].mean(axis=0), points[42:48].mean(axis=0), points[[48, 54]].mean(axis=0)
    )


def _quarter_turn(vector: Points) -> Points:
    """From pointing right to pointing down."""
    return np.array([-vector[1], vector[0]])


def _pair(vector: Points) -> tuple[float, float]:
    return float(vector[0]), float(vector[1])


def _read_csv(path: Path) -> dict[str, list[Any]]:
    entries: dict[str, list[Any]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.reader(file)):
            if not row or (number == 0 and not any(map(_is_number, row[1:]))):
                continue  # an empty line, or a header
            name, values = row[0], [float(value) for value in row[1:]]
            if name in entries:
                raise ValueError(f"{name} stands there twice")
            entries[name] = [values[start : start + 2] for start in range(0, len(values), 2)]
    return entries


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _checked(name: str, points: Any, path: Path) -> Points:
    fits = isinstance(points, list) and len(points) in (5, 68)
    for point in points if fits else ():
        fits = fits and isinstance(point, list) and len(point) == 2 and all(map(_is_place, point))
    if not fits:
        raise InputError(f"The landmarks of {name} in {path} are of another kind. {_HOW}")
    return np.array(points, dtype=np.float64)


def _is_place(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and abs(value) <= _MOST_PIXELS
