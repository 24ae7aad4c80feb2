from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from l4f_bench.errors import BenchError, InputError
from l4f_bench.files.safetensors_file import write_tensors
from l4f_bench.runs import (
    append_lines,
    atomic_path,
    check_writable,
    locked_folder,
    open_run,
    whole_lines,
    write_text,
)


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


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "real.json").write_text("old")
    link, dangling = tmp_path / "record.json", tmp_path / "new.json"
    link.symlink_to("elsewhere/real.json")
    dangling.symlink_to(tmp_path / "elsewhere" / "made.json")
    for path in (link, dangling):
        write_text(path, "new")
        assert path.is_symlink()
        assert path.read_text() == "new"
    names = {path.name for path in (tmp_path / "elsewhere").iterdir()}
    assert names == {"real.json", "made.json"}


def test_a_link_in_a_circle_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(InputError, match="Cannot write"):
        write_text(tmp_path / "a", "text")


def test_a_device_or_fifo_is_neither_replaced_nor_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "null").symlink_to("/dev/null")
    for path in (tmp_path / "fifo", tmp_path / "null", Path("/dev/null")):
        for write in (lambda p: write_text(p, ""), lambda p: append_lines(p, ["x"]), whole_lines):
            with pytest.raises(InputError, match="not a regular file"):
                write(path)
        assert not path.is_file()


def test_a_folder_that_was_removed_is_not_made_again(tmp_path: Path) -> None:
    path = tmp_path / "images" / "1.png"
    with (
        pytest.raises(InputError, match=r"Cannot write .*1\.png"),
        atomic_path(path, make_folder=False),
    ):
        pass
    path.parent.mkdir()

    def removed_meanwhile() -> None:
        with atomic_path(path) as temporary:
            temporary.unlink()
            path.parent.rmdir()

    with pytest.raises(InputError, match="Cannot write"):
        removed_meanwhile()


def test_a_long_suffix_does_not_make_a_name_too_long(tmp_path: Path) -> None:
    path = tmp_path / ("a." + "b" * 253)
    write_text(path, "text")
    assert path.read_text() == "text"
    with pytest.raises(InputError, match="File name too long"):
        write_text(tmp_path / ("a" * 256), "text")


def test_threads_that_write_leave_the_umask_alone(tmp_path: Path) -> None:
    usual = os.umask(0o027)

    def write(name: str) -> None:
        for _ in range(50):
            with atomic_path(tmp_path / name, durable=False) as temporary:
                temporary.write_text("text")

    try:
        threads = [threading.Thread(target=write, args=(str(i),)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert os.umask(0o027) == 0o027
        write_tensors_to(tmp_path / "a.safetensors")
    finally:
        os.umask(usual)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}


def write_tensors_to(path: Path) -> None:
    with atomic_path(path) as temporary:
        write_tensors(temporary, {"a": torch.ones(1000)}, {})


@pytest.mark.parametrize("durable", [True, False])
def test_content_reaches_the_disk_before_the_name(
    durable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, bool]] = []

    def note(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink()
        seen.append(("folder" if name == tmp_path else "file", (tmp_path / "a").exists()))

    monkeypatch.setattr(os, "fsync", note)
    with atomic_path(tmp_path / "a", durable=durable) as temporary:
        temporary.write_text("text")
    assert seen == ([("file", False), ("folder", True)] if durable else [])


_ON_A_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from tests.test_runs import write_tensors_to
from l4f_bench.errors import BenchError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_tensors_to(Path(sys.argv[1]))
except BenchError as error:
    print(error.exit_code, error)
"""


def test_libraries_that_meet_a_full_disk_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    command = [sys.executable, "-c", _ON_A_FULL_DISK, str(path)]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=root)
    assert done.stdout.startswith(f"1 Cannot write {path}: File too large"), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_text_that_is_no_utf8_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'\\udcff' in it is not UTF-8"):
        write_text(tmp_path / "a", "name \udcff")
    assert list(tmp_path.iterdir()) == []


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    path = tmp_path / "metadata.jsonl"
    path.touch()
    lines = ["a\u2028b", "c\x0b\x0c\x1c\x85d", "e\rf"]
    append_lines(path, lines[:2])
    append_lines(path, lines[2:])
    assert whole_lines(path) == lines
    path.write_bytes(path.read_bytes() + b"cut sho")
    assert whole_lines(path) == lines
    assert path.read_bytes() == "".join(f"{line}\n" for line in lines).encode()


def test_lines_are_not_added_to_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Cannot write"):
        append_lines(tmp_path / "metadata.jsonl", ["line"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "null", "7", '{"identity": 7}', '{"identity": [["seed", 0]]}', "[" * 100_000,
        '{"identity": ' + '{"a":' * 5000 + "0" + "}" * 5001, "\udcff",
    ],
)  # fmt: skip
def test_a_damaged_configuration_is_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content, errors="surrogateescape")
    with pytest.raises(InputError, match=r"config\.json is damaged") as error:
        open_run(tmp_path, {"seed": 0}, {}, resume=True, kind="runs")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", [1, "0", None, {"deep": [1, 2]}, "x" * 10_000])
def test_another_configuration_is_named_briefly(value: object, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"identity": {"seed": value, "more": 1}}))
    with pytest.raises(InputError, match="more was 1, is None, seed was") as error:
        open_run(tmp_path, {"seed": 0}, {}, resume=True, kind="runs")
    assert len(str(error.value)) < 400 + len(str(tmp_path))


def test_a_lock_that_is_a_link_does_not_empty_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "thesis").write_text("years of work")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").symlink_to(tmp_path / "thesis")
    with pytest.raises(InputError, match="is a link"), locked_folder(tmp_path / "run"):
        pass
    assert (tmp_path / "thesis").read_text() == "years of work"


def test_a_folder_of_an_unfinished_name_does_not_end_a_resume(tmp_path: Path) -> None:
    open_run(tmp_path, {"seed": 0}, {}, resume=False, kind="runs")
    (tmp_path / ".unfinished-not-ours").mkdir()
    open_run(tmp_path, {"seed": 0}, {}, resume=True, kind="runs")
