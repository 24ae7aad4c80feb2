from __future__ import annotations

import json
from pathlib import Path

import pytest

from l4f_bench import cache
from l4f_bench.cache import CorruptFileError, cached_weight, weight_path
from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.weights import WEIGHTS
from tests.toy_weights import CONTENT, OTHER, known, sha256, toy

pytestmark = pytest.mark.usefixtures("cache_folder")


def test_cached_weight_names_the_command_that_gets_it() -> None:
    with pytest.raises(MissingAssetError, match="Run: l4f-bench fetch bisenet"):
        cached_weight("bisenet")


def test_cached_weight_hashes_a_file_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WEIGHTS._entries, "toy", known())
    path = weight_path(known())
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert cached_weight("toy") == path

    def hashed(_: Path) -> str:
        raise AssertionError("hashed again")

    monkeypatch.setattr(cache, "sha256_of", hashed)
    assert cached_weight("toy") == path
    path.write_bytes(OTHER)
    with pytest.raises(AssertionError, match="hashed again"):
        cached_weight("toy")


def test_cached_weight_checks_again_when_the_published_digest_was_corrected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = weight_path(toy())
    path.parent.mkdir(parents=True)
    path.write_bytes(OTHER)
    monkeypatch.setitem(WEIGHTS._entries, "toy", toy())
    cached_weight("toy")
    monkeypatch.setitem(WEIGHTS._entries, "toy", known())
    with pytest.raises(MissingAssetError, match="SHA-256"):
        cached_weight("toy")


def test_cached_weight_refuses_a_file_that_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WEIGHTS._entries, "toy", toy())
    path = weight_path(toy())
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    cached_weight("toy")
    path.write_bytes(OTHER)
    with pytest.raises(MissingAssetError, match=r"when first fetched.*Run: l4f-bench fetch toy"):
        cached_weight("toy")


def test_cached_weight_works_where_the_digest_cannot_be_kept(
    cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(WEIGHTS._entries, "toy", known())
    path = weight_path(known())
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    (cache_folder / ".digests.json.lock").mkdir()  # as unwritable as a read-only folder
    assert cached_weight("toy") == path


@pytest.mark.parametrize("content", ["{", "[]", '{"toy.bin": 1}', "null", "[" * 100_000])
def test_unreadable_digests_are_said(cache_folder: Path, content: str) -> None:
    cache_folder.mkdir()
    (cache_folder / "digests.json").write_text(content)
    weight_path(toy()).parent.mkdir()
    weight_path(toy()).write_bytes(CONTENT)
    with pytest.raises(InputError, match="Delete it to start afresh"):
        cache.verify_cached(toy(), weight_path(toy()))


def test_html_in_the_cache_is_refused() -> None:
    path = weight_path(toy())
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xef\xbb\xbf  <HTML>")
    with pytest.raises(CorruptFileError, match="HTML page"):
        cache.verify_cached(toy(), path)


def test_digests_of_wrong_types_are_not_trusted(cache_folder: Path) -> None:
    weight_path(known()).parent.mkdir(parents=True)
    weight_path(known()).write_bytes(CONTENT)
    stat = weight_path(known()).stat()
    entry = {"sha256": {"a": []}, "size": [stat.st_size], "mtime_ns": None, "first_seen_utc": 7}
    (cache_folder / "digests.json").write_text(json.dumps({"toy.bin": entry}))
    assert cache.verify_cached(known(), weight_path(known())) == sha256(CONTENT)


def test_a_home_of_nobody_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L4F_CACHE", "~nobody-of-this-name/cache")
    with pytest.raises(InputError, match="L4F_CACHE is ~nobody"):
        cache.cache_dir()
