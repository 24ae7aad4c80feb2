"""Image quality through the commands: Table 5 on small files, and the embedded world."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from l4f_bench.assets import embedded_path
from l4f_bench.evaluation.records import load_record
from tests.cli.conftest import Run
from tests.cli.images import PUBLISHED, random_images, save_images
from tests.launching import launch
from tests.networks import save_rosinality, small_generator

QUALITY = ("eval", "--on", "quality")
FEW = ("--samples", 40, "--allow-small-n")


@pytest.fixture
def files(tmp_path: Path) -> tuple[object, ...]:
    """A generator and a folder of real images of cats, so to speak."""
    generator = save_rosinality(tmp_path / "g.pt", small_generator())
    real = save_images(tmp_path / "real", random_images(25, 1))
    return ("--generator", generator, "--data", real, "--dataset", "cat")


def evaluated(run: Run, *arguments: object) -> dict[str, Any]:
    result = run(*QUALITY, *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    (record,) = json.loads(result.stdout)["records"]
    return dict(record)


@pytest.mark.usefixtures("mean_colours")
def test_table_5_stands_beside_the_published_numbers(
    run: Run, files: tuple[object, ...], tmp_path: Path
) -> None:
    arguments = ("--method", "stylegan2", "--samples", 6, "--allow-small-n", "--seed", 3)
    record = evaluated(run, *arguments, *files, "--out", tmp_path / "run")
    fid = ("fid", files[1], files[3], "--samples", 6, "--allow-small-n", "--seed", 3, "--json")
    alone = json.loads(run(*fid).stdout)
    measured = record["scores"]["fid"]["value"]
    assert measured == alone["value"] > 0
    assert record["distance"]["sides"] == alone["sides"]
    assert record["digests"]["features"] == PUBLISHED
    assert load_record(tmp_path / "run" / "record.json").to_json() == record
    formats = ("--table", 5, "--format", "md,csv,tex,json", "--out", tmp_path / "tables")
    report = run("report", tmp_path / "run", *formats)
    assert report.exit_code == 0, report.stderr
    assert {path.name for path in (tmp_path / "tables").iterdir()} == {
        f"table5.{suffix}" for suffix in ("md", "csv", "tex", "json")
    }
    (line,) = (row for row in report.stdout.splitlines() if f"{measured:.2f}" in row)
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[:5] == [
        "StyleGAN2", "LSUN-Cat", "6.93", f"{measured:.2f}", f"{measured - 6.93:+.2f}",
    ]  # fmt: skip
    assert cells[5:] == ["6", "25", "1", "inception", PUBLISHED[:8], "bilinear", "n-1"]
    assert report.stdout.count("n/a") == 7 * 2 + 1  # the paper's other cells, and the note
    rows = json.loads((tmp_path / "tables" / "table5.json").read_text())["rows"]
    assert [row["published"] for row in rows[:4]] == [24.33, 57.32, 53.6, 30.87]
    assert [row["measured"] for row in rows if row["measured"]] == [measured]


def test_shapes_have_a_distance_that_is_no_fid(run: Run, tmp_path: Path) -> None:
    values = {}
    for method in ("real", "stylegan2", "pseg"):
        record = evaluated(run, "--method", method, *FEW, "--out", tmp_path / method)
        assert (record["protocol"], record["truth"]) == (None, "real images")
        assert record["truncation"] == (None if method == "real" else 1.0)
        assert str(embedded_path("shapes-generator").parent) not in json.dumps(record)
        values[method] = record["scores"]["fd_shapes"]["value"]
    # Far apart, as a figure of 40 images must be to say anything.
    assert 0 < values["real"] < values["pseg"] / 3
    assert values["stylegan2"] < values["pseg"] / 3
    report = run("report", tmp_path, "--out", tmp_path / "tables")
    assert report.exit_code == 0, report.stderr
    assert "FD (shapes)" in report.stdout
    assert "FID" not in report.stdout.replace("they are not FIDs", "")
    for method, value in values.items():
        assert f"{value:.4f}" in report.stdout, method
    assert {path.name for path in (tmp_path / "tables").iterdir()} == {
        "fd_shapes.md", "fd_shapes.csv",
    }  # fmt: skip


def test_several_truncations_are_several_records(run: Run, tmp_path: Path) -> None:
    psi = ("--truncation", 0.5, "--truncation", 1)
    result = run(*QUALITY, "--method", "stylegan2", *FEW, *psi, "--out", tmp_path)
    assert result.exit_code == 0, result.stderr
    first, second = (load_record(tmp_path / name / "record.json") for name in ("psi-0.5", "psi-1"))
    assert (first.truncation, second.truncation) == (0.5, 1.0)
    assert first.scores != second.scores


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--method", "stylegan2", "--samples", 40), 2, "add --allow-small-n"),
        (("--method", "ours", *FEW), 2, "keeps its StyleGAN2's images. Possible: stylegan2, pseg"),
        (("--method", "bisenet", *FEW), 2, "no images of its own"),
        (("--method", "real", "--dataset", "cat", "--data", "."), 2, "no images of its own"),
        (
            ("--method", "stylegan2", "--dataset", "horse"),
            3,
            "Real images of LSUN-Horse are needed",
        ),
        (("--method", "pseg", "--data", "nowhere"), 2, "nowhere does not exist"),
        (("--method", "pseg", "--features", "inceptin"), 2, "Did you mean 'inception'"),
        (("--method", "pseg", "--masks", "m", *FEW), 2, "--masks. `eval images` has it"),
        (("--method", "real", "--truncation", 1, *FEW), 2, "take no --generator"),
        (("--method", "pseg", "--resize", "none", *FEW), 2, "Leave out --resize"),
        (("--method", "pseg", "--alpha", "a"), 2, "--alpha. `eval samples` and"),
        (("--method", "pseg", "--protocol", "drc"), 2, "--protocol. `eval samples` and"),
        (("--method", "pseg", *FEW, "--truncation", 2), 2, "--truncation 2"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    options: tuple[object, ...],
    code: int,
    said: str,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    save_images(tmp_path / "images", random_images(2, 0))
    result = run(*QUALITY, *options)
    assert result.exit_code == code, result.stderr
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_statistics_of_other_features_have_the_name_of_their_distance(
    run: Run, tmp_path: Path
) -> None:
    folder = save_images(tmp_path / "a", random_images(12, 0))
    stats = tmp_path / "a.npz"
    options = ("--features", "annotator", "--allow-small-n")
    assert run("fid", folder, "--save-stats", stats, *options).exit_code == 0
    result = run("fid", stats, stats, "--allow-small-n")
    assert result.stdout.startswith("FD (shapes)  0.0000")


def test_a_table_without_records_is_refused(run: Run, tmp_path: Path) -> None:
    evaluated(run, "--method", "real", *FEW, "--out", tmp_path)
    assert "belongs in Table 5" in run("report", tmp_path, "--table", 5).stderr
    assert "--table 6 is not one" in run("report", tmp_path, "--table", 6).stderr


@pytest.mark.slow
def test_two_processes_measure_the_distance_of_one(tmp_path: Path) -> None:
    folder = save_images(tmp_path / "real", random_images(21, 1, side=64))
    values = []
    for count in (1, 2):
        options = ("--data", folder, "--samples", 15, "--allow-small-n", "--json")
        result = launch(
            count, *QUALITY, "--method", "stylegan2", *options, "--out", tmp_path / str(count)
        )
        assert result.returncode == 0, result.stderr
        (record,) = json.loads(result.stdout)["records"]
        assert [side["count"] for side in record["distance"]["sides"]] == [15, 21]
        values.append(record["scores"]["fd_shapes"]["value"])
    assert values[0] == pytest.approx(values[1], rel=1e-6)


@pytest.mark.slow
def test_two_processes_put_the_features_in_the_order_of_one(tmp_path: Path) -> None:
    a = save_images(tmp_path / "a", random_images(22, 0, side=32))
    b = save_images(tmp_path / "b", random_images(21, 1, side=32))
    answers = []
    for count in (1, 2):
        stats = tmp_path / f"{count}.npz"
        options = ("--features", "annotator", "--kid", "--precision-recall", "--allow-small-n")
        result = launch(count, "fid", a, b, *options, "--save-stats", stats, "--json")
        assert result.returncode == 0, result.stderr
        answers.append(json.loads(result.stdout))
        assert stats.is_file()
    one, two = answers
    assert one["value"] == pytest.approx(two["value"], rel=1e-6)
    assert one["kernel"]["mean"] == pytest.approx(two["kernel"]["mean"], rel=1e-4)
    assert one["precision_recall"] == two["precision_recall"]
