"""The arithmetic of LPIPS, against torchmetrics' own network of the same random body."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from l4f_bench.files.errors import CheckpointError
from l4f_bench.projection.lpips import _HEADS, _tensors, lpips_of


@torch.no_grad()
def test_it_computes_what_torchmetrics_computes() -> None:
    pytest.importorskip("torchvision")
    from torchmetrics.functional.image.lpips import _LPIPS

    torch.manual_seed(0)
    heads = _tensors(_HEADS)
    reference = _LPIPS(pretrained=False, pnet_rand=True, net="vgg", eval_mode=True)
    reference.load_state_dict(heads, strict=False)
    body = {  # its slices number layers as torchvision's network does
        f"features.{name.partition('.')[2]}": value
        for name, value in reference.net.named_parameters()
    }
    images, others = torch.rand(2, 2, 3, 32, 32) * 2 - 1
    network = lpips_of(body, heads, Path("body"))
    expected = reference(images, others).sum()
    torch.testing.assert_close(network(images, others), expected)
    assert float(network(images, images)) == 0


def test_another_network_is_refused() -> None:
    with pytest.raises(CheckpointError, match="do not fit a Lpips"):
        lpips_of({"features.0.weight": torch.ones(2)}, {}, Path("body"))
