"""Where files come from and go to: redirects, mirrors, links, and caches that cannot be used."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from urllib.request import Request

import pytest

from l4f_bench import remote_file, transfer
from l4f_bench.cache import weight_path
from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.fetching import Fetched
from l4f_bench.remote_file import SourceError
from tests.fetching.fetches import HTML, assert_nothing_left, fetch
from tests.http_server import serving
from tests.toy_weights import CONTENT, known, sha256, toy

pytestmark = pytest.mark.usefixtures("cache_folder")


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
