"""Edits of projected photographs, and boundaries of images sorted into two folders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from l4f_bench.editing.directions import read_directions
from l4f_bench.generators.sampling import draw
from l4f_bench.generators.stylegan2 import truncate
from l4f_bench.projection.codes import codes_of
from l4f_bench.projection.encoder_file import load_encoder
from l4f_bench.projection.placement import cut, fitted
from tests.cli.conftest import Run
from tests.launching import launch
from tests.networks import save_labels4free, save_rosinality, small_alpha, small_generator
from tests.projection.files import save_photographs, save_public, small_encoder

NETWORKS = ("--generator", "generator.pt", "--alpha", "alpha.pt")
ENCODER = ("--encoder", "encoder.pt")
ROWS, WIDTH = 8, 8


@pytest.fixture(autouse=True)
def in_a_folder_with_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_public(Path("encoder.pt"), small_encoder(), {}, average=torch.zeros(WIDTH))
    save_rosinality(Path("generator.pt"), small_generator())
    save_labels4free(Path("alpha.pt"), small_alpha())
    np.save("axis.npy", np.eye(WIDTH)[:1])


def project(run: Run, photographs: str, out: str, *options: object) -> None:
    result = run("project", photographs, *NETWORKS, *(options or ENCODER), "--out", out)
    assert result.exit_code == 0, result.stderr


def refused(run: Run, *arguments: object, code: int = 2) -> str:
    """What a command says that ends with one line."""
    result = run(*arguments)
    assert result.exit_code == code, result.output
    said = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert len(said) == 1, result.stderr
    return said[0]


def threshold_of(folder: str, name: str) -> float:
    """A threshold that half of a reconstruction's alpha is above."""
    with Image.open(Path(folder, "alpha", f"{name}.png")) as image:
        return float(np.median(np.asarray(image)) / 255)


@pytest.mark.parametrize("by", ["encoder", "optimisation"])
def test_projected_photographs_are_edited(run: Run, by: str) -> None:
    pytest.importorskip("cv2")
    Path("photographs/sub").mkdir(parents=True)
    save_photographs(Path("photographs"), {"a.png": (32, 32), "sub/b.png": (32, 32)})
    search = ("--by", by, "--steps", 2, "--loss", "mse", "--device", "cpu")
    project(run, "photographs", "projected", *(ENCODER if by == "encoder" else search))
    options = (*NETWORKS, "--latents", "projected", "--edit", "axis.npy=0,4", "--margin", 0)
    options += ("--threshold", threshold_of("projected", "a"))
    result = run("edit", "apply", *options, "--out", "edits")
    assert result.exit_code == 0, result.stderr
    with Image.open("projected/reconstructions/sub/b.png") as image:
        reconstruction = np.asarray(image)
    pixels = {p.stem: np.asarray(Image.open(p)) for p in Path("edits/sub/b").iterdir()}
    assert np.array_equal(pixels["input"], reconstruction)
    assert np.array_equal(pixels["edit-1"], reconstruction)  # by 0
    tensors = load_file("projected/codes/sub/b.safetensors")
    maps = [tensors[f"noise.{i}"][None] for i in range(len(tensors) - 1)] or "fixed"
    moved = tensors["w_plus"][None] + 4 * torch.eye(WIDTH)[0]
    with torch.no_grad():
        expected = (small_generator().synthesis(moved, noise=maps)[0] + 1) * 127.5
    difference = pixels["edit-2"].transpose(2, 0, 1) - expected.clamp(0, 255).numpy()
    assert np.abs(difference).max() <= 1
    measured = run("edit", "measure", *options, "--out", "measured")
    assert measured.exit_code == 0, measured.stderr
    record = json.loads(Path("measured/editing.json").read_text())
    assert (record["n"], record["truncation"]) == (2, None)


def test_codes_that_cannot_be_edited_are_refused_in_one_line(run: Run) -> None:
    save_photographs(Path("photographs"), {"a.png": (32, 32)})
    project(run, "photographs", "projected")
    options = ("edit", "apply", *NETWORKS, "--latents", "projected", "--edit", "axis.npy=1")
    other = save_rosinality(Path("other.pt"), small_generator(seed=5))
    assert "are of another generator" in refused(run, *options, "--generator", other)
    code = Path("projected/codes/a.safetensors")
    shutil.copy("alpha.pt", code)
    assert "it was changed" in refused(run, *options)
    options = (*options[:-1], "axis.npy=2", "--out", "second")
    code.unlink()
    assert "lacks 1 codes, such as that of a" in refused(run, *options)
    metadata = Path("projected/metadata.jsonl")
    line = metadata.read_text()
    for broken, said in (
        (line.replace("a.png", "../a.png"), "does not write"),
        ("[]\n", "damaged"),
        ("", "holds no codes"),
    ):
        metadata.write_text(broken)
        assert said in refused(run, *options)
    Path("projected/config.json").unlink()
    assert "damaged or missing" in refused(run, *options)
    assert "holds no codes" in refused(run, *options, "--latents", "photographs")


def sorted_samples(run: Run, count: int = 24) -> torch.Tensor:
    """Two copies of a folder of samples, of which each keeps half the images; their latents."""
    sampled = run(
        "sample", *NETWORKS, "-n", count, "--truncation", 0.8, "--seed", 3, "--out", "one"
    )
    assert sampled.exit_code == 0, sampled.stderr
    shutil.copytree("one", "other")
    generator = small_generator()
    with torch.no_grad():
        z = torch.cat([draw(generator.architecture, [i], seed=3).z for i in range(count)])
        w = truncate(generator.mapping(z), 0.8, generator.mean_latent(64))
    for index, value in enumerate(w[:, 2]):
        shows_it = bool(value > w[:, 2].median())
        Path("other" if shows_it else "one", "images", f"{index:06d}.png").unlink()
    return w


def test_a_boundary_parts_two_folders_of_samples(run: Run) -> None:
    pytest.importorskip("sklearn")
    w = sorted_samples(run)
    folders = ("--by", "boundary", "--generator", "generator.pt", "--out", "b.safetensors")
    result = run("edit", "fit", *folders, "--positive", "one", "--negative", "other")
    assert result.exit_code == 0, result.stderr
    found = read_directions(Path("b.safetensors"))
    assert found.about is not None
    assert found.about["num_fitted"] == 2 * int(12 * 0.7)
    shown = w[:, 2] > w[:, 2].median()
    along = (w @ found.vectors[0]).numpy()
    assert along[shown].mean() > along[~shown].mean()


def test_a_boundary_of_photographs_needs_codes_or_an_encoder(run: Run) -> None:
    pytest.importorskip("sklearn")
    for place, folder in enumerate(("light", "dark")):
        Path(folder).mkdir()
        for index in range(10):
            pixels = np.random.default_rng(20 * place + index).integers(0, 100, (32, 32, 3))
            level = 150 * (1 - place)
            Image.fromarray((pixels + level).astype(np.uint8)).save(f"{folder}/{index}.png")
        project(run, folder, f"{folder}-projected")
    fit = ("edit", "fit", "--by", "boundary", "--generator", "generator.pt")
    bare = ("--positive", "light", "--negative", "dark")
    assert "Project its images first" in refused(run, *fit, *bare)
    ways = {
        "projected": ("--positive", "light-projected", "--negative", "dark-projected"),
        "encoded": (*bare, *ENCODER),
    }
    for name, options in ways.items():
        result = run(*fit, *options, "--out", f"{name}.safetensors")
        assert result.exit_code == 0, result.stderr
    projected, encoded = (read_directions(Path(f"{name}.safetensors")) for name in ways)
    torch.testing.assert_close(projected.vectors, encoded.vectors)
    encoder = load_encoder(Path("encoder.pt"))
    sides = []
    for folder in ("light", "dark"):
        with Image.open(f"{folder}/0.png") as image:
            photograph = np.asarray(image).transpose(2, 0, 1)
        seen = cut(photograph, fitted((32, 32), (32, 32), "pad"), (32, 32))
        with torch.no_grad():
            code = codes_of(encoder, torch.from_numpy(seen)[None])
        sides.append(float(code[0].mean(dim=0) @ encoded.vectors[0]))
    assert sides[0] > sides[1]


def test_labels_that_say_nothing_are_refused_in_one_line(run: Run) -> None:
    sorted_samples(run, 22)
    fit = ("edit", "fit", "--by", "boundary", "--generator", "generator.pt")
    both = ("--positive", "one", "--negative", "other")
    for path in sorted(Path("other/images").iterdir())[:2]:
        path.unlink()
    assert "other holds 9 latents, too few" in refused(run, *fit, *both)
    same = ("--positive", "one", "--negative", "one")
    assert "11 images are in one and in one" in refused(run, *fit, *same)
    save_rosinality(Path("second.pt"), small_generator(seed=5))
    other = ("--generator", "second.pt")
    assert "are of another generator" in refused(run, *fit, *both, *other)
    Path("empty").mkdir()
    empty = ("--positive", "one", "--negative", "empty")
    assert "empty is no folder of" in refused(run, *fit, *empty)
    assert "holds no image files" in refused(run, *fit, *empty, *ENCODER)
    assert "Give both folders" in refused(run, *fit, "--positive", "one")
    assert "--chosen says nothing" in refused(run, *fit, *both, "--chosen", 0.1)
    alone = ("--scores", "x.csv", *ENCODER)
    assert "--encoder belongs to --positive" in refused(run, *fit, *alone)
    assert "--positive belongs to --by boundary" in refused(run, "edit", "fit", "--positive", "one")


@pytest.mark.slow
def test_processes_share_samples_to_the_same_numbers(run: Run) -> None:
    pytest.importorskip("cv2")
    save_photographs(Path("photographs"), {f"{i}.png": (32, 32) for i in range(3)})
    project(run, "photographs", "projected")
    edit = (*NETWORKS, "--latents", "projected", "--edit", "axis.npy=1", "--device", "cpu")
    edit += ("--threshold", threshold_of("projected", "0"), "--margin", 0)
    study = ("--generator", "generator.pt", "--samples", 3, "--device", "cpu")
    commands: dict[str, tuple[tuple[object, ...], str, tuple[str, ...]]] = {
        "measure": (("edit", "measure", *edit), "editing.json", ("edits", "samples")),
        "layers": (("analyze", "layers", *study), "analysis.json", ("rows", "ssim")),
    }
    for name, (command, file, keys) in commands.items():
        alone, shared = f"{name}-1", f"{name}-2"
        assert run(*command, "--out", alone).exit_code == 0
        result = launch(2, *command, "--out", shared)
        assert result.returncode == 0, result.stderr
        one, two = (json.loads(Path(out, file).read_text()) for out in (alone, shared))
        assert [one[key] for key in keys] == [two[key] for key in keys]
    refused_there = launch(2, "edit", "fit", "--generator", "generator.pt")
    assert "edit fit runs on one process." in refused_there.stderr
