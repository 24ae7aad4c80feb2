"""The folder of fetched weights: where files stand, which were verified, which terms accepted.

``digests.json`` remembers the SHA-256 of each file with the size and time it had when it was
hashed, so that a large file is hashed once; for a file whose digest nobody publishes, the first
one seen is kept and every later copy must have it. ``licences.json`` holds the accepted terms.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import platformdirs
from filelock import FileLock

from l4f_bench.assets import EMBEDDED, embedded_path
from l4f_bench.errors import BenchError, InputError, MissingAssetError
from l4f_bench.json_data import read_json
from l4f_bench.provenance import sha256_of
from l4f_bench.runs import write_text
from l4f_bench.weight_spec import Licence, WeightSpec
from l4f_bench.weights import WEIGHTS

_HTML_STARTS = (b"<!doctype", b"<html", b"<head", b"<!--", b"<?xml", b"<title", b"<script")
_SNIFF_BYTES = 512


class CorruptFileError(BenchError):
    """A file that is not the published one: wrong size, wrong digest, or a web page."""


def cache_dir() -> Path:
    """Folder of everything fetched: ``L4F_CACHE``, else the platform's cache folder.

    Raises:
        InputError: ``L4F_CACHE`` begins with the home of somebody who has none.
    """
    chosen = os.environ.get("L4F_CACHE")
    try:
        return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("l4f-bench")
    except RuntimeError as error:
        raise InputError(f"L4F_CACHE is {chosen}: {error} Name a folder.") from None


def weight_path(spec: WeightSpec) -> Path:
    """Where the file of ``spec`` stands in the cache, fetched or not."""
    return cache_dir() / "weights" / spec.file_name


def cached_weight(name: str) -> Path:
    """Path of weights that come with the package, or of a fetched and verified file.

    A file that was verified before is not hashed again while its size and time stay the same.

    Raises:
        InputError: No weights have that name.
        MissingAssetError: They are not in the cache, or the file there is not the published one;
            the message names the command that gets them.
    """
    if name in EMBEDDED:
        return embedded_path(name)
    spec = WEIGHTS.get(name)
    path = weight_path(spec)
    if not path.is_file():
        raise MissingAssetError(
            f"{spec.title} is not in the cache ({path}). Run: l4f-bench fetch {name}"
        )
    try:
        verify_cached(spec, path)
    except CorruptFileError as error:
        raise MissingAssetError(f"{error} Run: l4f-bench fetch {name}") from error
    return path


def verify_cached(spec: WeightSpec, path: Path) -> str:
    """SHA-256 of a cached file, after checking it against all that is known about it.

    Raises:
        CorruptFileError: It is not the published file, or not the one first seen.
    """
    if is_verified(spec, path):
        return str(_digests()[path.name]["sha256"])
    before = path.stat()
    digest = check_file(spec, path)
    with suppress(InputError):  # a shared cache may be read-only: the file is good all the same
        remember_digest(path, digest, size=before.st_size, mtime_ns=before.st_mtime_ns)
    return digest


def is_verified(spec: WeightSpec, path: Path) -> bool:
    """Whether the file is as it was when its digest was last checked; does not hash it."""
    entry = _digests().get(path.name)
    stat = path.stat()
    return (
        entry is not None
        and (entry.get("size"), entry.get("mtime_ns")) == (stat.st_size, stat.st_mtime_ns)
        and str(entry["sha256"]).startswith(spec.sha256 or "")
    )


def check_file(spec: WeightSpec, path: Path, shown_as: str | None = None) -> str:
    """SHA-256 of a file that has the size and digests of ``spec`` and is not a web page.

    Args:
        spec: What the file should be.
        path: The file.
        shown_as: What messages call it; its path if not given.

    Raises:
        CorruptFileError: It is something else.
    """
    shown = shown_as or str(path)
    with path.open("rb") as file:
        if is_html(file.read(_SNIFF_BYTES)):
            raise CorruptFileError(f"{shown} is an HTML page, not {spec.file_name}.")
    size = path.stat().st_size
    if spec.num_bytes is not None and size != spec.num_bytes:
        raise CorruptFileError(
            f"{shown} has {size:,} bytes where {spec.file_name} has {spec.num_bytes:,}."
        )
    if size == 0:
        raise CorruptFileError(f"{shown} is empty.")
    digest = sha256_of(path)
    if not digest.startswith(spec.sha256 or ""):
        raise CorruptFileError(
            f"{shown} has SHA-256 {digest[:16]}…, but {spec.file_name} has {spec.sha256 or ''}."
        )
    if spec.md5_prefix and not (md5 := _md5_of(path)).startswith(spec.md5_prefix):
        raise CorruptFileError(
            f"{shown} has MD5 {md5[:8]}…, but that of {spec.file_name} begins {spec.md5_prefix}."
        )
    first_seen = recorded_digest(spec)
    if first_seen is not None and digest != first_seen:
        raise CorruptFileError(
            f"{shown} has SHA-256 {digest[:16]}…, but {spec.file_name} had {first_seen[:16]}… when "
            f"first fetched; if its publisher replaced it, delete its entry in {_digests_path()}."
        )
    return digest


def is_html(start: bytes) -> bool:
    """Whether the first bytes of a file are those of a web page."""
    return start.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_HTML_STARTS)


def recorded_digest(spec: WeightSpec) -> str | None:
    """SHA-256 that was kept when a file without a published one was first seen."""
    if spec.sha256 is not None and len(spec.sha256) == 64:
        return None
    entry = _digests().get(spec.file_name)
    return None if entry is None else str(entry["sha256"])


def remember_digest(path: Path, digest: str, *, size: int, mtime_ns: int) -> None:
    """Keep the digest of a file with the size and time it had when it was hashed.

    Raises:
        InputError: The cache cannot be written.
    """
    with _edit(_digests_path()) as entries:
        first_seen = entries.get(path.name, {}).get("first_seen_utc") or _now()
        entries[path.name] = {
            "sha256": digest,
            "size": size,
            "mtime_ns": mtime_ns,
            "first_seen_utc": first_seen,
        }


def licence_accepted(licence: Licence) -> bool:
    """Whether the terms need no acceptance, or were accepted before."""
    return not licence.non_commercial or licence.name in _read(_licences_path())


def accept_licence(licence: Licence) -> None:
    """Remember that the terms were accepted.

    Raises:
        InputError: The cache cannot be written.
    """
    with _edit(_licences_path()) as entries:
        entries.setdefault(licence.name, {"url": licence.url, "accepted_utc": _now()})


def _digests_path() -> Path:
    return cache_dir() / "digests.json"


def _licences_path() -> Path:
    return cache_dir() / "licences.json"


def _digests() -> dict[str, Any]:
    entries = _read(_digests_path())
    return {name: entry for name, entry in entries.items() if "sha256" in entry}


def _read(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {path}: {error}. Delete it to start afresh.") from error
    if not isinstance(content, dict) or not all(isinstance(v, dict) for v in content.values()):
        raise InputError(f"{path} is not one of our files. Delete it to start afresh.")
    return content


@contextmanager
def _edit(path: Path) -> Iterator[dict[str, Any]]:
    """Entries of a JSON file to change in place; other processes wait for their turn."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(f".{path.name}.lock"))
        held = lock.acquire()
    except OSError as error:
        raise InputError(
            f"Cannot write {path}: {error.strerror}. Set L4F_CACHE to a folder you may write to."
        ) from error
    with held:
        entries = _read(path)
        yield entries
        write_text(path, json.dumps(entries, indent=2, sort_keys=True) + "\n")


def _md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
