from __future__ import annotations

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from l4f_bench.errors import BenchError, InputError
from l4f_bench.runs import atomic_path, check_writable, locked_folder, open_run, write_text


def test_an_interrupted_write_keeps_the_old_file_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_text(path, "old")

    def interrupted() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_folders_are_made_on_the_way(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "c.txt", "text")
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "text"


def test_a_file_in_the_place_of_the_folder_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Choose another place"):
        write_text(tmp_path / "file" / "record.json", "text")


def test_a_folder_in_the_place_of_the_file_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "record.json").mkdir()
    with pytest.raises(InputError, match="Cannot write"):
        write_text(tmp_path / "record.json", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


def test_a_locked_folder_is_refused_until_it_is_free(tmp_path: Path) -> None:
    with (
        locked_folder(tmp_path / "run"),
        pytest.raises(InputError, match="Another process is running"),
        locked_folder(tmp_path / "run"),
    ):
        pass
    with locked_folder(tmp_path / "run"):
        pass


def test_written_files_have_the_usual_permissions(tmp_path: Path) -> None:
    write_text(tmp_path / "atomic", "")
    (tmp_path / "plain").write_text("")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_whether_a_folder_can_be_written_is_known_without_making_it(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("text")
    for folder in (tmp_path / "file", tmp_path / "file" / "a"):
        with pytest.raises(InputError, match="cannot be written"):
            check_writable(folder)


_KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from l4f_bench.runs import atomic_path

with atomic_path(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("killed_at", ["images/000001.png", "config.json"])
def test_what_a_killed_process_was_writing_is_removed_on_resuming(
    killed_at: str, tmp_path: Path
) -> None:
    if killed_at != "config.json":
        open_run(tmp_path, {"seed": 0}, {}, resume=False, kind="runs")
    command = [sys.executable, "-c", _KILLED_WHILE_WRITING, str(tmp_path / killed_at)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    (left,) = (tmp_path / killed_at).parent.glob(".*")
    assert left.read_text() == "half"
    open_run(tmp_path, {"seed": 0}, {}, resume=True, kind="runs")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["config.json"]


@pytest.mark.parametrize(("number", "exit_code"), [(errno.ENOSPC, 1), (errno.EACCES, 2)])
def test_a_full_disk_is_a_failure_and_no_wrong_usage(
    number: int, exit_code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(BenchError, match=r"Cannot write .*a\.txt") as error:
        write_text(tmp_path / "a.txt", "text")
    assert error.value.exit_code == exit_code
