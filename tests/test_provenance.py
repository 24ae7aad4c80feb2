"""Digests of files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from l4f_bench.errors import InputError
from l4f_bench.provenance import sha256_of


def test_a_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"bytes")
    assert sha256_of(tmp_path / "file") == hashlib.sha256(b"bytes").hexdigest()


def test_a_pipe_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is a folder, pipe or device"):
        sha256_of(tmp_path / "pipe")
