"""Weights of a few bytes, for tests of fetching and of the cache."""

from __future__ import annotations

import hashlib
import random

from l4f_bench.weight_spec import Licence, WeightSpec

CONTENT = random.Random(0).randbytes(300_000)
OTHER = random.Random(1).randbytes(300_000)


def toy(
    *urls: str,
    sha256: str | None = None,
    md5_prefix: str | None = None,
    num_bytes: int | None = None,
) -> WeightSpec:
    return WeightSpec(
        name="toy",
        title="Toy weights",
        file_name="toy.bin",
        urls=urls or ("http://127.0.0.1:9/toy.bin",),
        licence=Licence(name="none", url=None),
        num_bytes=num_bytes,
        sha256=sha256,
        md5_prefix=md5_prefix,
        source="https://example.org",
        used_for="tests",
    )


def known(*urls: str, content: bytes = CONTENT) -> WeightSpec:
    return toy(*urls, sha256=sha256(content), num_bytes=len(content))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
