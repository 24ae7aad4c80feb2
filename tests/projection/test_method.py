"""``ours-psp``: the mask of a photograph is the alpha of its reconstruction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from l4f_bench.datasets.shapes import HELD_OUT, shapes_batch
from l4f_bench.errors import MissingAssetError
from l4f_bench.methods.loading import load_image_method
from l4f_bench.projection.codes import codes_of
from l4f_bench.projection.encoder_file import load_encoder
from l4f_bench.projection.placement import cut, fitted
from tests.networks import save_labels4free, save_rosinality, small_alpha, small_generator
from tests.projection.files import save_public, small_encoder


@torch.no_grad()
def test_it_gives_alpha_at_the_photographs_size(tmp_path: Path) -> None:
    encoder = save_public(tmp_path / "e.pt", small_encoder(), {})
    method, digests = load_image_method(
        "ours-psp",
        "shapes",
        weights=encoder,
        device="cpu",
        generator=save_rosinality(tmp_path / "g.pt", small_generator()),
        alpha=save_labels4free(tmp_path / "a.pt", small_alpha()),
    )
    assert set(digests) == {"encoder", "generator", "alpha"}
    photographs = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32)).astype(np.uint8)
    alpha = method.segment(torch.from_numpy(photographs))
    seen = cut(photographs[1], fitted((32, 32), (32, 32), "pad"), (32, 32))
    codes = codes_of(load_encoder(encoder), torch.from_numpy(seen)[None])
    _, expected = small_alpha().paint(small_generator(), codes)
    torch.testing.assert_close(alpha[1:], expected, rtol=1e-4, atol=1e-5)
    assert method.segment(torch.zeros(1, 3, 20, 50, dtype=torch.uint8)).shape == (1, 1, 20, 50)


def test_the_embedded_encoder_finds_the_objects_of_images_it_never_saw() -> None:
    method, digests = load_image_method("ours-psp", "shapes", device="cpu")
    assert set(digests) == {"encoder", "generator", "alpha"}
    images, masks = shapes_batch(range(16), resolution=64, seed=HELD_OUT)
    found = method.segment(torch.from_numpy(images))[:, 0].numpy() > 0.9
    iou = (found & masks).sum() / (found | masks).sum()
    never_looked = np.roll(found, 1, axis=0)  # each gets another image's mask
    assert iou > 0.8 > 0.6 > (never_looked & masks).sum() / (never_looked | masks).sum()


def test_where_none_is_embedded_the_error_says_so(tmp_path: Path) -> None:
    alpha = save_labels4free(tmp_path / "a.pt", small_alpha())
    with pytest.raises(MissingAssetError, match=r"No encoder of LSUN-Cat.*train --method psp"):
        load_image_method("ours-psp", "cat", alpha=alpha)
