"""Downloads that are cut: what came is kept, and gone on with if it is of the same file."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l4f_bench import transfer
from l4f_bench.fetching import fetch_weight
from l4f_bench.transfer import (
    InterruptedTransferError,
    TransferConfig,
    discard,
    download,
    part_size,
)
from tests.fetching.fetches import fetch, interrupted
from tests.http_server import serving
from tests.toy_weights import CONTENT, OTHER, known, sha256, toy

pytestmark = pytest.mark.usefixtures("cache_folder")


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
