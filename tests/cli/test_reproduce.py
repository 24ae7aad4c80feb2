"""The paper's tables end to end: a plan of every row, and runs of those that can run."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from l4f_bench.cli import reproduce as command
from l4f_bench.evaluation.settings.samples import Samples
from l4f_bench.reporting.published import published_fid, published_rows
from l4f_bench.reproduction import probing
from l4f_bench.reproduction.plan import Places, PlannedRow, command_of, plan
from tests.cli.conftest import Run, save_masks, some_masks


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine onto which nothing was fetched."""
    monkeypatch.setenv("L4F_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def custom_cars(folder: Path) -> Path:
    """A custom set of cars with published masks, below the folder of all data."""
    cars = folder / "labels4free-custom" / "Cars"
    preds, truth = some_masks()
    save_masks(cars / "Mask_cars_pred", preds)
    save_masks(cars / "Mask_cars_gt", truth)
    (cars / "data").mkdir()
    for index in range(1, len(preds) + 1):
        Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(cars / "data" / f"{index}.png")
    return folder


def states_of_page(folder: Path = Path("out")) -> dict[str, str]:
    """What the page says became of each row."""
    page = (folder / "reproduction.html").read_text()
    (section,) = re.findall(r"What was reproduced</h2>(.*?)</table>", page, re.DOTALL)
    cell = re.compile(r"<t[dh][^>]*>(.*?)</t[dh]>", re.DOTALL)
    cells = [cell.findall(row) for row in section.split("<tr")]
    plain = [[" ".join(re.sub(r"<[^>]+>", "", c).split()) for c in row] for row in cells]
    return {row[1]: row[2] for row in plain if len(row) == 4}


def test_figure_6_measures_edits_on_shapes(run: Run, tmp_path: Path) -> None:
    (faces, shapes) = plan((), (6,), Places())
    assert len(faces.missing) == 2  # the generator and the alpha network
    few = replace(shapes, setting=replace(shapes.setting, num_images=2))
    assert probing.seconds_of(few) is not None
    command._run([few], tmp_path / "out")
    assert states_of_page(tmp_path / "out")[shapes.title] == "done"
    assert "What edits change" in Path("out/reproduction.html").read_text()
    assert few.command == "l4f-bench edit measure --num-images 2"


def test_every_published_row_is_planned_and_none_runs_on_a_bare_machine() -> None:
    rows = plan((), (), Places())
    of_paper = [row for row in rows if row.setting.dataset != "shapes"]
    published = sum(len(published_rows(table)) for table in (1, 2, 3, 4)) + len(published_fid())
    assert len(of_paper) == published + 1  # and the edits of Figure 6
    assert all(row.missing for row in of_paper)
    on_shapes = [row for row in rows if row.setting.dataset == "shapes"]
    assert {row.shown_in for row in on_shapes} == {*map("Table {}".format, range(1, 6)), "Figure 6"}
    assert not any(row.missing for row in on_shapes)


def test_what_is_missing_comes_with_the_command_that_gets_it(run: Run) -> None:
    arguments = ("reproduce", "--dry-run", "--no-probe", "--table", 2)
    shown, found = run(*arguments), json.loads(run(*arguments, "--json").stdout)
    (car,) = [row for row in found["rows"] if row["title"] == "LSUN-Car, Ours, psi 1"]
    assert not car["runs"]
    gets = [need["get"] for need in car["needs"] if not need["here"]]
    assert "l4f-bench fetch stylegan2-car --accept-licence" in gets
    assert all(get in shown.stdout for get in gets)
    assert "2 of 8 rows can run here." in shown.stdout


def test_a_command_says_what_is_not_as_usual() -> None:
    setting = Samples(dataset="car", alpha=Path("my models/car.pt"), truncation=(0.5,))
    expected = "l4f-bench eval samples --dataset car --alpha 'my models/car.pt' --truncation 0.5"
    assert command_of(setting) == expected


def test_figures_choose_the_rows_that_they_show() -> None:
    rows = plan((), (7,), Places(), shapes=False)
    assert {(row.shown_in, row.setting.method, row.setting.dataset) for row in rows} == {
        ("Table 1", "pseg", "ffhq")
    }


def test_what_can_run_runs_once_and_the_page_says_the_rest(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = custom_cars(tmp_path / "data")
    arguments = ("reproduce", "--table", 3, "--data", data, "--no-shapes", "--no-probe")
    first = run(*arguments, "--out", "out", "--quiet")
    assert first.exit_code == 0, first.stderr
    states = states_of_page()
    assert states["LSUN-Car, Ours"] == "done"
    assert states["LSUN-Cat, Ours"].startswith("not run, as this is missing: images")
    assert ">Table 3: " in Path("out/reproduction.html").read_text()
    runs: list[Any] = []
    monkeypatch.setattr(command, "run_part", lambda *given: runs.append(given))
    again = run(*arguments, "--out", "out")
    assert again.exit_code == 0
    assert runs == []
    assert "done" in again.stdout


def test_a_row_that_fails_leaves_the_others(run: Run, tmp_path: Path) -> None:
    data = custom_cars(tmp_path / "data")
    (data / "labels4free-custom" / "Horse").mkdir()
    (data / "labels4free-custom" / "Horse" / "data").mkdir()
    arguments = ("reproduce", "--table", 3, "--data", data, "--no-shapes", "--no-probe")
    result = run(*arguments, "--out", "out")
    assert result.exit_code == 1
    assert "1 rows failed" in result.stderr
    states = states_of_page()
    assert states["LSUN-Horse, Ours"].startswith("failed: ")
    assert states["LSUN-Car, Ours"] == "done"


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--table", 6), "--table 6 is not one of the paper's"),
        (("--figure", 3), "give 4, 5, 6, 7."),
        (("--figure", 0), "shows no results"),
    ],
)
def test_what_the_paper_has_not_is_refused(option: tuple[str, int], said: str, run: Run) -> None:
    result = run("reproduce", "--dry-run", *option)
    assert result.exit_code == 2
    assert said in result.stderr


@dataclass(frozen=True)
class Timed:
    """A setting whose images take a second each after three seconds of loading."""

    clock: list[float] = field(default_factory=lambda: [0.0])
    samples: int = 1000

    def run(self, progress: Any) -> None:
        self.clock[0] += 3
        advance = progress(self.samples)
        for _ in range(self.samples):
            self.clock[0] += 1
            advance(1)


def test_the_probe_leaves_loading_out_of_the_time_of_an_image(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setting = Timed()
    monkeypatch.setattr(probing.time, "perf_counter", lambda: setting.clock[0])
    row = PlannedRow(shown_in="Table 1", title="", setting=setting, num_images=1000)
    assert probing.seconds_of(row) == pytest.approx(3 + 1000)


@pytest.mark.slow
def test_commands_of_the_plan_are_accepted(run: Run) -> None:
    row = next(r for r in plan((3,), (), Places()) if r.title == "Shapes, centre-disc")
    row = replace(row, setting=replace(row.setting, limit=2))
    assert run(*shlex.split(row.command)[1:]).exit_code == 0
