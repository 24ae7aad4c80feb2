"""The loop of every evaluation of masks, on samples that are known by hand."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from l4f_bench.annotators.contracts import Annotation, Reason
from l4f_bench.cores import Cores
from l4f_bench.evaluation.counting import Pair, count_images
from l4f_bench.evaluation.examples import pick_examples
from l4f_bench.evaluation.settings.samples import Samples, SampleScene
from l4f_bench.methods.contracts import Samples as Drawn


class FakeMethod:
    """Sample i has alpha 1 on its first i % 5 rows."""

    def sample(self, indices: range, *, truncation: float, seed: int) -> Drawn:
        n = len(indices)
        alpha = torch.zeros(n, 1, 8, 8)
        for row, index in enumerate(indices):
            alpha[row, :, : index % 5] = 1
        image = torch.zeros(n, 3, 8, 8, dtype=torch.uint8)
        image[:, 0, 0, 0] = torch.tensor(list(indices), dtype=torch.uint8)
        return Drawn(
            indices=tuple(indices), image=image, alpha=alpha, background=image, composite=image,
            latent=torch.zeros(n, 4),
        )  # fmt: skip


class FakeAnnotator:
    """The first two rows are the truth; every third sample has no instance."""

    def annotate(self, image: torch.Tensor) -> Annotation:
        mask = torch.zeros(len(image), 8, 8, dtype=torch.bool)
        mask[:, :2] = True
        reasons: list[Reason | None] = [
            "no-instance" if int(i) % 3 == 0 else None for i in image[:, 0, 0, 0]
        ]
        return Annotation(mask=mask, reason=tuple(reasons))


def scene(dataset: str = "shapes", protocol: str = "l4f") -> SampleScene:
    setting = Samples(dataset=dataset, protocol=protocol, truncation=(1.0,), threshold=0.5)
    return SampleScene(FakeMethod(), FakeAnnotator(), setting)


@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_drawing_goes_on_until_enough_are_accepted(batch_size: int) -> None:
    done: list[int] = []
    counts = count_images(
        scene(protocol="voynov"), most=100, wanted=5, batch_size=batch_size, advance=done.append
    )
    assert [row.key for row in counts.rows] == [1, 2, 4, 5, 7]
    assert counts.drawn == 8
    assert counts.rejected == {"no-instance": 3}
    assert counts.table[0].tolist() == [8, 0, 8, 48]  # one of two rows found
    assert counts.table[2].tolist() == [16, 16, 0, 32]  # four rows where two are true
    assert sum(done) == 5
    assert counts.levels is not None
    assert counts.levels[0, :, 255].tolist() == [0, 8]  # alpha 1, on background and on the object


def test_drawing_ends_at_the_maximum() -> None:
    counts = count_images(scene(), most=10, wanted=50, batch_size=4, advance=lambda _: None)
    assert (counts.drawn, len(counts.rows), counts.levels) == (10, 6, None)


def test_letterbox_bars_are_left_out_beside_the_whole_image() -> None:
    counts = count_images(
        scene(dataset="car"), most=100, wanted=3, batch_size=4, advance=lambda _: None
    )
    assert [row.key for row in counts.rows] == [1, 2, 4]
    # Of eight rows the first and the last are bars; one of the two true rows is left.
    assert counts.table_without_bars is not None
    assert counts.table_without_bars.tolist() == [[0, 0, 8, 40], [8, 0, 0, 40], [8, 16, 0, 24]]
    assert counts.table[2].tolist() == [16, 16, 0, 32]


def test_examples_are_the_worst_median_and_best() -> None:
    drawn = scene()
    counts = count_images(drawn, most=100, wanted=9, batch_size=4, advance=lambda _: None)
    examples = pick_examples(drawn, counts, drawn.name, per_group=1)
    assert [example.title.split(",")[0] for example in examples] == [
        "worst: sample 5",
        "median: sample 11",
        "best: sample 7",
    ]
    assert examples[0].image.shape == (8, 8, 3)


@dataclass
class Half:
    """Image i has i % 7 true pixels of eight; only even ones take part."""

    cores: Cores = field(default_factory=Cores)

    def pairs(self, indices: Sequence[int]) -> list[Pair]:
        everywhere = np.ones((2, 4), bool)
        return [
            Pair(index=i, key=f"{i}", preds=everywhere, target=np.arange(8).reshape(2, 4) < i % 7)
            for i in indices
            if i % 2 == 0
        ]


@pytest.mark.parametrize("batch_size", [1, 3, 50])
def test_images_that_take_no_part_are_looked_at_all_the_same(batch_size: int) -> None:
    done: list[int] = []
    counts = count_images(Half(), most=11, batch_size=batch_size, advance=done.append)
    assert [row.key for row in counts.rows] == ["0", "2", "4", "6", "8", "10"]
    assert counts.table[:, 0].tolist() == [0, 2, 4, 6, 1, 3]
    assert (counts.drawn, sum(done), counts.rejected) == (11, 11, {})


def test_an_error_of_a_prediction_ends_the_loop() -> None:
    class Broken(Half):
        def pairs(self, indices: Sequence[int]) -> list[Pair]:
            if 4 in indices:
                raise RuntimeError("no prediction")
            return super().pairs(indices)

    with pytest.raises(RuntimeError, match="no prediction"):
        count_images(Broken(), most=11, batch_size=2, advance=lambda _: None)


@pytest.mark.parametrize("side_by_side", [True, False])
def test_rows_come_in_order_from_workers_that_overtake_each_other(side_by_side: bool) -> None:
    class Uneven(Half):
        def pairs(self, indices: Sequence[int]) -> list[Pair]:
            time.sleep(0.02 if indices[0] % 3 == 0 else 0)
            return super().pairs(indices)

    uneven = Uneven(Cores(4, side_by_side=side_by_side))
    counts = count_images(uneven, most=30, batch_size=1, advance=lambda _: None)
    assert [row.index for row in counts.rows] == list(range(0, 30, 2))
