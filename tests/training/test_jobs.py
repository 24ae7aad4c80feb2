"""What was asked for is done or refused, never ignored."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from l4f_bench.assets import embedded_path
from l4f_bench.cli import app
from l4f_bench.errors import BenchError
from l4f_bench.training.jobs import TrainRequest


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--strict",), "--strict applies only to the images of --data"),
        (("--every", "0"), "--every 0 is too small"),
        (("--steps", "0"), "--steps 0 is too small"),
        (("--method", "bisenet", "--steps", "0"), "--steps 0 is too small"),
        (("--seed", "-1"), "--seed -1"),
        (("--seed", str(1 << 64)), "--seed 18446744073709551616"),
        (("--method", "bisenet", "--dataset", "ffhq"), "only shapes has"),
        (("--method", "ours-bisenet", "--dataset", "ffhq"), "only shapes has"),
        (("--dataset", "celebamask", "--data", "."), "Unknown data set 'celebamask'"),
        (("--dataset", "car", "--preset", "papers"), "Did you mean 'paper'? Known: paper, rel"),
        (("--method", "our"), "Did you mean 'ours'?"),
    ],
)
def test_what_cannot_be_trained_is_said_by_its_option(
    options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    result = CliRunner().invoke(app, ["train", *options, "--out", str(tmp_path / "run")])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert said in result.stderr


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "makes 64-pixel images, but LSUN-Car has 512. If that is intended, use --resolution"),
        (("--resolution", "128"), "makes 64-pixel images, but --resolution says 128."),
    ],
)
def test_a_generator_of_an_unexpected_size_is_refused(
    more: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    generator = embedded_path("shapes-generator")
    car = ["train", "--dataset", "car", "--data", str(tmp_path), "--generator", str(generator)]
    result = CliRunner().invoke(app, [*car, *more, "--out", str(tmp_path / "run")])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert said in result.stderr


@pytest.mark.parametrize("strict", [False, True])
def test_images_that_disappear_while_they_are_read_are_an_error(
    strict: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(200):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number}.png")
    request = TrainRequest(method="stylegan2", data=folder, strict=strict)
    warnings: list[str] = []

    def vanish(message: str) -> None:
        warnings.append(message)
        shutil.rmtree(folder)

    (folder / "0.png").write_text("no image")
    with pytest.raises(BenchError) as refused:
        request.open_images(8, 0, vanish)
    assert strict or "disappeared while its images were read" in str(refused.value)
    assert len(warnings) == (not strict)
