"""The command project: what it writes, how it goes on, and what it says of bad input."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from l4f_bench.projection.codes import codes_of
from l4f_bench.projection.encoder_file import load_encoder
from l4f_bench.projection.placement import cut, fitted
from tests.cli.conftest import Run
from tests.networks import save_labels4free, save_rosinality, small_alpha, small_generator
from tests.projection.files import SIZES, save_photographs, save_public, small_encoder

PHOTOGRAPHS = {"a.png": (40, 40), "b.jpg": (20, 50), "sub/c.png": (70, 33)}


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    """Options that name a small encoder, its generator and alpha network."""
    (tmp_path / "photographs" / "sub").mkdir(parents=True)
    save_photographs(tmp_path / "photographs", PHOTOGRAPHS)
    encoder = save_public(tmp_path / "e.pt", small_encoder(), {}, average=torch.zeros(8))
    generator = save_rosinality(tmp_path / "generator.pt", small_generator())
    alpha = save_labels4free(tmp_path / "alpha.pt", small_alpha())
    return (
        str(tmp_path / "photographs"), "--encoder", str(encoder), "--generator", str(generator),
        "--alpha", str(alpha),
    )  # fmt: skip


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@torch.no_grad()
def test_a_folder_of_projections_holds_what_it_says(
    run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = run("project", *files, "--threshold", 0.4, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == str(out)
    assert "sub/c.png: it is 33 x 70 pixels" in " ".join(result.stderr.split())
    lines = [json.loads(line) for line in (out / "metadata.jsonl").read_text().splitlines()]
    assert [line["image"] for line in lines] == [*PHOTOGRAPHS]
    assert set(lines[0]["sha256"]) == {"codes", "reconstructions", "alpha", "masks"}
    config = json.loads((out / "config.json").read_text())["identity"]
    assert set(config["sha256"]) == {"encoder", "generator", "alpha"}
    with Image.open(tmp_path / "photographs" / "sub" / "c.png") as image:
        photograph = np.asarray(image).transpose(2, 0, 1)
    placement = fitted((70, 33), (32, 32), "pad")
    codes = codes_of(
        load_encoder(tmp_path / "e.pt"),
        torch.from_numpy(cut(photograph, placement, (32, 32)))[None],
    )
    found = load_file(out / "codes" / "sub" / "c.safetensors")
    torch.testing.assert_close(found["w_plus"], codes[0])
    with Image.open(out / "reconstructions" / "sub" / "c.png") as image:
        picture = np.asarray(image).transpose(2, 0, 1)
    expected = (small_generator().synthesis(codes)[0] + 1) * 127.5
    assert np.abs(picture - expected.clamp(0, 255).numpy()).max() <= 1
    target = cut(photograph, placement, (32, 32))
    mse = np.square(picture / 255 - target / 255).mean()
    assert lines[2]["mse"] == pytest.approx(mse)
    assert lines[2]["psnr"] == pytest.approx(-10 * np.log10(mse))
    for kind in ("alpha", "masks"):
        with Image.open(out / kind / "sub" / "c.png") as image:
            assert image.size == (33, 70)
    with Image.open(out / "figure.png") as image:
        assert image.width == 4 * 260 + 8  # photograph, reconstruction, mask, error


def test_a_resumed_folder_has_the_bytes_of_an_unbroken_one(
    run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run("project", *files, "--out", out).exit_code == 0
    whole = contents(out)
    record = json.loads(whole.pop("projections.json"))
    assert run("project", *files, "--out", out).exit_code == 2  # holds projections already
    metadata = out / "metadata.jsonl"
    (out / "masks" / "b.png").write_bytes(b"damaged")
    metadata.write_text(metadata.read_text().replace("\n", "\njunk\n", 2)[:-5])
    result = run("project", *files, "--out", out, "--resume")
    assert result.exit_code == 0, result.stderr
    resumed = contents(out)
    again = json.loads(resumed.pop("projections.json"))
    assert resumed == whole
    own = {"provenance", "seconds"}  # of the run that ended it
    assert {name: value for name, value in again.items() if name not in own} == {
        name: value for name, value in record.items() if name not in own
    }
    result = run("project", *files, "--out", out, "--resume", "--fit", "crop")
    assert result.exit_code == 2
    assert "fit was pad, is crop" in result.stderr


def test_an_unreadable_photograph_is_left_out(
    run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "photographs" / "b.jpg").write_bytes(b"nothing")
    result = run("project", *files, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert "b.jpg is left out" in result.stderr
    assert "2 photographs projected" in result.stderr
    assert run("report", tmp_path / "out", "--out", tmp_path / "tables").exit_code == 0
    table = (tmp_path / "tables" / "reconstructions.md").read_text()
    assert "1 of photographs could not be read and are left out." in table


def test_a_folder_of_any_name_is_projected_to_its_record(
    run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    Path(files[0]).rename(folder)
    result = run("project", folder, *files[1:], "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    record = json.loads((tmp_path / "out" / "projections.json").read_text(encoding="utf-8"))
    assert record["dataset_title"] == r"\xff"


def test_a_report_shows_mean_errors_beside_those_of_the_mean_picture(
    run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run("project", *files, "--out", out).exit_code == 0
    lines = [json.loads(line) for line in (out / "metadata.jsonl").read_text().splitlines()]
    for _ in range(2):  # what a report writes below the runs is no record to the next
        result = run("report", out, "--format", "md,html,json", "--out", out / "tables")
        assert result.exit_code == 0, result.stderr
    found = json.loads((out / "tables" / "reconstructions.json").read_text())
    (row,) = found["rows"]
    assert (row["photographs"], row["by"], row["n"]) == ("photographs", "encoder", 3)
    for name in ("mse", "psnr", "ssim", "mse_of_mean"):
        values = [line[name] for line in lines]
        assert row["errors"][name]["value"] == pytest.approx(np.mean(values))
        assert min(values) <= row["errors"][name]["low"] <= row["errors"][name]["high"]
    page = (out / "tables" / "report.html").read_text()
    assert "How near projections come" in page
    assert "photographs: out" in page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read as a record"),
        ("{}", "no record of projections"),
        ('{"format": "l4f-bench projection record", "version": 2}', "this release reads 1"),
        ('{"format": "l4f-bench projection record", "version": 1}', "lacks fields"),
    ],
)
def test_a_bad_record_of_projections_is_one_line(
    text: str, said: str, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "projections.json").write_text(text)
    result = run("report", tmp_path, "--out", tmp_path / "tables")
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_faces_are_cut_by_landmarks(run: Run, files: tuple[str, ...], tmp_path: Path) -> None:
    points = [[10, 12], [22, 12], [16, 18], [12, 24], [20, 24]]
    path = tmp_path / "landmarks.json"
    path.write_text(json.dumps(dict.fromkeys([*PHOTOGRAPHS, "d.png"], points)))
    out = tmp_path / "out"
    result = run("project", *files, "--align", path, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert "1 landmarks are of no photograph" in result.stderr
    line = json.loads((out / "metadata.jsonl").read_text().splitlines()[0])
    # Upright eyes 12 apart, mouth 12 below: half the side is 2 x 12.
    assert line["picture"] == {"origin": [-8, -10.8], "across": [48, 0], "down": [0, 48]}
    path.write_text(json.dumps({"a.png": points}))
    result = run("project", *files, "--align", path, "--out", tmp_path / "other")
    assert result.exit_code == 2
    assert "2 photographs have no landmarks, such as b.jpg" in result.stderr


def test_by_optimisation_the_loss_is_named(
    run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = [files[0], *files[3:], "--by", "optimisation", "--steps", 2, "--device", "cpu"]
    result = run("project", *options, "--loss", "mse", "--out", out)
    assert result.exit_code == 0, result.stderr
    identity = json.loads((out / "config.json").read_text())["identity"]
    assert identity["loss"] == "mse"
    assert identity["search"]["precision"] == "double"
    found = load_file(out / "codes" / "a.safetensors")
    assert found["w_plus"].shape == (8, 8)
    assert found["noise.6"].shape == (1, 32, 32)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fit", "squeeze"], "Unknown fit"),
        (["--by", "magic"], "Unknown way"),
        (["--loss", "mse"], "--loss applies to --by optimisation"),
        (["--precision", "double"], "--precision double applies to --by optimisation"),
        (["--by", "optimisation"], "uses no --encoder"),
        (["--threshold", "1"], "out of range"),
        (["--align", "nothing.json"], "cannot be read"),
        (["--dataset", "carpets"], "Unknown data set"),
    ],
)
def test_bad_options_are_one_line(
    options: list[str], said: str, run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    result = run("project", *files, *options, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "out").exists()


def test_an_encoder_for_another_generator_is_one_line(
    run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    generator = save_rosinality(tmp_path / "g16.pt", small_generator(16, (8, 6, 5)))
    result = run("project", *files[:3], "--generator", generator, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "codes of 8 rows, but a generator of 16 pixels takes 6" in result.stderr
    assert SIZES.generator_size == 32


def test_without_an_encoder_the_message_says_how_to_get_one(
    run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    for options, said in (([], "No encoder is given"), (["--dataset", "cat"], "of LSUN-Cat")):
        result = run("project", files[0], *options, "--out", tmp_path / "out")
        assert result.exit_code == 3
        assert said in result.stderr
        assert "train --method psp" in result.stderr
