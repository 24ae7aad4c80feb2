from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from l4f_bench.cli import app
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.weights import WEIGHTS
from tests.http_server import serving

CONTENT = random.Random(0).randbytes(100_000)
ALPHA = "labels4free-alpha-networks"
CAR = "stylegan2-car-config-f.pkl"


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("L4F_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "cache"


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    folder = tmp_path / "mirror"
    folder.mkdir()
    for name in (ALPHA, CAR, "stylegan2-cat-config-f.pkl"):
        (folder / name).write_bytes(CONTENT)
    return folder


def run(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def as_json(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_fetch_prints_the_path_and_says_the_rest_on_stderr(
    mirror: Path, cache_folder: Path
) -> None:
    result = run("fetch", "labels4free-alpha", "--mirror", mirror)
    assert result.exit_code == 0, result.stderr
    path = cache_folder / "weights" / ALPHA
    assert result.stdout == f"{path}\n"
    assert path.read_bytes() == CONTENT
    assert "none is published: kept, and required from now on" in result.stderr
    assert "was in the cache" in run("fetch", "labels4free-alpha").stderr


def test_fetch_from_a_mirror_address(cache_folder: Path) -> None:
    with serving(CONTENT) as server:
        [fetched] = as_json("fetch", "labels4free-alpha", "--mirror", server.url)
        assert server.requests[0]["path"] == f"/{ALPHA}"
    assert fetched["num_bytes"] == len(CONTENT)
    assert fetched["path"] == str(cache_folder / "weights" / ALPHA)


def test_html_page_exits_with_one_line_and_leaves_nothing(cache_folder: Path) -> None:
    with serving(b"<html>quota</html>") as server:
        result = run("fetch", "labels4free-alpha", "--mirror", server.url)
    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1
    assert "HTML page" in result.stderr
    assert not list((cache_folder / "weights").glob(f"{ALPHA}*"))


def test_non_commercial_terms_need_acceptance_where_nobody_can_be_asked(mirror: Path) -> None:
    result = run("fetch", "stylegan2-car", "--mirror", mirror)
    assert result.exit_code == 2
    assert "--accept-licence" in result.stderr
    assert WEIGHTS.get("stylegan2-car").licence.url in result.stderr


def test_accepted_terms_are_remembered_for_all_files_under_them(mirror: Path) -> None:
    assert run("fetch", "stylegan2-car", "--mirror", mirror, "--accept-licence").exit_code == 0
    result = run("fetch", "stylegan2-cat", "--mirror", mirror)
    assert result.exit_code == 0
    assert "Text:" not in result.stderr


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 2)])
def test_terms_are_asked_for_at_a_terminal(
    mirror: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.setattr("l4f_bench.cli.fetch.somebody_there", lambda: True)
    result = run("fetch", "stylegan2-car", "--mirror", mirror, stdin=answer)
    assert result.exit_code == code
    assert "Do you accept these terms?" in result.stderr
    assert result.stdout.count(CAR) == (code == 0)


def test_nothing_is_fetched_before_all_terms_are_accepted(mirror: Path, cache_folder: Path) -> None:
    result = run("fetch", "labels4free-alpha", "stylegan2-car", "--mirror", mirror)
    assert result.exit_code == 2
    assert not (cache_folder / "weights").exists()


@pytest.mark.parametrize("name", [spec.name for spec in DATASETS if not spec.drawn])
def test_data_sets_are_answered_with_instructions(name: str) -> None:
    result = run("fetch", name)
    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1
    spec = DATASETS.get(name)
    assert all(fact in result.stderr for fact in (spec.source, spec.licence, *spec.layout))


def test_a_drawn_data_set_needs_no_fetching() -> None:
    result = run("fetch", "shapes")
    assert result.exit_code == 2
    assert "nothing to get" in result.stderr


def test_unknown_name_gets_the_nearest() -> None:
    for name, near in (("bisnet", "bisenet"), ("duts", "duts-te")):
        result = run("fetch", name)
        assert result.exit_code == 2
        assert f"Did you mean '{near}'?" in result.stderr


def test_fetch_without_a_name_points_to_the_list() -> None:
    result = run("fetch")
    assert result.exit_code == 2
    assert "--list" in result.stderr


def test_missing_mirror_is_wrong_input(tmp_path: Path) -> None:
    result = run("fetch", "labels4free-alpha", "--mirror", tmp_path / "absent")
    assert result.exit_code == 2
    assert "no such folder" in result.stderr


def test_dry_run_says_where_from_and_where_to_and_writes_nothing(cache_folder: Path) -> None:
    result = run("fetch", "bisenet", "fid-inception", "--dry-run")
    assert result.exit_code == 0
    for name in ("bisenet", "fid-inception"):
        assert WEIGHTS.get(name).urls[0] in result.stdout
    [plan] = as_json("fetch", "bisenet", "--dry-run", "--mirror", "http://mirror.test")
    assert plan["sources"] == ["http://mirror.test/parsing_bisenet.pth"]
    assert not plan["licence_accepted"]
    assert not cache_folder.exists()


def test_list_shows_address_licence_bytes_and_digest_of_all() -> None:
    shown = run("fetch", "--list").stdout
    for spec in WEIGHTS:
        assert f"{spec.name} (" in shown
        for fact in (*spec.urls, spec.sha256, spec.md5_prefix, spec.licence.name):
            assert fact is None or fact in shown
        assert spec.num_bytes is None or f"{spec.num_bytes:,}" in shown
    for data in DATASETS:
        assert f"{data.name} (" in shown
        assert all(fact in shown for fact in (data.source, data.licence, *data.layout))


def test_list_as_json_leaves_unknown_values_null() -> None:
    entries = {entry["name"]: entry for entry in as_json("fetch", "--list")}
    assert list(entries) == [*WEIGHTS.names(), *DATASETS.names()]
    assert entries["psp-ffhq"]["sha256"] is None
    assert entries["psp-ffhq"]["num_bytes"] is None
    assert entries["bisenet"]["state"] == "missing"


def test_ctrl_c_exits_130_and_the_same_command_resumes(cache_folder: Path) -> None:
    command = [sys.executable, "-m", "l4f_bench", "fetch", "labels4free-alpha", "--mirror"]
    part = cache_folder / "weights" / f"{ALPHA}.part"
    with serving(CONTENT, stall_s=30.0) as server:
        with subprocess.Popen([*command, server.url], stderr=subprocess.PIPE, text=True) as process:
            deadline = time.monotonic() + 20
            while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=20)
        assert process.returncode == 130, stderr
        assert "What was downloaded is kept: run the same command again to resume" in stderr
        kept = part.stat().st_size
        assert 0 < kept < len(CONTENT)
        server.stall_s = 0.0
        subprocess.run([*command, server.url], check=True, capture_output=True, env=os.environ)
        assert server.asked_ranges == [None, f"bytes={kept}-"]
    assert (cache_folder / "weights" / ALPHA).read_bytes() == CONTENT


def test_doctor_names_versions_devices_and_commands() -> None:
    result = run("doctor")
    assert result.exit_code == 0
    texts = ("torch", "cpu", "pip install", "l4f-bench fetch bisenet", "lmdb", *DATASETS.names())
    assert all(text in result.stdout for text in texts)


def test_doctor_as_json() -> None:
    found = as_json("doctor")
    assert found["versions"]["python"].startswith("3.")
    assert [weight["name"] for weight in found["weights"]] == WEIGHTS.names()
    assert [state["name"] for state in found["datasets"]] == DATASETS.names()


def test_doctor_fails_where_the_core_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    result = run("doctor")
    assert result.exit_code == 1
    assert "does not import" in result.stdout
