"""Statistics files of anybody: read, or refused in one line before memory is taken."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from l4f_bench.errors import InputError
from l4f_bench.evaluation.distance.statistics_files import (
    SetStatistics,
    check_statistics_name,
    read_statistics,
    write_statistics,
)
from l4f_bench.metrics.moments import Gaussian
from tests.goldens import ROOT, SHARED

HOSTILE = SHARED / "hostile-2"
ZEROS, ONES = np.zeros(3), np.eye(3)


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_statistics(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert len(message) < len(str(path)) + 400
    return message


def saved(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "s.npz", **{"mu": ZEROS, "sigma": ONES, **arrays})
    return folder / "s.npz"


def zipped(folder: Path, entries: Mapping[str, bytes], packing: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(folder / "s.npz", "w", packing) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return folder / "s.npz"


def npy(shape: object, data: bytes = b"", descr: str = "<f8") -> bytes:
    """An array of NumPy's format, whose header may say anything."""
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2", "<i8"])
def test_what_numpy_writes_is_read(save: Any, dtype: str, tmp_path: Path) -> None:
    mu, sigma = np.arange(3, dtype=dtype), np.asfortranarray(np.eye(3, dtype=dtype))
    save(tmp_path / "s.npz", mu=mu, sigma=sigma, count=7, features="inception", other=object)
    found = read_statistics(tmp_path / "s.npz")
    assert np.array_equal(found.gaussian.mean, [0, 1, 2])
    assert np.array_equal(found.gaussian.covariance, np.eye(3))
    assert (found.count, found.features, found.divisor) == (7, "inception", None)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    statistics = SetStatistics(gaussian=Gaussian(ZEROS, ONES), count=5, divisor="n-1")
    write_statistics(tmp_path / "s.npz", statistics)
    found = read_statistics(tmp_path / "s.npz")
    assert (found.count, found.divisor) == (5, "n-1")
    assert np.array_equal(found.gaussian.covariance, ONES)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"sigma": np.full((3, 3), np.nan)}, "NaN, infinite"),
        ({"sigma": np.diag([1, np.nan, 1])}, "NaN, infinite"),
        ({"sigma": np.diag([1, np.inf, 1])}, "NaN, infinite"),
        ({"mu": np.array([0, np.nan, 0])}, "NaN, infinite"),
        ({"mu": np.array([0, -np.inf, 0])}, "NaN, infinite"),
        ({"mu": np.array([np.longdouble("1e4000"), 0, 0])}, "NaN, infinite"),
        ({"sigma": np.eye(2)}, "do not fit"),
        ({"mu": np.zeros((1, 3))}, "do not fit"),
        ({"mu": np.zeros(0), "sigma": np.zeros((0, 0))}, "do not fit"),
        ({"sigma": np.triu(np.ones((3, 3)))}, "not symmetric"),
        ({"sigma": -ONES}, "negative"),
        ({"mu": np.array(["a", "b", "c"])}, "mu is of type <U1"),
        ({"mu": ZEROS.astype(complex)}, "mu is of type complex128"),
        ({"mu": np.array([{}, {}, {}])}, "mu is of type object"),
        ({"mu": np.zeros(3, dtype=[("a", "f8")])}, "holds no plain numbers"),
        ({"count": "many"}, "count is not a number"),
        ({"count": 2.5}, "count is not a number"),
        ({"count": np.nan}, "count is not a number"),
        ({"count": [5, 5]}, "count is not a number"),
        ({"count": 1}, "count is not a number"),
        ({"features": 7}, "features is not a short text"),
        ({"features": ["inception"]}, "features is not a short text"),
        ({"features": "\x1b[31mred"}, "features is not a short text"),
        ({"resize": "x" * 10_000}, "resize is not a short text"),
    ],
)
def test_what_can_be_no_statistics_is_refused(
    arrays: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    assert reason in refusal(saved(tmp_path, **arrays))


DATA = {"mu.npy": npy((1,), bytes(8)), "sigma.npy": npy((1, 1), bytes(8))}


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"mu": b"hello", "sigma": b"x"}, "nothing that NumPy wrote"),
        ({"MU.npy": b"hello"}, "nothing that NumPy wrote"),
        ({**DATA, "Mu.npy": DATA["mu.npy"]}, "two of its arrays have one name"),
        ({**DATA, "other.npy": b"", "OTHER.npy": b""}, "two of its arrays have one name"),
        ({**DATA, "mu.npy": npy((1 << 40,))}, "which its bytes do not fill"),
        ({**DATA, "mu.npy": npy((1,), bytes(16))}, "which its bytes do not fill"),
        ({**DATA, "mu.npy": npy((-1,), bytes(8))}, "which its bytes do not fill"),
        ({**DATA, "mu.npy": npy((1 << 62, 1 << 62, 0))}, "cannot be read"),
        ({**DATA, "mu.npy": npy((), descr="<U99999999")}, "which its bytes do not fill"),
        ({**DATA, "mu.npy": npy((9,), descr="|V0")}, "holds no plain numbers"),
        ({**DATA, "mu.npy": npy((1,), bytes(8), descr="|O")}, "holds no plain numbers"),
        ({**DATA, "mu.npy": npy("(" * 200)}, "cannot be read"),
        ({**DATA, "mu.npy": npy((1,), bytes(8), descr="(" * 3000)}, "cannot be read"),
        ({**DATA, "mu.npy": b"\x93NUMPY\x09\x00" + bytes(50)}, "unknown format"),
        ({**DATA, "mu.npy": b""}, "cannot be read"),
        ({"sigma.npy": DATA["sigma.npy"]}, "holds no mu"),
        ({}, "holds no mu and no sigma"),
    ],
)
def test_an_archive_that_lies_is_refused(
    entries: dict[str, bytes], reason: str, tmp_path: Path
) -> None:
    assert reason in refusal(zipped(tmp_path, entries))


def test_other_packings_than_those_of_numpy_are_refused(tmp_path: Path) -> None:
    for packing in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        assert "nothing that NumPy wrote" in refusal(zipped(tmp_path, DATA, packing))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY", b"<html>", bytes(1000)])
def test_another_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "s.npz").write_bytes(content)
    assert "cannot be read as statistics" in refusal(tmp_path / "s.npz")


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "s.npz")
    assert "no regular file" in refusal(tmp_path / "s.npz")


_WITHIN_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from l4f_bench.errors import InputError
from l4f_bench.evaluation.distance.statistics_files import read_statistics

pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (200 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for path in sys.argv[1:]:
    try:
        read_statistics(Path(path))
    except InputError as error:
        assert "memory" in str(error) or "bytes" in str(error), error
    else:
        sys.exit(f"{path} was read")
"""


def test_archives_that_inflate_take_little_memory(tmp_path: Path) -> None:
    side = 20_000
    declared = tmp_path / "declared.npz"
    np.savez_compressed(declared, mu=np.zeros(side, "i1"), sigma=np.zeros((side, side), "i1"))
    narrow = tmp_path / "narrow.npz"
    np.savez_compressed(narrow, mu=np.zeros(8000, "i1"), sigma=np.zeros((8000, 8000), "i1"))
    lying = zipped(tmp_path, {**DATA, "sigma.npy": npy((side, side))})
    command = [sys.executable, "-c", _WITHIN_LITTLE_MEMORY, *map(str, (declared, narrow, lying))]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not HOSTILE.exists(), reason="the hostile files are not beside the checkout")
@pytest.mark.parametrize("name", ["n_raw.npz", "n_sinf.npz"])
def test_files_of_the_field_are_refused(name: str) -> None:
    refusal(HOSTILE / name)


def test_a_place_that_cannot_be_written_is_found_early(tmp_path: Path) -> None:
    (tmp_path / "folder.npz").mkdir()
    os.mkfifo(tmp_path / "fifo.npz")
    for name, reason in (("a.txt", "ending in"), ("folder.npz", "folder"), ("fifo.npz", "regular")):
        with pytest.raises(InputError, match=reason):
            check_statistics_name(tmp_path / name)
