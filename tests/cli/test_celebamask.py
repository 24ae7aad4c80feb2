"""CelebAMask-HQ through the commands: from a folder to the paper's Table 4, and its state."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from l4f_bench.annotators.bisenet import BiSeNet
from l4f_bench.annotators.face_parsing import FACE_CLASSES
from l4f_bench.annotators.parser_file import write_parser
from l4f_bench.annotators.unet import UNet
from tests.cli.conftest import Run
from tests.datasets.celebamask import IDS, PARTITION, Folder, build, union_of
from tests.datasets.layouts import save
from tests.networks import save_labels4free, save_rosinality, small_alpha, small_generator
from tests.projection.files import save_public, small_encoder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return build(tmp_path / "data")


@pytest.fixture
def parser(tmp_path: Path) -> Path:
    """A tiny BiSeNet with random weights, of faces."""
    torch.manual_seed(0)
    path = tmp_path / "bisenet.safetensors"
    write_parser(path, BiSeNet(19, width=0.125), classes=FACE_CLASSES, side=64, about={})
    return path


def arguments(folder: Folder, *more: object) -> tuple[object, ...]:
    return ("eval", "images", "--dataset", "celebamask", "--data", folder.data, *more)


def evaluated(run: Run, folder: Folder, out: Path, *more: object) -> dict[str, Any]:
    result = run(*arguments(folder, "--json", "--out", out, *more))
    assert result.exit_code == 0, result.stderr
    (record,) = json.loads(result.stdout)["records"]
    return dict(record)


def doctored(run: Run, folder: Folder, exit_code: int) -> dict[str, Any]:
    result = run("doctor", "--dataset", "celebamask", "--data", folder.data, "--json")
    assert result.exit_code == exit_code, result.output
    return dict(json.loads(result.stdout))


@pytest.fixture
def public(tmp_path: Path) -> dict[str, tuple[object, ...]]:
    """Options that name small files in the public formats, for every row of Table 4."""
    torch.manual_seed(3)
    for name in ("79999_iter.pth", "student.pth"):
        torch.save(BiSeNet(19, width=0.125).state_dict(), tmp_path / name)
    torch.save(UNet(2, channels=4).state_dict(), tmp_path / "unet.pth")
    encoder = save_public(tmp_path / "psp.pt", small_encoder(), {}, average=torch.zeros(8))
    generator = save_rosinality(tmp_path / "generator.pt", small_generator())
    alpha = save_labels4free(tmp_path / "alpha.pt", small_alpha())
    return {
        "bisenet": ("--weights", tmp_path / "79999_iter.pth"),
        "ours-psp": ("--weights", encoder, "--generator", generator, "--alpha", alpha),
        "ours-unet": ("--weights", tmp_path / "unet.pth"),
        "ours-bisenet": ("--weights", tmp_path / "student.pth"),
        "border-colour": (),
    }


def test_all_rows_of_table_4_and_an_algorithm_end_to_end(
    run: Run, folder: Folder, public: dict[str, tuple[object, ...]], tmp_path: Path
) -> None:
    for method, files in public.items():
        record = evaluated(run, folder, tmp_path / "runs" / method, "--method", method, *files)
        assert (record["split"], record["parts"], record["n"]) == ("test", [], 2)
        assert record["label"].endswith(" against human masks, test")
        counts = {e["key"]: e["tp"] + e["fn"] for e in record["images"]}
        assert counts == {f"{number}.jpg": union_of(number).sum() for number in (1, 1999)}
        assert set(record["digests"]) >= {"target"}
    report = run("report", tmp_path / "runs", "--table", 4, "--out", tmp_path / "t", "--format",
                 "md,json")  # fmt: skip
    assert report.exit_code == 0, report.stderr
    assert "the published network may have seen these images" in report.stdout
    rows = json.loads((tmp_path / "t" / "table4.json").read_text())["rows"]
    measured = [row for row in rows if row["measured"] is not None]
    assert {row["method"] for row in measured} == set(public)
    compared = {row["method"] for row in measured if row["difference"] is not None}
    assert compared == set(public) - {"border-colour"}


def test_split_limit_and_parts_are_in_the_record(run: Run, folder: Folder, tmp_path: Path) -> None:
    more = ("--method", "border-colour", "--split", "val", "--limit", 2, "--parts", "hair")
    record = evaluated(run, folder, tmp_path / "run", *more, "--parts", "nose")
    assert record["label"].endswith(", first 2 of val, hair and nose alone")
    assert (record["split"], record["parts"]) == ("first 2 of val", ["hair", "nose"])
    assert [entry["key"] for entry in record["images"]] == ["3.jpg", "2000.jpg"]
    report = run("report", tmp_path / "run", "--table", 4, "--out", tmp_path / "tables")
    assert report.exit_code == 0, report.stderr


def test_scores_of_some_parts_are_not_compared_with_the_paper(
    run: Run, folder: Folder, parser: Path, tmp_path: Path
) -> None:
    more = ("--method", "bisenet", "--weights", parser, "--parts", "hair")
    evaluated(run, folder, tmp_path / "run", *more)
    report = run("report", tmp_path / "run", "--table", 4, "--out", tmp_path / "t", "--format",
                 "json")  # fmt: skip
    assert "the paper's masks are of all parts, not of hair alone" in report.stdout


def test_masks_on_disk_pair_with_the_images_of_the_split(
    run: Run, folder: Folder, tmp_path: Path
) -> None:
    for number in (1, 1999):
        save(tmp_path / "masks" / f"{number}.png", union_of(number).astype(np.uint8) * 255)
    more = ("--masks", tmp_path / "masks", "--method", "nobody")
    result = run(*arguments(folder, *more))
    assert result.exit_code == 2
    record = evaluated(run, folder, tmp_path / "run", "--masks", tmp_path / "masks")
    assert record["scores"]["iou_fg"]["value"] == 1


def test_images_with_faults_are_counted_named_and_never_background(
    run: Run, folder: Folder, tmp_path: Path
) -> None:
    folder.part(1, "hair").write_bytes(b"")
    record = evaluated(run, folder, tmp_path / "run", "--method", "border-colour")
    assert (record["n"], record["rejected"]) == (1, {"damaged-part": 1})
    assert [entry["key"] for entry in record["images"]] == ["1999.jpg"]
    assert any("(0/00001_hair.png)" in said for said in record["warnings"])
    refused = run(*arguments(folder, "--method", "border-colour", "--strict"))
    assert refused.exit_code == 2
    assert "0/00001_hair.png" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_split_with_nothing_but_faults_is_one_line(run: Run, folder: Folder) -> None:
    for number in (1, 1999):
        folder.part(number, "skin").write_bytes(b"")
    refused = run(*arguments(folder, "--method", "border-colour"))
    assert refused.exit_code == 2
    assert "None of 2 images can be scored (damaged-part 2)." in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_known_bad_images_are_kept_unless_strict(run: Run, tmp_path: Path) -> None:
    folder = build(tmp_path / "data", {1499: 199_999, 1500: 200_000})
    record = evaluated(run, folder, tmp_path / "run", "--method", "border-colour")
    assert record["n"] == 2
    assert any("known to be badly annotated" in said for said in record["warnings"])
    refused = run(*arguments(folder, "--method", "border-colour", "--strict"))
    assert refused.exit_code == 2
    assert "(1499)" in refused.stderr


def test_without_the_partition_the_command_says_what_is_missing(run: Run, folder: Folder) -> None:
    (folder.data / PARTITION).unlink()
    refused = run(*arguments(folder, "--method", "border-colour"))
    assert refused.exit_code == 3
    assert PARTITION in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_doctor_finds_no_fault_in_a_sound_folder(run: Run, folder: Folder) -> None:
    found = doctored(run, folder, 0)
    assert (found["faults"], found["notes"]) == ([], [])
    assert found["facts"] == {
        "images": "6",
        "images with part files": "6",
        "part files": "18",
        "images of train": "1",
        "images of val": "3",
        "images of test": "2",
        "images read": "6",
        "sizes": "32x32 (6, 0.jpg first)",
        "images left out of scores": "0",
    }
    shown = run("doctor", "--dataset", "celebamask", "--data", folder.data)
    assert "No fault was found." in shown.stdout


def test_doctor_names_every_kind_of_fault_at_once(run: Run, folder: Folder) -> None:
    folder.part(1, "hair").write_bytes(b"")
    folder.part(3, "hair").rename(folder.part(3, "hair").with_name("3_hair.png"))
    folder.image(2000).unlink()
    folder.image(2001).write_bytes(b"no image")
    folder.image(1999).write_bytes(folder.image(0).read_bytes())
    found = doctored(run, folder, 1)
    told = "\n".join(found["faults"])
    for name in ("(0/00001_hair.png)", "(0/3_hair.png)", "(2000)", str(folder.image(2001))):
        assert name in told
    assert found["notes"] == ["1 pairs of images have the same pixels (0.jpg and 1999.jpg)."]
    assert found["facts"]["images left out of scores"] == "2"


def test_a_quick_look_opens_no_file(run: Run, folder: Folder) -> None:
    for number in IDS:
        folder.image(number).write_bytes(b"")
        folder.part(number, "hair").write_bytes(b"")
    more = ("--dataset", "celebamask", "--data", folder.data)
    assert run("doctor", *more, "--quick").exit_code == 0
    assert run("doctor", *more).exit_code == 1


def test_doctor_looks_at_any_other_data_set(run: Run, tmp_path: Path) -> None:
    image, mask = (tmp_path / "images" / "1.jpg", tmp_path / "ground_truth_mask" / "1.png")
    save(image, np.zeros((16, 24, 3), np.uint8))
    save(mask, np.zeros((16, 24), np.uint8))
    save(tmp_path / "images" / "readme.svg.png", np.zeros((8, 8), np.uint8)).rename(
        tmp_path / "images" / "x.svg"
    )
    look = ("doctor", "--dataset", "ecssd", "--data", tmp_path)
    sound = run(*look)
    assert sound.exit_code == 0, sound.output
    assert "24x16 (1, 1.jpg first)" in sound.stdout
    assert "Note: Passed over in" in sound.stdout
    save(mask, np.zeros((8, 24), np.uint8))
    other = run(*look)
    assert other.exit_code == 1
    assert "Fault: 1.jpg is 24x16 pixels and its mask 24x8." in other.stdout
    mask.unlink()
    os.mkfifo(mask)
    assert "pipe or device" in run(*look).stdout


@pytest.mark.parametrize(
    ("more", "exit_code", "said"),
    [
        (("--dataset", "celebamask"), 3, "Give its folder with --data DIR"),
        (("--dataset", "celebamask", "--data", "nowhere"), 2, "CelebA-HQ-img is not a folder"),
        (("--dataset", "celeb"), 2, "Unknown data set 'celeb'. Did you mean 'celebamask'?"),
        (("--dataset", "shapes", "--data", "x"), 2, "Leave out --data"),
        (("--data", "x"), 2, "name it with --dataset"),
        (("--quick",), 2, "name it with --dataset"),
    ],
)
def test_what_doctor_cannot_look_at_is_one_line(
    more: tuple[str, ...], exit_code: int, said: str, run: Run
) -> None:
    result = run("doctor", *more)
    assert result.exit_code == exit_code
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
