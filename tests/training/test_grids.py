from __future__ import annotations

import torch

from l4f_bench.training.grids import is_grid, sheet_of


def images(count: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, 2, 5), dtype=torch.uint8)


def test_kinds_stand_beside_each_other_under_their_names() -> None:
    grid = {"image": images(4), "alpha": images(4)}
    sheet = sheet_of(grid, "ours, step 4")
    assert (sheet.title, sheet.columns) == ("ours, step 4", ("image", "alpha"))
    assert len(sheet.rows) == 4
    for index, row in enumerate(sheet.rows):
        for tile, kind in zip(row.tiles, grid.values(), strict=True):
            assert (tile == kind[index].permute(1, 2, 0).numpy()).all()


def test_samples_of_one_kind_fill_rows_of_eight() -> None:
    sheet = sheet_of({"samples": images(11)}, "a generator")
    assert [len(row.tiles) for row in sheet.rows] == [8, 3]
    assert sheet.columns == ("samples", *[""] * 7)


def test_what_cannot_be_drawn_is_no_grid() -> None:
    wrong = ([[0]], {}, {"a": images(2), "b": images(3)}, {"a": images(2).float()})
    assert is_grid({"a": images(2), "b": images(2)})
    assert not any(is_grid(value) for value in (*wrong, {"a": images(2)[0]}, {1: images(2)}))
