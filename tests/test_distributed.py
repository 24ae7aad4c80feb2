"""Who is alone, whatever the environment says, and who waits for others, but not for ever."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from l4f_bench import distributed
from l4f_bench.cli.console import errors, stdout
from l4f_bench.errors import BenchError

COMPLETE = {
    "RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29500",
}  # fmt: skip
VARIABLES = (*COMPLETE, "TORCHELASTIC_RUN_ID", "TORCHELASTIC_USE_AGENT_STORE")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def set_all(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"RANK": "1"},
        {"WORLD_SIZE": "2"},
        {"WORLD_SIZE": ""},
        {"LOCAL_RANK": "1", "RANK": "1"},
        {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "job-master-0", "MASTER_PORT": "23456"},
        *({key: value for key, value in COMPLETE.items() if key != name} for name in COMPLETE),
        *({**COMPLETE, name: value} for name in COMPLETE for value in ("",)),
        {**COMPLETE, "RANK": "one"},
        {**COMPLETE, "RANK": "2"},
        {**COMPLETE, "RANK": "-1"},
        {**COMPLETE, "RANK": "0"},  # whose place on its machine cannot be 1
        {**COMPLETE, "WORLD_SIZE": "0"},
        {**COMPLETE, "MASTER_PORT": "99999"},
        {**COMPLETE, "WORLD_SIZE": "1", "RANK": "0", "LOCAL_RANK": "0"},
        {"TORCHELASTIC_RUN_ID": "x", "RANK": "1"},
    ],
)
def test_a_process_that_no_launcher_placed_runs_alone_and_speaks(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_all(monkeypatch, variables)
    with distributed.processes("cpu"):
        assert (distributed.rank(), distributed.num_processes()) == (0, 1)
        assert not distributed.is_follower()
        stdout.print("seen")
    assert capsys.readouterr().out == "seen\n"


def test_of_the_processes_of_torchrun_the_first_alone_speaks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_all(monkeypatch, {**COMPLETE, "TORCHELASTIC_RUN_ID": "x"})
    assert distributed.is_follower()
    stdout.print("a result")
    errors.print("why it fails")
    set_all(monkeypatch, {"RANK": "0", "LOCAL_RANK": "0"})
    assert not distributed.is_follower()
    stdout.print("the first's")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("the first's\n", "why it fails\n")


def test_a_command_that_is_one_process_speaks_in_a_complete_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_all(monkeypatch, COMPLETE)
    stdout.print("seen")
    assert capsys.readouterr().out == "seen\n"


@pytest.mark.parametrize("rank", ["0", "1"])
def test_others_that_never_come_are_one_line_in_time(
    rank: str, free_port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_all(monkeypatch, {**COMPLETE, "RANK": rank, "LOCAL_RANK": rank, "MASTER_PORT": free_port})
    monkeypatch.setattr(distributed, "_JOIN_S", 0.5)
    started = time.monotonic()
    with (
        pytest.raises(
            BenchError, match=rf"Process {rank} of 2 cannot join .*did not come"
        ) as error,
        distributed.processes("cpu"),
    ):
        pass
    assert time.monotonic() - started < 30
    assert "\n" not in str(error.value)


def test_joining_ends_within_a_minute() -> None:
    assert distributed._JOIN_S <= 45


def test_an_address_that_nobody_has_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "_JOIN_S", 0.5)
    for rank in ("0", "1"):
        place = {"RANK": rank, "LOCAL_RANK": rank, "MASTER_ADDR": "nobody.invalid"}
        set_all(monkeypatch, {**COMPLETE, **place})
        with (
            pytest.raises(BenchError, match=r"cannot join .*nobody\.invalid"),
            distributed.processes("cpu"),
        ):
            pass


_TOGETHER = """
from l4f_bench import distributed
from l4f_bench.cli.console import stdout

with distributed.processes("cpu"):
    stdout.print(distributed.gathered(distributed.rank()))
"""


@pytest.mark.slow
def test_processes_that_another_launcher_placed_join(free_port: str) -> None:
    root = Path(__file__).parents[1]
    started = []
    for rank in ("1", "0"):
        place = {**COMPLETE, "RANK": rank, "LOCAL_RANK": rank, "MASTER_PORT": free_port}
        command = [sys.executable, "-c", _TOGETHER]
        started.append(
            subprocess.Popen(
                command, env={**os.environ, **place}, cwd=root, stdout=subprocess.PIPE, text=True
            )
        )
    answers = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert answers == ["", "[0, 1]\n"]
