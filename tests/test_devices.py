"""Devices by name: what cannot compute is refused in one line."""

from __future__ import annotations

import pytest
import torch

from l4f_bench.devices import choose_device
from l4f_bench.errors import InputError


@pytest.mark.parametrize(
    "name",
    ["meta", "mkldnn", "opengl", "xla", "hpu", "lazy", "CPU", "", "cuda:-1", "cpu\0", "a\nb"],
)
def test_what_cannot_compute_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(InputError, match=r"Try --device cpu\.$") as refused:
        choose_device(name)
    assert str(refused.value).startswith(f"The device {name!r} cannot be used: ")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 250


def test_no_name_is_a_gpu_if_there_is_one() -> None:
    assert choose_device(None).type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_device("cpu") == torch.device("cpu")
