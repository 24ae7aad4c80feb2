"""Sets scored in pieces and merged, beside the same sets scored at once."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from l4f_bench.errors import InputError
from l4f_bench.evaluation.pieces import PIECE_FILE, merge_pieces
from l4f_bench.evaluation.shards import Shard, parse_shard
from l4f_bench.metrics.protocols import PROTOCOLS
from tests.cli.conftest import Run, save_masks, some_masks
from tests.launching import launch

SAME_BUT = ("provenance", "seconds")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    preds, target = some_masks(11)
    return save_masks(tmp_path / "preds", preds), save_masks(tmp_path / "truth", target)


def scored(run: Run, folders: tuple[Path, Path], out: Path, *options: object) -> Path:
    result = run("score", *folders, "--out", out, *options)
    assert result.exit_code == 0, result.stderr
    return out


def pieces(run: Run, folders: tuple[Path, Path], out: Path, of: int, *options: object) -> Path:
    for number in range(1, of + 1):
        scored(run, folders, out / str(number), "--shard", f"{number}/{of}", *options)
    return out


@pytest.mark.parametrize("protocol", PROTOCOLS.names())
@pytest.mark.parametrize("of", [1, 4])
def test_merged_pieces_are_the_record_of_the_whole(
    protocol: str, of: int, run: Run, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    options = ("--protocol", protocol, "--ignore-level", 7)
    whole = json.loads((scored(run, folders, tmp_path / "w", *options) / "record.json").read_text())
    parts = pieces(run, folders, tmp_path / "parts", of, *options)
    result = run("merge", parts, "--out", tmp_path / "all", "--json")
    assert result.exit_code == 0, result.stderr
    (merged,) = json.loads(result.stdout)["records"]
    assert {key: merged[key] for key in whole if key not in SAME_BUT} == {
        key: value for key, value in whole.items() if key not in SAME_BUT
    }


def test_pieces_alone_stand_in_no_table(
    run: Run, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    parts = pieces(run, folders, tmp_path / "parts", 2)
    assert run("report", parts, "--out", tmp_path / "tables").exit_code == 2


def test_gaps_and_overlaps_are_named(run: Run, folders: tuple[Path, Path], tmp_path: Path) -> None:
    parts = pieces(run, folders, tmp_path / "parts", 4)
    shutil.copytree(parts / "2", parts / "again")
    with pytest.raises(InputError, match=r"Images 2 to 4 \(3\.png, 4\.png, .*in several pieces"):
        merge_pieces([parts])
    shutil.rmtree(parts / "again")
    shutil.rmtree(parts / "2")
    with pytest.raises(InputError, match=r"Images 2 to 4 of 11 after 2\.png are in no piece"):
        merge_pieces([parts])
    with pytest.raises(InputError, match=r"Images 0 to 7 of 11 are in no piece"):
        merge_pieces([parts / "4"])
    with pytest.raises(InputError, match=r"holds no piece\.npz"):
        merge_pieces([folders[0]])


def test_pieces_of_other_options_or_files_are_refused(
    run: Run, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    first = scored(run, folders, tmp_path / "1", "--shard", "1/2")
    other = scored(run, folders, tmp_path / "2", "--shard", "2/2", "--level", 9)
    with pytest.raises(InputError, match="another evaluation: level differ"):
        merge_pieces([first, other])


@pytest.mark.parametrize("damage", ["cut", "text", "counts", "columns", "size", "object"])
def test_damaged_pieces_are_one_line(
    damage: str, run: Run, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    path = scored(run, folders, tmp_path / "1", "--shard", "1/1") / PIECE_FILE
    arrays = dict(np.load(path))
    if damage == "text":
        arrays["text"] = np.frombuffer(b"[" * 100_000, np.uint8)
    if damage == "counts":
        arrays["counts"] = arrays["counts"][:-1]
    if damage == "columns":
        arrays["counts"] = arrays["counts"][:, :3]
    if damage == "size":
        text = re.sub(rb'"size": [0-9.e-]+', b'"size": 1e999', arrays["text"].tobytes(), count=1)
        arrays["text"] = np.frombuffer(text, np.uint8)
    if damage == "object":
        arrays["shapes"] = arrays["shapes"].astype(object)
    np.savez(path, **arrays)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match="cannot be read as a piece") as caught:
        merge_pieces([tmp_path / "1"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "a/b", "-1/3", "1/3/3", ""])
def test_what_is_not_a_part_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a part"):
        parse_shard(text)


@pytest.mark.parametrize("total", [0, 1, 5, 16, 97])
def test_parts_cover_everything_once(total: int) -> None:
    covered = [index for number in range(1, 17) for index in Shard(number, 16).span(total)]
    assert covered == list(range(total))


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ("score",),
        ("eval", "images", "--method", "bisenet", "--limit", "11", "--protocol", "voynov"),
    ],
    ids=["score", "images"],
)
def test_three_processes_write_the_record_of_one(
    command: tuple[str, ...], folders: tuple[Path, Path], tmp_path: Path
) -> None:
    records = []
    for count in (1, 3):
        out = tmp_path / str(count)
        files = folders if command[0] == "score" else ()
        result = launch(count, *command, *files, "--out", out)
        assert result.returncode == 0, result.stderr
        records.append(json.loads((out / "record.json").read_text()))
    one, three = ({k: v for k, v in one.items() if k not in SAME_BUT} for one in records)
    assert one == three


def test_parts_of_images_are_merged_as_well(run: Run, tmp_path: Path) -> None:
    method = ("--method", "bisenet", "--limit", 9, "--protocol", "selfmask")
    whole = run("eval", "images", *method, "--out", tmp_path / "whole", "--json")
    for number in (1, 2):
        part = ("--shard", f"{number}/2", "--out", tmp_path / "parts" / str(number))
        assert run("eval", "images", *method, *part).exit_code == 0
    merged = run("merge", tmp_path / "parts", "--out", tmp_path / "all", "--json")
    one, two = (json.loads(result.stdout)["records"][0] for result in (whole, merged))
    assert {key: one[key] for key in one if key not in SAME_BUT} == {
        key: two[key] for key in two if key not in SAME_BUT
    }


def test_a_part_needs_a_folder(run: Run, folders: tuple[Path, Path]) -> None:
    result = run("score", *folders, "--shard", "1/2")
    assert (result.exit_code, "--shard needs --out" in result.stderr) == (2, True)
