"""Boundaries of latents whose labels are known."""

from __future__ import annotations

import numpy as np
import pytest

from l4f_bench.editing.boundaries import condition, fit_boundary, interpolate
from l4f_bench.errors import InputError

RNG = np.random.default_rng(0)


def test_a_boundary_is_the_normal_that_made_the_scores() -> None:
    pytest.importorskip("sklearn")
    normal = np.array([0.6, 0.0, -0.8])
    codes = RNG.normal(size=(2000, 3))
    fitted = fit_boundary(codes, codes @ normal, chosen=0.2, split=0.5)
    assert fitted.boundary.shape == (1, 3)
    assert float(fitted.boundary[0] @ normal) > 0.99
    assert fitted.accuracy == 1
    assert fitted.num_fitted == 400
    opposite = fit_boundary(codes, -codes @ normal, chosen=200, split=1).boundary
    assert float(opposite[0] @ normal) < -0.99


@pytest.mark.parametrize(
    ("count", "scores", "reason"),
    [(2, [0, 1], "2 scored"), (9, np.ones(9), "equal"), (9, np.ones(8), "8 scores")],
)
def test_what_cannot_be_parted_is_refused(count: int, scores: np.ndarray, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        fit_boundary(RNG.normal(size=(count, 3)), np.asarray(scores), chosen=1)


def test_conditioned_boundaries_are_orthogonal() -> None:
    rows = RNG.normal(size=(4, 6))
    found = condition(rows[0], rows[1:])
    assert np.allclose(found @ rows[1:].T, 0, atol=1e-12)
    assert np.linalg.norm(found) == pytest.approx(1)
    with pytest.raises(InputError, match="lies within"):
        condition(rows[1] - rows[2], rows[1:])


def test_distances_are_absolute_in_w_and_relative_in_w_plus() -> None:
    boundary = np.array([[0.0, 1.0]])
    at = interpolate(np.array([[5.0, 7.0]]), boundary, -1, 1, 3)
    assert at.tolist() == [[5, -1], [5, 0], [5, 1]]
    moved = interpolate(np.array([[[5.0, 7.0], [0, 1]]]), boundary, -1, 1, 2)
    assert moved.tolist() == [[[5, 6], [0, 0]], [[5, 8], [0, 2]]]
    with pytest.raises(InputError, match="give w"):
        interpolate(np.zeros((2, 2)), boundary, -1, 1, 2)
