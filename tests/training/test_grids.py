from __future__ import annotations

import torch

from l4f_bench.training.grids import sheet


def test_a_sheet_has_each_row_of_images_side_by_side() -> None:
    rows = torch.randint(0, 256, (3, 4, 3, 2, 5), dtype=torch.uint8)  # [rows, N, 3, H, W]
    found = sheet(rows)
    assert found.shape == (3 * 2, 4 * 5, 3)
    for row in range(3):
        for column in range(4):
            tile = found[row * 2 : row * 2 + 2, column * 5 : column * 5 + 5]
            assert (tile == rows[row, column].permute(1, 2, 0).numpy()).all()
