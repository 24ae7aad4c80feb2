from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
import time
from pathlib import Path
from urllib.request import Request

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l4f_bench import remote_file, transfer
from l4f_bench.cache import weight_path
from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.fetching import Fetched, fetch_weight
from l4f_bench.remote_file import SourceError
from l4f_bench.transfer import (
    InterruptedTransferError,
    TransferConfig,
    discard,
    download,
    part_size,
)
from l4f_bench.weight_spec import WeightSpec
from tests.http_server import FileServer, serving
from tests.toy_weights import CONTENT, OTHER, known, sha256, toy

pytestmark = pytest.mark.usefixtures("cache_folder")
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


def test_file_arrives_whole_and_verified() -> None:
    with serving(CONTENT) as server:
        fetched = fetch(known(server.url))
    assert fetched.path.read_bytes() == CONTENT
    assert (fetched.sha256, fetched.num_bytes) == (sha256(CONTENT), len(CONTENT))
    assert fetched.source == server.url
    assert not list(fetched.path.parent.glob("*.part*"))


def test_second_fetch_asks_nobody() -> None:
    with serving(CONTENT) as server:
        fetch(known(server.url))
        assert fetch(known(server.url)).source is None
        assert len(server.requests) == 1


def test_drop_in_the_middle_resumes_where_it_stopped() -> None:
    with serving(CONTENT, cuts=[100_000, 50_000]) as server:
        assert fetch(known(server.url)).path.read_bytes() == CONTENT
        assert server.asked_ranges == [None, "bytes=100000-", "bytes=150000-"]
        assert server.requests[1]["If-Range"] == '"v1"'


def test_ctrl_c_keeps_what_came_and_the_next_fetch_resumes() -> None:
    with serving(CONTENT) as server:
        spec = known(server.url)
        interrupted(server, spec, 120_000)
        assert fetch(spec).path.read_bytes() == CONTENT
        assert server.asked_ranges == ["bytes=120000-"]


def test_endless_drops_give_up_and_keep_the_part() -> None:
    with serving(CONTENT, cuts=[1000] * 4) as server:
        spec = known(server.url)
        with pytest.raises(InterruptedTransferError, match=r"4,000 bytes are kept: run the same"):
            fetch(spec)
        assert fetch(spec).path.read_bytes() == CONTENT
        assert server.asked_ranges[-1] == "bytes=4000-"


def test_attempts_with_progress_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "_PROGRESS_BYTES", 10_000)
    with serving(CONTENT, cuts=[10_000] * 20) as server:
        assert fetch(known(server.url)).path.read_bytes() == CONTENT


def test_server_that_ignores_ranges_restarts_cleanly() -> None:
    with serving(CONTENT, cuts=[100_000], ranges=False) as server:
        assert fetch(known(server.url)).path.read_bytes() == CONTENT
        assert len(server.requests) == 2


@pytest.mark.parametrize("honour_if_range", [True, False])
def test_file_changed_between_attempts_starts_again(honour_if_range: bool) -> None:
    with serving(OTHER, honour_if_range=honour_if_range) as server:
        spec = toy(server.url)
        interrupted(server, spec, 100_000)
        server.content, server.etag = CONTENT, '"v2"'
        assert fetch(spec).path.read_bytes() == CONTENT
        assert server.asked_ranges[0] == "bytes=100000-"


def test_last_modified_serves_as_validator() -> None:
    date = "Mon, 01 Nov 2021 00:00:00 GMT"
    with serving(CONTENT, etag=None, last_modified=date, cuts=[5000]) as server:
        fetch(known(server.url))
        assert server.requests[1]["If-Range"] == date


def test_weak_entity_tag_is_compared_but_not_sent() -> None:
    with serving(OTHER, etag='W/"v1"') as server:
        spec = toy(server.url)
        interrupted(server, spec, 100_000)
        server.content, server.etag = CONTENT, 'W/"v2"'
        assert fetch(spec).path.read_bytes() == CONTENT
        assert "If-Range" not in server.requests[0]


@pytest.mark.parametrize("ranges", [True, False])
def test_without_a_validator_a_download_starts_again(ranges: bool) -> None:
    with serving(OTHER, etag=None, ranges=ranges) as server:
        spec = toy(server.url)
        interrupted(server, spec, 100_000)
        server.content = CONTENT
        assert fetch(spec).path.read_bytes() == CONTENT
        assert server.asked_ranges == [None]


def test_an_answer_that_names_no_version_does_not_continue_another() -> None:
    with serving(OTHER, etag='W/"v1"', silent_parts=True) as server:
        spec = toy(server.url)
        interrupted(server, spec, 100_000)
        server.content = CONTENT
        assert fetch(spec).path.read_bytes() == CONTENT
        assert server.asked_ranges == ["bytes=100000-", None]


def test_a_server_that_vouches_by_if_range_need_not_repeat_itself() -> None:
    with serving(CONTENT, cuts=[100_000], silent_parts=True) as server:
        assert fetch(known(server.url)).path.read_bytes() == CONTENT
        assert server.asked_ranges == [None, "bytes=100000-"]


def test_download_that_only_lacked_the_check_is_not_repeated() -> None:
    with serving(CONTENT) as server:
        spec = known(server.url)
        interrupted(server, spec, len(CONTENT))
        assert fetch(spec).path.read_bytes() == CONTENT
        assert server.asked_ranges == [f"bytes={len(CONTENT)}-"]


def test_part_longer_than_the_file_starts_again() -> None:
    with serving(CONTENT) as server:
        spec = known(server.url)
        part = interrupted(server, spec, 100_000)
        part.write_bytes(CONTENT + b"more")
        assert fetch(spec).path.read_bytes() == CONTENT


def test_unreadable_state_starts_again() -> None:
    with serving(CONTENT) as server:
        spec = known(server.url)
        part = interrupted(server, spec, 100_000)
        part.with_name("toy.bin.part.json").write_text("{")
        assert fetch(spec).path.read_bytes() == CONTENT
        assert server.asked_ranges == [None]


@pytest.mark.parametrize(
    "state",
    [
        {"etag": ["v1"]},
        {"etag": '"v1"\r\nX-Injected: yes'},
        {"etag": "x" * 100_000},
        {"total": "300000"},
        {"total": -1},
        {"etag": None},
        {"surprise": 1},
        [],
        None,
    ],
)
def test_a_state_that_was_tampered_with_starts_again(state: object) -> None:
    with serving(CONTENT) as server:
        spec = known(server.url)
        part = interrupted(server, spec, 100_000)
        path = part.with_name("toy.bin.part.json")
        original = json.loads(path.read_text())
        path.write_text(json.dumps({**original, **state} if isinstance(state, dict) else state))
        assert fetch(spec).path.read_bytes() == CONTENT
        assert server.asked_ranges == [None]


def test_a_state_that_is_nested_deeply_starts_again() -> None:
    with serving(CONTENT) as server:
        spec = known(server.url)
        interrupted(server, spec, 100_000).with_name("toy.bin.part.json").write_text("[" * 100_000)
        assert fetch(spec).path.read_bytes() == CONTENT


def test_cut_chunked_response_is_retried() -> None:
    with serving(CONTENT, chunked=True, cuts=[70_000]) as server:
        assert fetch(known(server.url)).path.read_bytes() == CONTENT


def test_silent_connection_times_out_and_resumes() -> None:
    with serving(CONTENT, stall_s=1.0) as server:
        config = TransferConfig(attempts=2, timeout_s=0.1, backoff_s=0.0)
        with pytest.raises(InterruptedTransferError, match="299,999 bytes are kept"):
            fetch_weight(known(server.url), config=config)
        server.stall_s = 0.0
        assert fetch(known(server.url)).path.read_bytes() == CONTENT


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


def test_redirect_is_followed_and_its_range_kept() -> None:
    with serving(CONTENT, cuts=[100_000]) as server:
        server.redirect_to = f"{server.url}/real"
        assert fetch(known(f"{server.url}/moved")).path.read_bytes() == CONTENT
        assert server.requests[-1]["path"] == "/real"
        assert server.asked_ranges[-1] == "bytes=100000-"


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/x", "data:,x"])
def test_redirect_out_of_http_is_refused(target: str) -> None:
    with serving(CONTENT, redirect_to=target) as server:
        spec = toy(f"{server.url}/moved")
        with pytest.raises(MissingAssetError, match=r"302|redirects"):
            fetch(spec)
    assert_nothing_left(spec)


def test_redirect_from_https_to_http_is_refused(tmp_path: Path) -> None:
    handler = remote_file._SameSchemeRedirects()
    with (tmp_path / "body").open("wb+") as body, pytest.raises(SourceError, match="redirects to"):
        handler.redirect_request(
            Request("https://a.example/f"), body, 302, "", {}, "http://a.example/f"
        )


def test_redirect_loop_ends() -> None:
    with serving(CONTENT) as server:
        server.redirect_to = f"{server.url}/moved"
        with pytest.raises(MissingAssetError, match="302"):
            fetch(toy(f"{server.url}/moved"))


def test_mirror_folder_is_copied_from(tmp_path: Path) -> None:
    (tmp_path / "toy.bin").write_bytes(CONTENT)
    for mirror in (str(tmp_path), tmp_path.as_uri()):
        fetched = fetch(known(), mirror=mirror)
        assert fetched.path.read_bytes() == CONTENT
        fetched.path.unlink()


def test_mirror_address_is_the_only_one_asked() -> None:
    with serving(CONTENT) as server:
        fetched = fetch(known("http://127.0.0.1:9/never"), mirror=f"{server.url}/some/where/")
        assert fetched.source == f"{server.url}/some/where/toy.bin"


def test_wrong_file_in_a_mirror_is_refused_and_stays_there(tmp_path: Path) -> None:
    (tmp_path / "toy.bin").write_bytes(HTML)
    with pytest.raises(MissingAssetError, match="HTML page"):
        fetch(known(), mirror=str(tmp_path))
    assert (tmp_path / "toy.bin").read_bytes() == HTML
    assert_nothing_left(known())


@pytest.mark.parametrize(
    ("mirror", "error"),
    [
        ("{}/absent", InputError),
        ("ftp://127.0.0.1/", InputError),
        ("http://", InputError),
        ("http://[x", InputError),
        ("http://[::1", InputError),
        ("http://host:port/", InputError),
        ("http://host:99999/", InputError),
        ("http://host:0/", InputError),
        ("http://" + "a" * 70 + ".example/", MissingAssetError),
        ("http://a..b/", MissingAssetError),
        ("http://127.0.0.1:9/with space", MissingAssetError),
        ("http://127.0.0.1:9/\u00fc", MissingAssetError),
        ("file://[x", InputError),
        ("{}", MissingAssetError),
    ],
)
def test_unusable_mirror_is_said(tmp_path: Path, mirror: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"mirror|does not exist") as caught:
        fetch(known(), mirror=mirror.replace("{}", str(tmp_path)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("target", ["http://[x", "http://host:port/", "//[", "http://a b/"])
def test_a_redirect_that_cannot_be_parsed_is_one_line(target: str) -> None:
    with serving(CONTENT, redirect_to=target) as server:
        spec = toy(f"{server.url}/moved")
        with pytest.raises(MissingAssetError, match="Cannot fetch 'toy'") as caught:
            fetch(spec)
    assert "\n" not in str(caught.value)
    assert_nothing_left(spec)


def test_a_fifo_in_a_mirror_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "toy.bin")
    with pytest.raises(MissingAssetError, match="not a regular file"):
        fetch(known(), mirror=str(tmp_path))


def test_a_link_in_the_cache_is_written_through(tmp_path: Path) -> None:
    target = weight_path(known())
    target.parent.mkdir(parents=True)
    target.symlink_to(tmp_path / "large-disk.bin")
    with serving(CONTENT) as server:
        fetch(known(server.url))
    assert target.is_symlink()
    assert (tmp_path / "large-disk.bin").read_bytes() == CONTENT


def test_a_folder_in_the_place_of_the_file_is_found_before_the_download() -> None:
    weight_path(known()).mkdir(parents=True)
    with serving(CONTENT) as server:
        with pytest.raises(InputError, match="it is a folder"):
            fetch(known(server.url))
        assert server.requests == []


def test_concurrent_fetches_download_once() -> None:
    waited: list[int] = []
    results: list[Fetched] = []
    with serving(CONTENT, stall_s=0.3) as server:
        spec = known(server.url)

        def work() -> None:
            results.append(fetch(spec, on_wait=lambda: waited.append(1)))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.requests) == 1
    assert len(waited) == 3
    assert [result.sha256 for result in results] == [sha256(CONTENT)] * 4
    assert sum(result.source is not None for result in results) == 1


def test_full_disk_is_found_before_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with serving(CONTENT) as server, pytest.raises(InputError, match="300,000 are needed"):
        fetch(known(server.url))


def test_cache_that_is_a_file_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("L4F_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match="Set L4F_CACHE"):
        fetch(known())


def test_progress_ends_at_the_total() -> None:
    seen: list[tuple[int, int | None]] = []
    with serving(CONTENT, cuts=[50_000]) as server:
        fetch(known(server.url), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)


@settings(max_examples=25)
@given(
    cuts=st.lists(st.integers(0, 3000), max_size=6),
    ranges=st.booleans(),
    chunked=st.booleans(),
    etag=st.sampled_from(['"v1"', 'W/"v1"', None]),
)
def test_any_pattern_of_drops_gives_the_exact_bytes(
    cuts: list[int], ranges: bool, chunked: bool, etag: str | None
) -> None:
    content = CONTENT[:2500]
    config = TransferConfig(attempts=20, timeout_s=5.0, backoff_s=0.0)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(content, cuts=cuts, ranges=ranges, chunked=chunked, etag=etag) as server,
    ):
        part = Path(folder) / "file.part"
        download(server.url, part, num_bytes=None, config=config, progress=lambda done, total: None)
        assert part.read_bytes() == content
        assert part_size(part) == 2500
        discard(part)
        assert list(Path(folder).iterdir()) == []
