"""Figures of images and curves: nothing wrong stays unseen, nothing lacks its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l4f_bench.errors import InputError
from l4f_bench.evaluation.examples import Example
from l4f_bench.reporting.curves import write_curves
from l4f_bench.reporting.figures import errors_shown, write_examples
from l4f_bench.sheets import DESCRIPTION, Row, Sheet, write_sheet
from tests.records import samples

GREEN, RED = [90, 255, 90], [255, 40, 70]


def example(truth: np.ndarray, preds: np.ndarray, colour: tuple[int, int, int]) -> Example:
    image = np.broadcast_to(np.array(colour, np.uint8), (*truth.shape, 3))
    return Example("worst: sample 3, IoU 0.500", np.ascontiguousarray(image), truth, preds)


@pytest.mark.parametrize("colour", [(220, 0, 0), (0, 200, 0), (255, 255, 255), (0, 0, 0)])
def test_no_object_hides_an_error(colour: tuple[int, int, int]) -> None:
    truth, preds = np.array([[True, True, False]]), np.array([[True, False, True]])
    pixels = errors_shown(example(truth, preds, colour), side=3)
    assert pixels[0, 1].tolist() == RED  # missed
    assert pixels[0, 2].tolist() == GREEN  # too much
    assert len(set(pixels[0, 0].tolist())) == 1  # grey
    assert pixels[0, 0, 0] <= 0.46 * 255


def test_an_error_of_a_pixels_width_is_kept_when_shrunk() -> None:
    truth = np.zeros((1024, 768), bool)
    preds = truth.copy()
    preds[517] = True
    truth[:, 301] = True
    pixels = errors_shown(example(truth, preds, (128, 128, 128)))
    assert pixels.shape == (192, 144, 3)
    assert (pixels == GREEN).all(-1).any(1).sum() == 1  # one row, whole
    assert (pixels == GREEN).all(-1).sum() >= 143  # where both kinds meet, one is shown
    assert (pixels == RED).all(-1).any(0).sum() == 1


def test_an_enlarged_error_covers_its_pixel_alone() -> None:
    truth = np.zeros((2, 2), bool)
    pixels = errors_shown(example(truth, np.eye(2, dtype=bool), (9, 9, 9)), side=8)
    green = (pixels == GREEN).all(-1)
    assert np.array_equal(green, np.kron(np.eye(2, dtype=bool), np.ones((4, 4), bool)))


def test_the_figure_says_in_words_what_it_shows(tmp_path: Path) -> None:
    truth = np.zeros((20, 10), bool)
    shown = [example(truth, ~truth, (10, 20, 30))] * 2
    write_examples(tmp_path / "a.png", shown, samples(method_title="Ours\n$x$"))
    with Image.open(tmp_path / "a.png") as figure:
        said = figure.info[DESCRIPTION]
        assert figure.width == 4 * (96 + 4) - 4 + 12
    assert "Ours $x$ on Shapes (ours), psi 0.7, n 2" in said
    assert said.count("sample 3, IoU 0.500") == 2


def test_long_titles_are_folded_not_cut(tmp_path: Path) -> None:
    tile = np.zeros((8, 8, 3), np.uint8)
    heights = []
    for title in ("short", "a title of many words " * 20, "w" * 500):
        write_sheet(
            tmp_path / "a.png", Sheet(title=title, columns=("x",), rows=[Row(tiles=[tile])])
        )
        with Image.open(tmp_path / "a.png") as figure:
            heights.append(figure.height)
    assert heights[0] < heights[1]
    assert heights[0] < heights[2]


def log(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "log.jsonl").write_text(text)
    return folder


def test_curves_of_several_runs_name_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    drawn = []
    monkeypatch.setattr(
        "matplotlib.figure.Figure.savefig",
        lambda self, path, **_: (drawn.append(self), path.write_bytes(b""))[0],
    )
    line = '{"step": 1, "images": 8, "images_per_s": 3, "score": 2, "$\\\\frac$": 1, "loss": 2}\n'
    runs = [log(tmp_path / name / "run", line) for name in ("a", "$b")]
    write_curves(runs, tmp_path / "c.png")
    (figure,) = drawn
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a/run", "$b/run"]
    labels = [axis.get_ylabel().split("\n")[0] for axis in figure.axes]
    assert labels == ["loss", "score", "$\\frac$", "images_per_s"]
    assert figure.axes[-1].get_xlabel() == "steps"
    write_curves(runs[:1], tmp_path / "c.png")
    assert drawn[1].get_suptitle() == "run"


def test_names_of_matplotlibs_own_markup_are_drawn_as_they_are(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    runs = [
        log(tmp_path / name, '{"step": 1, "$\\\\frac$": 1}\n') for name in ("$\\frac{$", "_hidden")
    ]
    write_curves(runs, tmp_path / "c.png")
    write_curves(runs[:1], tmp_path / "c.png")


def test_too_many_runs_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    with pytest.raises(InputError, match="21 runs"):
        write_curves([tmp_path] * 21, tmp_path / "c.png")
