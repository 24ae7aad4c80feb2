"""The commands edit fit, apply and measure, on the embedded world."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from l4f_bench.editing.attributes import edit_light
from l4f_bench.editing.directions import read_directions
from l4f_bench.editing.edits import Latents, open_edits
from l4f_bench.editing.flow import FlowArchitecture, StyleFlow, load_flow
from l4f_bench.editing.latent_files import read_lights
from l4f_bench.errors import InputError
from l4f_bench.generators.architecture import GeneratorArchitecture, default_channels
from tests.cli.conftest import Run

pytest.importorskip("cv2")
WIDTH = 128
"""Numbers of w of the embedded generator."""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_measure_writes_a_record_that_report_draws(run: Run) -> None:
    assert run("edit", "fit", "--layers", "0-3", "--components", 2, "--out", "d.safetensors")
    options = ("--edit", "d.safetensors#1=0,2", "-n", 2, "--margin", 0, "--out", "out")
    result = run("edit", "measure", *options)
    assert result.exit_code == 0, result.output
    record = json.loads(Path("out/editing.json").read_text())
    assert (record["format"], record["version"], record["n"]) == ("l4f-bench editing record", 1, 2)
    assert len(record["digests"]["d.safetensors"]) == 64
    still, moved = (edit["changes"] for edit in record["edits"])
    assert record["edits"][1]["rows"] == [0, 1, 2, 3]
    assert still["outside"]["plain"]["value"] == still["inside"]["plain"]["value"] == 0
    assert moved["outside"]["plain"]["value"] > 0.5
    assert moved["outside"]["preserving"]["value"] == 0  # no margin: the layer is the image there
    assert moved["psnr"]["preserving"]["value"] == pytest.approx(100)
    assert moved["inside"]["difference"]["value"] == pytest.approx(0, abs=2)
    with Image.open("out/figure.png") as figure:
        assert figure.width == 3 * 100 + 8
        assert figure.height > 2 * 3 * 96
    for _ in range(2):  # what a report writes below the runs is no record to the next
        drawn = run("report", "out", "--format", "md,json", "--out", "out/tables")
        assert drawn.exit_code == 0, drawn.output
    assert "d 1 +2" in Path("out/tables/edits.md").read_text()
    assert "d 1 +2" in result.stdout


def test_a_stopped_measurement_goes_on_to_the_same_record(run: Run) -> None:
    for out in ("whole", "parts"):
        assert run("edit", "measure", "-n", 1, "--out", out).exit_code == 0
    assert run("edit", "measure", "-n", 2, "--out", "whole", "--resume").exit_code == 0
    lines = Path("parts/samples.jsonl").read_text()
    Path("parts/samples.jsonl").write_text(lines + '{"index": 1, "chan')  # killed while writing
    assert run("edit", "measure", "-n", 2, "--out", "parts", "--resume").exit_code == 0
    whole, parts = (json.loads(Path(f"{o}/editing.json").read_text()) for o in ("whole", "parts"))
    assert whole["edits"] == parts["edits"]
    assert whole["samples"] == parts["samples"]
    assert len(whole["edits"]) == 6
    other = run("edit", "measure", "-n", 2, "--out", "parts", "--resume", "--fill", "biharmonic")
    assert other.exit_code == 2
    assert "fill was telea" in other.stderr


def test_apply_writes_images_in_sequence(run: Run) -> None:
    axis = np.eye(WIDTH)[:1]
    np.save("axis.npy", axis)
    options = ("--edit", "axis.npy=3,-3", "--sequence", "-n", 1, "--out", "images")
    result = run("edit", "apply", *options)
    assert result.exit_code == 0, result.output
    assert "does not say which generator" in result.stderr
    pixels = {path.stem: np.asarray(Image.open(path)) for path in Path("images/000000").iterdir()}
    difference = pixels["edit-2"].astype(int) - pixels["input"]
    assert np.abs(difference).max() <= 1  # there and back
    assert np.abs(pixels["edit-1"].astype(int) - pixels["input"]).max() > 1
    outside = (pixels["input-alpha"] < 100) & (pixels["edit-1-alpha"] < 100)
    assert (pixels["edit-1-preserved"] == pixels["background"])[outside].all()
    assert run("edit", "apply", *options, "--resume").exit_code == 0


def test_fit_by_every_way(run: Run) -> None:
    pytest.importorskip("sklearn")
    Path("scores.csv").write_text(
        "index,score\n" + "".join(f"{index},{index % 7}\n" for index in range(40))
    )
    for by, options, count in (
        ("sefa", (), 10),
        ("factorisation", ("--components", 3), 3),
        ("ganspace", ("--components", 4, "--samples", 2000), 4),
        ("boundary", ("--scores", "scores.csv", "--chosen", 0.4), 1),
    ):
        result = run("edit", "fit", "--by", by, *options, "--out", f"{by}.safetensors")
        assert result.exit_code == 0, result.output
        found = read_directions(Path(f"{by}.safetensors"))
        assert found.vectors.shape == (count, WIDTH)
        assert torch.allclose(found.vectors.norm(dim=1), torch.ones(count), atol=1e-5)
        assert found.kind == by
        assert (found.stdev is not None) == (by == "ganspace")
    target = ("--edit", "ganspace.safetensors#3@0-2=1", "--strength-is", "target")
    result = run("edit", "measure", *target, "-n", 1, "--out", "target")
    assert "ganspace 3 to +1" in result.stdout


def test_attributes_are_edited_by_a_flow(run: Run) -> None:
    pytest.importorskip("torchdiffeq")
    save_flow(Path("flow.pt"))
    np.save("shown.npy", np.zeros((2, 17)))
    given = ("--flow", "flow.pt", "--attributes", "shown.npy", "-n", 1, "--out", "out")
    result = run("edit", "measure", "--edit", "yaw=10", *given)
    assert result.exit_code == 0, result.output
    assert "yaw to 10" in result.stdout
    for text, reason in (("yaw=30", "-20 to 20"), ("yaw@2=3", "neither # nor @")):
        refused = run("edit", "measure", "--edit", text, *given)
        assert refused.exit_code == 2
        assert reason in refused.stderr
    few = run("edit", "measure", "--edit", "yaw=1", *given, "-n", 3)
    assert few.exit_code == 2
    assert "attributes of 2 samples" in few.stderr


def test_light_goes_to_a_preset_of_the_users(run: Run) -> None:
    pytest.importorskip("torchdiffeq")
    save_flow(Path("flow.pt"))
    np.save("shown.npy", np.zeros((1, 17)))
    np.save("lights.npy", np.eye(9)[:2])
    np.save("odd.npy", np.eye(8))
    given = ("edit", "measure", "--flow", "flow.pt", "--attributes", "shown.npy", "-n", 1)
    flow, lights = load_flow(Path("flow.pt")), read_lights(Path("lights.npy"))
    sizes = GeneratorArchitecture(size=1024, channels=default_channels(1024))
    ((edit,), _) = open_edits(["light#1=0.5"], sizes, "", meaning="step", flow=flow, lights=lights)
    w_plus, context = torch.randn(1, 18, WIDTH), torch.randn(1, 17)
    moved, target = edit_light(flow, w_plus, context, torch.eye(9)[1], 0.5)
    found = edit.apply(Latents(w_plus, context))
    assert torch.equal(found.w_plus, moved)
    assert torch.equal(found.context, target)
    assert edit.label == "light 1 by 0.5"
    for text, given_lights, reason in (
        ("light#2=1", lights, "--lights holds 2 presets"),
        ("light=2", lights, "use 0 to 1"),
        ("light@3=1", lights, "takes no @"),
        ("light=1", None, "--lights FILE"),
    ):
        with pytest.raises(InputError, match=reason):
            open_edits([text], sizes, "", meaning="step", flow=flow, lights=given_lights)
    with pytest.raises(InputError, match=r"\[8, 8\]"):
        read_lights(Path("odd.npy"))
    few_rows = run(*given, "--lights", "lights.npy", "--edit", "light#1=0.5")
    assert "row 11 of w+, but the latents have 10 rows" in few_rows.stderr
    assert "--flow FILE" in run("edit", "measure", "--lights", "lights.npy").stderr


def save_flow(path: Path) -> None:
    torch.manual_seed(0)
    architecture = FlowArchitecture(widths=(WIDTH, 8, WIDTH), num_attributes=17, num_blocks=1)
    torch.save(StyleFlow(architecture).state_dict(), path)


def test_where_everything_is_foreground_nothing_is_preserved_and_that_is_said(run: Run) -> None:
    result = run("edit", "apply", "--threshold", 0, "-n", 1, "--out", "out")
    assert result.exit_code == 0, result.output
    said = "1 samples were left out, with nothing to preserve: everything is foreground."
    assert said in result.stderr
    assert {path.name for path in Path("out/000000").iterdir()} == {"input.png", "input-alpha.png"}
    assert not Path("out/figure.png").exists()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("measure", "--edit", "wide.npy=3"), "shape [7]"),
        (("measure", "--edit", "other.safetensors=3"), "another generator"),
        (("measure", "--edit", "age=50"), "--flow"),
        (("measure", "--edit", "x"), "is no edit"),
        (("measure", "--edit", "fits.npy#1=3"), "holds 1 directions"),
        (("measure", "--edit", "fits.npy@17=3"), "rows 0 to 9"),
        (("measure", "--threshold", "0"), "everything is foreground in 1"),
        (("measure", "--fill", "x"), "Known: telea"),
        (("measure", "--margin", "-1"), "0 to 64"),
        (("measure", "--strength-is", "x"), "Known: step"),
        (("measure", "--flow", "flow.pt"), "belong together"),
        (("measure", "--latents", "wide.npy"), "do not fit this generator"),
        (("fit", "--by", "ganspace", "--samples", "2"), "2000 or more"),
        (("fit", "--by", "boundary"), "needs labels: --scores"),
        (("fit", "--by", "boundary", "--scores", "two.csv"), "2 scored samples are too few"),
        (("fit", "--by", "boundary", "--scores", "flow.pt"), "columns index and score"),
        (("fit", "--by", "x"), "Known: sefa"),
        (("fit", "--samples", "9"), "belongs to --by ganspace"),
        (("fit", "--layers", "40"), "no list"),
        (("fit", "--layers", "12"), "0 to 9"),
        (("fit", "--components", "999"), "there are 128"),
        (("fit", "--out", "x.npy"), ".safetensors"),
    ],
)
def test_bad_input_is_one_line(run: Run, options: tuple[str, ...], reason: str) -> None:
    np.save("wide.npy", np.ones((1, 7)))
    np.save("fits.npy", np.ones((1, WIDTH)))
    Path("two.csv").write_text("index,score\n0,1\n1,2\n")
    Path("flow.pt").write_text("flow")
    if "other.safetensors" in str(options):
        from l4f_bench.editing.directions import Directions, write_directions

        other = Directions(kind="sefa", vectors=torch.ones(1, WIDTH), generator="f" * 64)
        write_directions(Path("other.safetensors"), other)
    few = ("-n", 1) if options[0] == "measure" else ()
    result = run("edit", *options, *few)
    assert result.exit_code == 2, result.output
    assert reason in result.stderr
    assert len([line for line in result.stderr.splitlines() if line.startswith("Error")]) == 1


@pytest.mark.parametrize(
    ("module", "options", "extra"),
    [
        ("cv2", ("measure", "-n", 1), "l4f-bench[classical]"),
        ("skimage.restoration", ("measure", "-n", 1, "--fill", "biharmonic"), "l4f-bench[editing]"),
        ("sklearn.decomposition", ("fit", "--by", "ganspace"), "l4f-bench[editing]"),
        (
            "sklearn.svm",
            ("fit", "--by", "boundary", "--scores", "scores.csv", "--chosen", 0.5),
            "l4f-bench[editing]",
        ),
        (
            "torchdiffeq",
            ("measure", "-n", 1, "--edit", "yaw=1", "--flow", "flow.pt", "--attributes", "a.npy"),
            "l4f-bench[editing]",
        ),
    ],
)
def test_a_missing_extra_is_named_with_what_installs_it(
    run: Run, module: str, options: tuple[str, ...], extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    rows = "".join(f"{index},{index}\n" for index in range(20))
    Path("scores.csv").write_text(f"index,score\n{rows}")
    np.save("a.npy", np.zeros((1, 17)))
    save_flow(Path("flow.pt"))
    result = run("edit", *options)
    assert result.exit_code == 4, result.output
    assert f"pip install '{extra}'" in result.stderr
