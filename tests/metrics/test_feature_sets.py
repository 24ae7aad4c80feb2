"""Kernel distance and precision/recall: by double loops, by torchmetrics, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.image.kid import poly_mmd

from l4f_bench.errors import InputError
from l4f_bench.metrics import precision_recall as module
from l4f_bench.metrics.kernel_distance import kernel_distance, squared_discrepancy
from l4f_bench.metrics.precision_recall import precision_recall

SOURCE = np.random.default_rng(0)
A, B = SOURCE.standard_normal((23, 7)), SOURCE.standard_normal((31, 7)) * 1.3 + 0.2


def discrepancy_by_loops(a: np.ndarray, b: np.ndarray) -> float:
    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return (sum(x * y) / len(x) + 1) ** 3

    n, m = len(a), len(b)
    aa = sum(kernel(a[i], a[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    bb = sum(kernel(b[i], b[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return aa + bb - 2 * sum(kernel(x, y) for x in a for y in b) / (n * m)


def test_discrepancy_is_that_of_a_double_loop() -> None:
    assert squared_discrepancy(A, B) == pytest.approx(discrepancy_by_loops(A, B), rel=1e-12)


def test_discrepancy_is_that_of_torchmetrics() -> None:
    theirs = poly_mmd(torch.from_numpy(A), torch.from_numpy(B[:23]))
    assert squared_discrepancy(A, B[:23]) == pytest.approx(float(theirs), rel=1e-12)


def test_subsets_of_everything_have_no_spread() -> None:
    result = kernel_distance(A, B[:23], num_subsets=5)
    assert result.subset_size == 23
    assert result.mean == pytest.approx(squared_discrepancy(A, B[:23]), rel=1e-12)
    assert (result.std, result.num_subsets) == (None, 1)


def test_subsets_depend_on_the_seed_alone_and_average_to_the_whole() -> None:
    first = kernel_distance(A, B, num_subsets=400, subset_size=10, seed=3)
    assert first == kernel_distance(A, B, num_subsets=400, subset_size=10, seed=3)
    assert first != kernel_distance(A, B, num_subsets=400, subset_size=10, seed=4)
    error = first.std / np.sqrt(400)
    assert abs(first.mean - squared_discrepancy(A, B)) < 4 * error


def shares_by_loops(points: np.ndarray, centres: np.ndarray, k: int) -> float:
    radii = [sorted(np.linalg.norm(c - other) for other in centres)[k] for c in centres]
    inside = [
        any(np.linalg.norm(p - c) <= r for c, r in zip(centres, radii, strict=True)) for p in points
    ]
    return sum(inside) / len(inside)


@pytest.mark.parametrize("rows", [1024, 5])
def test_precision_and_recall_are_those_of_a_double_loop(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ROWS", rows)
    result = precision_recall(A, B, neighbours=3)
    assert result.precision == pytest.approx(shares_by_loops(A, B, 3))
    assert result.recall == pytest.approx(shares_by_loops(B, A, 3))


def test_a_narrow_generator_is_precise_and_recalls_little() -> None:
    real = np.random.default_rng(1).standard_normal((300, 2))
    narrow = np.random.default_rng(2).standard_normal((300, 2)) * 0.1
    result = precision_recall(narrow, real)
    assert result.precision > 0.98
    assert result.recall < 0.2
    turned = precision_recall(real, narrow)
    assert (turned.precision, turned.recall) == (result.recall, result.precision)


def test_sets_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(InputError, match="cannot be compared"):
        kernel_distance(A, B[:, :5])
    with pytest.raises(InputError, match="two images"):
        kernel_distance(A[:1], B)
    with pytest.raises(InputError, match="cannot be compared"):
        precision_recall(A, B[:, :5])
    with pytest.raises(InputError, match="more images"):
        precision_recall(A[:3], B)
