"""Servers that refuse, and answers that are not the file."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import pytest

from l4f_bench import transfer
from l4f_bench.cache import weight_path
from l4f_bench.errors import MissingAssetError
from l4f_bench.fetching import fetch_weight
from l4f_bench.transfer import (
    InterruptedTransferError,
    TransferConfig,
)
from tests.fetching.fetches import HTML, assert_nothing_left, fetch, interrupted
from tests.http_server import serving
from tests.toy_weights import CONTENT, OTHER, known, sha256, toy

pytestmark = pytest.mark.usefixtures("cache_folder")


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_busy_server_is_asked_again(status: int) -> None:
    with serving(CONTENT, statuses=[status]) as server:
        assert fetch(known(server.url)).path.read_bytes() == CONTENT


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_refusal_is_final_and_says_what_else_to_do(status: int) -> None:
    with serving(CONTENT, statuses=[status]) as server:
        with pytest.raises(MissingAssetError, match=rf"HTTP {status}.*--mirror FOLDER") as caught:
            fetch(known(server.url))
        assert len(server.requests) == 1
    assert "\n" not in str(caught.value)


def test_second_address_serves_where_the_first_fails() -> None:
    with serving(CONTENT, missing="first") as server:
        fetched = fetch(known(f"{server.url}/first", f"{server.url}/second"))
        assert fetched.source == f"{server.url}/second"


def test_no_server_at_all_is_one_line() -> None:
    with pytest.raises(MissingAssetError, match=r"no connection.*4 times in a row\. Try") as caught:
        fetch(known())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("spec_of", [toy, known])
def test_html_page_is_refused_and_removed(spec_of: type, chunked: bool) -> None:
    with serving(HTML, chunked=chunked) as server:
        spec = spec_of(server.url)
        with pytest.raises(MissingAssetError, match="HTML page"):
            fetch(spec)
        assert len(server.requests) == 1
    assert_nothing_left(spec)


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"!"])
@pytest.mark.parametrize("chunked", [False, True])
def test_wrong_length_is_refused_and_removed(content: bytes, chunked: bool) -> None:
    with serving(content, chunked=chunked) as server:
        spec = known(server.url)
        with pytest.raises(MissingAssetError, match=rf"{len(content):,} bytes .* 300,000"):
            fetch(spec)
    assert_nothing_left(spec)


def test_a_download_that_does_not_end_is_ended_at_the_published_size() -> None:
    with serving(CONTENT, endless=True) as server:
        spec = known(server.url)
        with pytest.raises(MissingAssetError, match=r"sends \d+,\d+ bytes or more where 300,000"):
            fetch(spec)
        assert len(server.requests) == 1
    assert_nothing_left(spec)


def test_a_download_of_no_published_size_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "_MAX_BYTES", 1_000_000)
    with serving(CONTENT, endless=True) as server:
        spec = toy(server.url)
        with pytest.raises(MissingAssetError, match="bytes or more where 1,000,000"):
            fetch(spec)
    assert_nothing_left(spec)


def test_a_download_that_trickles_ends_in_time_and_is_gone_on_with() -> None:
    with serving(CONTENT, drip_s=0.01) as server:
        config = TransferConfig(attempts=2, timeout_s=5.0, backoff_s=0.0, total_s=0.3)
        with pytest.raises(
            InterruptedTransferError, match=r"takes too long\. [\d,]+ bytes are kept"
        ):
            fetch_weight(known(server.url), config=config)
        server.drip_s = 0.0
        assert fetch(known(server.url)).path.read_bytes() == CONTENT
        assert server.asked_ranges[1] is not None


def test_headers_that_trickle_end_in_time() -> None:
    with serving(CONTENT, drip_headers=True) as server:
        config = TransferConfig(attempts=2, timeout_s=0.4, backoff_s=0.0)
        start = time.monotonic()
        with pytest.raises(MissingAssetError, match=r"headers take too long\), 2 times"):
            fetch_weight(known(server.url), config=config)
        assert 0.8 <= time.monotonic() - start < 4
        assert len(server.requests) == 2


def test_what_could_not_be_gone_on_with_is_not_said_to_be_kept() -> None:
    with serving(CONTENT, etag=None, cuts=[1000] * 4) as server:
        spec = known(server.url)
        with pytest.raises(MissingAssetError, match=r"closed early, 4 times in a row\. Try again"):
            fetch(spec)
    assert_nothing_left(spec)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "9" * 5000},
        {"Content-Length": "-5"},
        {"Content-Length": "many"},
        {"ETag": "\xff\x07", "Last-Modified": "x" * 10_000},
        {"Content-Encoding": "unheard-of"},
    ],
)
def test_headers_that_mean_nothing_are_passed_over(headers: dict[str, str]) -> None:
    with serving(CONTENT, headers=headers, cuts=[len(CONTENT)]) as server:
        assert fetch(known(server.url)).path.read_bytes() == CONTENT


@pytest.mark.parametrize("content_range", ["bytes 0-/", "bytes 9-10/" + "9" * 5000, "lines 1-2/3"])
def test_a_range_that_cannot_be_read_starts_again(content_range: str) -> None:
    with serving(CONTENT) as server:
        spec = known(server.url)
        interrupted(server, spec, 100_000)
        server.headers = {"Content-Range": content_range}
        assert fetch(spec).path.read_bytes() == CONTENT
        assert server.asked_ranges == ["bytes=100000-", None]


def test_empty_file_is_refused() -> None:
    with serving(b"") as server, pytest.raises(MissingAssetError, match="is empty"):
        fetch(toy(server.url))


def test_wrong_digest_is_refused_and_removed() -> None:
    with serving(OTHER) as server:
        spec = known(server.url)
        with pytest.raises(MissingAssetError, match="SHA-256"):
            fetch(spec)
    assert_nothing_left(spec)


def test_digest_prefixes_are_checked() -> None:
    md5 = hashlib.md5(CONTENT).hexdigest()
    with serving(CONTENT) as server:
        for bad in (
            toy(server.url, sha256=sha256(OTHER)[:8]),
            toy(server.url, md5_prefix="0" * 6),
        ):
            with pytest.raises(MissingAssetError, match=r"SHA-256|MD5"):
                fetch(bad)
            assert_nothing_left(bad)
        good = toy(server.url, sha256=sha256(CONTENT)[:8], md5_prefix=md5[:6])
        assert fetch(good).sha256 == sha256(CONTENT)


def test_unknown_digest_is_kept_on_first_use_and_required_afterwards(cache_folder: Path) -> None:
    with serving(CONTENT) as server:
        spec = toy(server.url)
        path = fetch(spec).path
        kept = json.loads((cache_folder / "digests.json").read_text())
        assert kept["toy.bin"]["sha256"] == sha256(CONTENT)
        path.unlink()
        server.content = OTHER
        with pytest.raises(MissingAssetError, match=r"when first fetched.*digests\.json"):
            fetch(spec)
        assert_nothing_left(spec)
        server.content = CONTENT
        assert fetch(spec).path.read_bytes() == CONTENT


def test_damaged_file_in_the_cache_is_replaced() -> None:
    with serving(CONTENT) as server:
        spec = known(server.url)
        weight_path(spec).parent.mkdir(parents=True)
        weight_path(spec).write_bytes(b"damaged")
        assert fetch(spec).path.read_bytes() == CONTENT
