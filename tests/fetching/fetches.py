"""Downloads of toy weights, whole and unfinished."""

from __future__ import annotations

from pathlib import Path

import pytest

from l4f_bench.cache import weight_path
from l4f_bench.fetching import Fetched, fetch_weight
from l4f_bench.transfer import TransferConfig
from l4f_bench.weight_spec import WeightSpec
from tests.http_server import FileServer

HTML = b"\n<!DOCTYPE html><html><title>Google Drive - Quota exceeded</title></html>"
QUICK = TransferConfig(attempts=4, timeout_s=5.0, backoff_s=0.0)


def fetch(spec: WeightSpec, **options: object) -> Fetched:
    return fetch_weight(spec, config=QUICK, **options)  # type: ignore[arg-type]


def assert_nothing_left(spec: WeightSpec) -> None:
    path = weight_path(spec)
    assert [entry.name for entry in path.parent.iterdir() if entry.name[0] != "."] == []


def interrupted(server: FileServer, spec: WeightSpec, cut: int) -> Path:
    """Leave an unfinished download of ``cut`` bytes behind, as Ctrl-C would."""
    server.cuts = [cut]

    def stop(done: int, total: int | None) -> None:
        if done >= cut:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(spec, progress=stop)
    server.requests.clear()
    server.cuts.clear()
    part = weight_path(spec).with_name("toy.bin.part")
    assert part.read_bytes() == server.content[:cut]
    return part
