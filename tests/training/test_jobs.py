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
        (("--steps", "1000000000"), "--steps 1000000000 is too large. Give 999999999 or fewer."),
        (("--every", "9" * 400), "is too large. Give 999999999 or fewer."),
        (("--seed", "-1"), "--seed -1"),
        (("--device", "meta"), "The device 'meta' cannot be used: "),
        (("--resolution", "0"), "--resolution 0 is out of range: use 1 to 4096."),
        (("--method", "stylegan2", "--resolution", "9" * 400), "is out of range: use 1 to 4096."),
        (("--set", "lr=1e308"), "lr 1e+308 is too large. Give 3.4e+38 or less."),
        (("--set", "lr=nan"), "lr nan is not a finite number. Give 0 or more."),
        (("--set", "batch_size=1000000000000"), "batch_size 1e+12 is too large. Give 65536 or"),
        (("--set", "levels=" + "9" * 400), "is not a whole number of at most 30 digits."),
        (("--method", "bisenet", "--set", "width=1e308"), "width 1e+308 is too large. Give 8 or"),
        (("--seed", str(1 << 64)), "--seed 18446744073709551616"),
        (("--method", "bisenet", "--dataset", "ffhq"), "only shapes has"),
        (("--dataset", "celeba", "--data", "."), "Did you mean 'celebamask'?"),
        (("--dataset", "celebamask", "--data", "."), "no preset for the data set 'celebamask'"),
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
