"""A damaged file loads, or is refused with a ``BenchError``; never anything else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l4f_bench.errors import BenchError
from l4f_bench.generators.checkpoints import Checkpoint, read_checkpoint, read_outline

FORMATS = (
    "ada-pickle",
    "tensorflow-pickle",
    "rosinality",
    "labels4free",
    "bare",
    "legacy",
    "safetensors",
)
CHECKSUMMED = ("rosinality", "labels4free", "bare")  # a zip file tells when its tensors changed
QUICK = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
THOROUGH = settings(QUICK, max_examples=1500, derandomize=False)


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """``data`` with flipped bits, cut off, with bytes put in, or with some overwritten."""
    edge = min(4000, len(data))  # structure sits at the two ends, tensors in between
    position = draw(
        st.integers(0, len(data) - 1)
        | st.integers(0, edge - 1)
        | st.integers(len(data) - edge, len(data) - 1)
    )
    kind = draw(st.sampled_from(("flip", "cut", "insert", "overwrite")))
    changed = bytearray(data)
    if kind == "flip":
        changed[position] ^= 1 << draw(st.integers(0, 7))
    elif kind == "cut":
        del changed[position:]
    elif kind == "insert":
        changed[position:position] = draw(st.binary(min_size=1, max_size=16))
    else:
        part = draw(st.binary(min_size=1, max_size=8) | st.just(b"\xff" * 8))
        changed[position : position + len(part)] = part
    return bytes(changed)


def outcome(reader: Callable[[Path], Checkpoint], path: Path) -> Checkpoint | None:
    """What a reader makes of a file; None if it refuses it as it should."""
    try:
        return reader(path)
    except BenchError as error:
        message = str(error)
    assert str(path) in message
    assert "\n" not in message
    return None


def check(name: str, files: dict[str, Path], folder: Path, data: Any) -> None:
    source = files[name]
    path = folder / f"damaged{source.suffix}"
    path.unlink(missing_ok=True)  # tensors of the last one may still be mapped to it
    path.write_bytes(data.draw(damaged(source.read_bytes())))
    loaded = outcome(read_checkpoint, path)
    outcome(read_outline, path)
    if loaded is not None and name in CHECKSUMMED:
        original = read_checkpoint(source)
        assert loaded.networks.keys() == original.networks.keys()
        for network, state_dict in original.networks.items():
            for key, value in state_dict.items():
                assert torch.equal(loaded.networks[network][key], value), key
    assert [file.name for file in folder.iterdir()] == [path.name]


@pytest.mark.parametrize("name", FORMATS)
@QUICK
@given(data=st.data())
def test_damaged_file_loads_or_is_refused(
    name: str, valid_files: dict[str, Path], empty_folder: Path, data: Any
) -> None:
    check(name, valid_files, empty_folder, data)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
@THOROUGH
@given(data=st.data())
def test_thousands_of_damaged_files_load_or_are_refused(
    name: str, valid_files: dict[str, Path], empty_folder: Path, data: Any
) -> None:
    check(name, valid_files, empty_folder, data)


def test_every_format_is_damaged(valid_files: dict[str, Path]) -> None:
    assert set(FORMATS) == set(valid_files)
