from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from l4f_bench.errors import BenchError
from l4f_bench.evaluation.sample_config import SampleConfig
from l4f_bench.evaluation.sample_folder import sample_folder
from l4f_bench.generators.architecture import GeneratorArchitecture
from l4f_bench.generators.sampling import draw
from l4f_bench.generators.stylegan2 import FIRST_CONV
from l4f_bench.methods.labels4free.method import Labels4Free
from tests.cli.conftest import Run
from tests.networks import save_labels4free, save_rosinality, small_alpha, small_generator


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    """Options that name a small generator and its alpha network."""
    generator = save_rosinality(tmp_path / "generator.pt", small_generator())
    alpha = save_labels4free(tmp_path / "alpha.pt", small_alpha())
    return ("--dataset", "cat", "--generator", str(generator), "--alpha", str(alpha))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_folder_of_samples_holds_what_it_says(
    run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = run(
        "sample", *files, "-n", 3, "--truncation", 0.5, "--threshold", 0.4, "--alpha16",
        "--out", out,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == str(out)
    lines = [json.loads(line) for line in (out / "metadata.jsonl").read_text().splitlines()]
    assert [line["index"] for line in lines] == [0, 1, 2]
    assert {line["truncation"] for line in lines} == {0.5}
    config = json.loads((out / "config.json").read_text())
    assert set(config["identity"]["sha256"]) == {"generator", "alpha"}
    assert config["provenance"]["versions"]["torch"]
    kinds = {"images", "alpha", "alpha16", "masks", "backgrounds", "composites"}
    assert set(lines[0]["sha256"]) == kinds
    planes = {}
    for kind in kinds:
        with Image.open(out / kind / "000001.png") as image:
            planes[kind] = np.asarray(image)
    assert planes["images"].shape == (32, 32, 3)
    alpha = planes["alpha16"] / 65535
    assert np.abs(planes["alpha"] / 255 - alpha).max() <= 0.5 / 255 + 1e-6
    sure = np.abs(alpha - 0.4) > 1e-4
    assert np.array_equal((planes["masks"] == 255)[sure], (alpha > 0.4)[sure])
    mixed = alpha[..., None] * planes["images"] + (1 - alpha[..., None]) * planes["backgrounds"]
    inside = (planes["images"] % 255 > 0) & (planes["backgrounds"] % 255 > 0)  # not cut off
    assert np.abs(mixed - planes["composites"])[inside].max() <= 1.01
    with Image.open(out / "grid.png") as grid:
        said = grid.text["Description"]
    assert said == f"ours, cat, psi {config['identity']['truncation']:g}, seed 0: 3 of 3"


@pytest.mark.parametrize("batch", ["1", "2", "5"])
def test_the_batch_size_changes_no_byte(
    batch: str, run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    for name, size in (("a", "auto"), ("b", batch)):
        result = run("sample", *files, "-n", 5, "--batch-size", size, "--out", tmp_path / name)
        assert result.exit_code == 0, result.stderr
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_longer_run_starts_with_the_shorter_one(
    run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    run("sample", *files, "-n", 2, "--out", tmp_path / "a")
    run("sample", *files, "-n", 4, "--out", tmp_path / "b")
    assert run("sample", *files, "-n", 4, "--resume", "--out", tmp_path / "a").exit_code == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.parametrize("damaged", [False, True])
def test_a_shorter_run_does_not_leave_what_it_would_not_make(
    damaged: bool, run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run("sample", *files, "-n", 4, "--out", out)
    if damaged:
        (out / "metadata.jsonl").write_text("")
    whole = contents(out)
    assert "files of 4 samples already" in refused(run, *files, "-n", 2, "--resume", "--out", out)
    assert contents(out) == whole


def test_a_cut_metadata_line_is_made_again(
    run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run("sample", *files, "-n", 4, "--out", out)
    whole = contents(out)
    (out / "metadata.jsonl").write_bytes(whole["metadata.jsonl"][:-30])
    (out / "alpha" / "000003.png").unlink()
    assert run("sample", *files, "-n", 4, "--resume", "--out", out).exit_code == 0
    assert contents(out) == whole


Tamper = Callable[[list[str]], list[str]]


def with_sha256(line: str, digest: object) -> str:
    document = json.loads(line)
    document["sha256"]["masks"] = digest
    return json.dumps(document)


TAMPERED: dict[str, Tamper] = {
    "emptied": lambda lines: [],
    "a line lost": lambda lines: [*lines[:1], *lines[2:]],
    "a line twice": lambda lines: [lines[0], *lines],
    "in another order": lambda lines: lines[::-1],
    "other indices": lambda lines: [line.replace('"index": ', '"index": 9') for line in lines],
    "a negative index": lambda lines: [line.replace('"index": 1', '"index": -1') for line in lines],
    "another seed": lambda lines: [line.replace('"seed": 0', '"seed": 1') for line in lines],
    "junk": lambda lines: [*lines[:2], "junk", *lines[2:]],
    "no UTF-8": lambda lines: [*lines[:2], "\udcff\udc80", *lines[2:]],
    "JSON of another type": lambda lines: [lines[0], "[]", "null", "7", *lines[1:]],
    "deep JSON": lambda lines: [lines[0], "[" * 100_000, *lines[1:]],
    "another digest": lambda lines: [with_sha256(line, "0" * 64) for line in lines],
    "a digest of another type": lambda lines: [with_sha256(line, {"a": []}) for line in lines],
    "other line ends": lambda lines: [f"{line}\r" for line in lines],
    "more lines than samples": lambda lines: [*lines, *lines],
}


@pytest.mark.parametrize("how", sorted(TAMPERED))
def test_tampered_metadata_is_made_again(
    how: str, run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run("sample", *files, "-n", 4, "--out", out)
    whole = contents(out)
    lines = TAMPERED[how](whole["metadata.jsonl"].decode().splitlines())
    text = "".join(f"{line}\n" for line in lines)
    (out / "metadata.jsonl").write_bytes(text.encode(errors="surrogateescape"))
    result = run("sample", *files, "-n", 4, "--resume", "--out", out)
    assert result.exit_code == 0, result.stderr
    assert contents(out) == whole


@pytest.mark.parametrize("how", ["missing", "changed", "emptied", "a link into nowhere"])
def test_files_that_are_not_what_the_metadata_says_are_made_again(
    how: str, run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run("sample", *files, "-n", 4, "--out", out)
    whole = contents(out)
    path = out / "backgrounds" / "000002.png"
    if how in ("missing", "a link into nowhere"):
        path.unlink()
    if how == "a link into nowhere":
        path.symlink_to(out / "nowhere.png")
        whole["nowhere.png"] = whole["backgrounds/000002.png"]
    elif how == "changed":
        path.write_bytes((out / "backgrounds" / "000001.png").read_bytes())
    elif how == "emptied":
        path.write_bytes(b"")
    result = run("sample", *files, "-n", 4, "--resume", "--out", out)
    assert result.exit_code == 0, result.stderr
    assert contents(out) == whole


@pytest.mark.parametrize("name", ["metadata.jsonl", "images", "images/000001.png"])
def test_a_fifo_in_the_folder_is_one_line(
    name: str, run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run("sample", *files, "-n", 2, "--out", out)
    if (out / name).is_dir():
        shutil.rmtree(out / name)
    else:
        (out / name).unlink()
    os.mkfifo(out / name)
    assert name in refused(run, *files, "-n", 2, "--resume", "--out", out)


@pytest.mark.parametrize("gone", ["", "images", "alpha/000000.png", "metadata.jsonl"])
@pytest.mark.parametrize("after", [1, 4])
def test_what_disappears_meanwhile_is_no_success(gone: str, after: int, tmp_path: Path) -> None:
    method = Labels4Free(
        small_generator(), small_alpha(), mean_latent=torch.zeros(8), background=FIRST_CONV
    )
    out = tmp_path / "out"
    made = 0

    def advance(steps: int) -> None:
        nonlocal made
        made += steps
        if made == after and (out / gone).is_dir():
            shutil.rmtree(out / gone)
        elif made == after:
            (out / gone).unlink()

    config = SampleConfig(dataset="cat", num_images=4)
    with pytest.raises(BenchError, match=r"Cannot write|[14] files were removed"):
        sample_folder(
            method, out, config, {}, resume=False, batch_size=1, progress=lambda total: advance
        )


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_bytes(
    run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    arguments = ["sample", *files, "-n", "150", "--out"]
    assert run(*arguments, tmp_path / "whole").exit_code == 0
    command = [sys.executable, "-m", "l4f_bench", *arguments, str(tmp_path / "cut")]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    metadata = tmp_path / "cut" / "metadata.jsonl"
    while not (metadata.exists() and metadata.stat().st_size > 3000):
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert metadata.read_text().count("\n") < 150
    resumed = run(*arguments, tmp_path / "cut", "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def refused(run: Run, *arguments: object) -> str:
    result = run("sample", *arguments)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_a_folder_in_use_is_not_written_to_by_accident(
    run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run("sample", *files, "-n", 1, "--out", out)
    assert "Add --resume" in refused(run, *files, "-n", 2, "--out", out)
    message = refused(run, *files, "-n", 2, "--seed", 1, "--resume", "--out", out)
    assert "seed was 0" in message
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    assert "is not empty" in refused(run, *files, "-n", 1, "--out", tmp_path / "other")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--truncation", "1.5"), "--truncation 1.5"),
        (("--threshold", "1"), "--threshold 1"),
        (("-n", "0"), "-n 0"),
        (("--seed", "-1"), "--seed -1"),
        (("--batch-size", "many"), "--batch-size many"),
        (("--background", "first-cnv"), "Did you mean 'first-conv'?"),
        (("--device", "warp"), "device 'warp'"),
        (("--dataset", "hors"), "Did you mean 'horse'?"),
    ],
)
def test_wrong_options_are_refused(
    options: tuple[str, str], message: str, run: Run, files: tuple[str, ...], tmp_path: Path
) -> None:
    assert message in refused(run, *files, "--out", tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


def test_networks_that_do_not_fit_are_refused(run: Run, tmp_path: Path) -> None:
    generator = save_rosinality(tmp_path / "generator.pt", small_generator())
    alpha = save_labels4free(tmp_path / "alpha.pt", small_alpha((9, 4)))
    options = ("--dataset", "cat", "--out", tmp_path / "out")
    message = refused(run, *options, "--generator", generator, "--alpha", alpha)
    assert "[9, 4]" in message
    assert "[5, 4]" in message
    message = refused(run, *options, "--generator", alpha, "--alpha", alpha)
    assert "holds no g_ema or g" in message


def test_a_draw_depends_on_its_index_and_seed_alone() -> None:
    architecture = GeneratorArchitecture(size=8, channels=(4, 4), mapping_widths=(5, 5))
    together = draw(architecture, range(3, 7), seed=11)
    alone = draw(architecture, [5], seed=11)
    assert np.array_equal(together.z[2:3], alone.z)
    for batch, single in zip(together.noise, alone.noise, strict=True):
        assert np.array_equal(batch[2:3], single)
    for other in (draw(architecture, [5], seed=12), draw(architecture, [5], seed=11, image=1)):
        assert not np.allclose(other.z, alone.z)
        assert not np.allclose(other.noise[2], alone.noise[2])
