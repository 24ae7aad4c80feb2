"""What is wrong with names on the command line is said at once, that of outputs first of all."""

from __future__ import annotations

from pathlib import Path

import pytest

from l4f_bench.assets import embedded_path
from tests.cli.conftest import Run, save_masks, some_masks


@pytest.mark.parametrize(
    "command",
    [
        ("score", "none", "none", "--per-image", "folder"),
        ("score", "none", "none", "--per-image", "file/scores.csv"),
        ("score", "none", "none", "--out", "file"),
        ("score", "none", "none", "--out", "taken"),
        ("report", "none", "--out", "file"),
        ("merge", "none", "--out", "file"),
        ("merge", "none", "--out", "taken"),
        ("fid", "none", "none", "--save-stats", "folder.npz"),
        ("fid", "none", "none", "--save-stats", "file/a.npz"),
        ("convert", "none", "file/a.safetensors"),
        ("convert", "none", "folder.safetensors"),
        ("train", "--data", "none", "--out", "file/run"),
        ("eval", "samples", "--generator", "none", "--out", "file"),
        ("eval", "samples", "--generator", "none", "--out", "parts"),
    ],
    ids=" ".join,
)
def test_an_output_that_cannot_be_written_comes_first(
    command: tuple[str, ...], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("file")
    taken = ("taken/record.json", "parts/psi-0.7/record.json")
    for name in ("folder", "folder.npz", "folder.safetensors", *taken):
        Path(name).mkdir(parents=True)
    got = run(*command)
    assert got.exit_code == 2
    assert got.stderr.count("\n") == 1
    assert "annot be written" in got.stderr or "Cannot write" in got.stderr, got.stderr
    assert Path("file").read_text() == "file"


@pytest.mark.parametrize(
    "command", [("fid", "{}", "none"), ("report", "{}"), ("merge", "{}"), ("curves", "{}")]
)
def test_a_name_that_no_file_can_have_is_wrong_usage(command: tuple[str, ...], run: Run) -> None:
    got = run(*(word.format("a" * 300) for word in command))
    assert got.exit_code == 2
    assert got.stderr.count("\n") == 1
    assert "too long" in got.stderr


def test_an_unknown_name_is_one_line(run: Run) -> None:
    got = run("fetch", "a\nb\x1b[31m")
    assert got.exit_code == 2
    assert got.stderr.startswith("Error: Unknown weights or data set 'a b?[31m'.")
    assert got.stderr.count("\n") == 1


def test_strict_refuses_files_that_are_passed_over(run: Run, tmp_path: Path) -> None:
    preds, target = some_masks(2)
    for name, masks in (("preds", preds), ("truth", target)):
        save_masks(tmp_path / name, masks)
    folders = (tmp_path / "preds", tmp_path / "truth")
    assert run("score", *folders, "--strict").exit_code == 0
    (tmp_path / "preds" / "notes.xyz").write_text("notes")
    assert "1 .xyz" in run("score", *folders).stderr
    weights = embedded_path("shapes-annotator")
    for command in (
        ("score", *folders),
        ("annotate", folders[0], "--weights", weights, "--out", tmp_path / "out"),
    ):
        refused = run(*command, "--strict")
        assert refused.exit_code == 2
        assert "1 .xyz" in refused.stderr
        assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("check", ["nan", "-1", "inf"])
def test_a_check_that_means_nothing_is_refused(check: str, run: Run, tmp_path: Path) -> None:
    refused = run("report", tmp_path, "--check", check, "--out", tmp_path / "tables")
    assert refused.exit_code == 2
    assert f"--check {check}" in refused.stderr
