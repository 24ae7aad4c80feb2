"""The fid command: folders, generators and statistics; what it refuses and what it records."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from l4f_bench.evaluation.distance.sides import MIN_IMAGES
from l4f_bench.metrics.frechet import frechet_distance
from l4f_bench.metrics.moments import Gaussian
from tests.cli.conftest import Run
from tests.cli.images import DIMENSION, PUBLISHED, MeanColours, random_images, save_images
from tests.networks import save_rosinality, small_generator

pytestmark = pytest.mark.usefixtures("mean_colours")


@pytest.fixture
def sets(tmp_path: Path) -> tuple[Path, Path]:
    a = save_images(tmp_path / "a", random_images(30, 0))
    return a, save_images(tmp_path / "b", random_images(25, 1))


def fitted(images: np.ndarray, ddof: int = 1) -> Gaussian:
    halves = images[:, :, :4], images[:, :, 4:]
    features = np.concatenate([half.mean((1, 2)) for half in halves], 1)
    return Gaussian(features.mean(0), np.cov(features, rowvar=False, ddof=ddof))


@pytest.mark.parametrize("divisor", ["n-1", "n"])
@pytest.mark.parametrize("batch_size", ["1", "7", "auto"])
def test_folders_have_the_distance_of_their_gaussians(
    divisor: str, batch_size: str, run: Run, sets: tuple[Path, Path]
) -> None:
    result = run(
        "fid", *sets, "--allow-small-n", "--divisor", divisor, "--batch-size", batch_size, "--json"
    )
    assert result.exit_code == 0, result.stderr
    ddof = 1 if divisor == "n-1" else 0
    expected = frechet_distance(
        fitted(random_images(30, 0), ddof), fitted(random_images(25, 1), ddof)
    )
    answer = json.loads(result.stdout)
    assert answer["value"] == pytest.approx(expected, rel=1e-5)
    assert answer["distance"] == "FID"
    assert [side["count"] for side in answer["sides"]] == [30, 25]
    for side in answer["sides"]:
        assert (side["features"], side["divisor"]) == ("inception", divisor)
        assert (side["resize"], side["weights_sha256"]) == ("bilinear", PUBLISHED)
    assert answer["provenance"]["versions"]["torch"]
    assert "holds only 30 images" in result.stderr


def test_other_features_are_never_called_fid(run: Run, sets: tuple[Path, Path]) -> None:
    options = ("--features", "colours", "--allow-small-n", "--kid")
    result = run("fid", *sets, *options)
    assert result.exit_code == 0
    assert result.stdout.startswith("FD (halves)")
    assert "KD (halves)" in result.stdout
    assert "FID" not in result.stdout + result.stderr


def test_inception_with_other_weights_gives_no_fid(
    run: Run, sets: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "l4f_bench.features.inception.load_inception",
        lambda weights, *, resize, device: MeanColours("inception", resize, "0" * 64),
    )
    stats = tmp_path / "a.npz"
    options = ("--allow-small-n", "--kid", "--json")
    answer = json.loads(run("fid", *sets, *options, "--save-stats", stats).stdout)
    assert answer["distance"] == "FD (inception, other weights)"
    assert answer["kernel"]["name"] == "KD (inception, other weights)"
    in_files = json.loads(run("fid", stats, stats, "--allow-small-n", "--json").stdout)
    assert in_files["distance"] == answer["distance"]


def test_a_set_is_exactly_zero_from_itself(run: Run, sets: tuple[Path, Path]) -> None:
    result = run("fid", sets[0], sets[0], "--allow-small-n", "--precision-recall", "--json")
    answer = json.loads(result.stdout)
    assert answer["value"] == 0
    assert answer["precision_recall"] == {"precision": 1, "recall": 1, "neighbours": 3}


def test_saved_statistics_stand_for_their_images(
    run: Run, sets: tuple[Path, Path], tmp_path: Path
) -> None:
    stats = tmp_path / "a.npz"
    saved = run("fid", sets[0], "--save-stats", stats, "--allow-small-n")
    assert saved.exit_code == 0, saved.stderr
    assert saved.stdout.strip() == str(stats)
    with np.load(stats) as arrays:  # as pytorch-fid reads them
        assert arrays["mu"].shape == (DIMENSION,)
        assert arrays["sigma"].shape == (DIMENSION, DIMENSION)
        assert arrays["count"] == 30
    by_images = json.loads(run("fid", *sets, "--allow-small-n", "--json").stdout)
    by_stats = json.loads(run("fid", stats, sets[1], "--allow-small-n", "--json").stdout)
    assert by_stats["value"] == by_images["value"]
    assert by_stats["sides"][0]["kind"] == "statistics"


def test_generators_are_compared_by_index(run: Run, tmp_path: Path) -> None:
    generator = save_rosinality(tmp_path / "g.pt", small_generator())
    options = ("--allow-small-n", "--samples", 6, "--truncation", 0.5, "--json")
    first = json.loads(run("fid", generator, generator, *options).stdout)
    assert first["value"] == 0
    assert first["sides"][0]["truncation"] == 0.5
    samples = tmp_path / "samples"
    samples.mkdir()
    from l4f_bench.cores import Cores
    from l4f_bench.evaluation.distance.image_batches import GeneratorBatches

    drawn = GeneratorBatches(
        generator, num_images=6, truncation=0.5, seed=0, device=torch.device("cpu")
    )
    for index, image in enumerate(drawn.images(range(6), Cores())):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(samples / f"{index}.png")
    result = json.loads(run("fid", generator, samples, *options).stdout)
    assert result["value"] == 0


def refused(run: Run, *arguments: object) -> str:
    result = run("fid", *arguments)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_few_images_are_refused_unless_allowed(run: Run, sets: tuple[Path, Path]) -> None:
    assert "30 images; below 2048" in refused(run, *sets)
    assert MIN_IMAGES == 2048


def test_images_that_cannot_be_used_are_named(run: Run, sets: tuple[Path, Path]) -> None:
    a, b = sets
    (a / "9.png").write_bytes((a / "8.png").read_bytes()[:60])
    assert "9.png is damaged or cut short" in refused(run, a, b, "--allow-small-n")
    (a / "9.png").write_text("no image")
    assert "9.png is not an image" in refused(run, a, b, "--allow-small-n")
    Image.new("RGB", (9, 8)).save(a / "9.png")
    message = refused(run, a, b, "--allow-small-n")
    assert "9.png has 9x8 pixels" in message
    assert "Crop or resize" in message


def test_exif_orientation_is_ignored_as_by_pytorch_fid_and_said(
    run: Run, sets: tuple[Path, Path], tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[274] = 6
    turned = tmp_path / "turned"
    turned.mkdir()
    for index, image in enumerate(random_images(30, 0)):
        Image.fromarray(image).save(turned / f"{index}.png", exif=exif)
    result = run("fid", sets[0], turned, "--allow-small-n", "--json")
    assert json.loads(result.stdout)["value"] == pytest.approx(0, abs=1e-6)
    assert f"30 images of {turned} have an EXIF orientation, which is ignored" in result.stderr
    saved = run("fid", turned, "--allow-small-n", "--save-stats", tmp_path / "stats.npz")
    assert "EXIF orientation, which is ignored" in saved.stderr


def test_small_levels_of_16_bits_are_those_of_8(run: Run, tmp_path: Path) -> None:
    grey = random_images(30, 0)[..., 0]
    folders = [
        save_images(tmp_path / str(dtype), grey.astype(dtype)) for dtype in ("uint8", "uint16")
    ]
    result = run("fid", *folders, "--allow-small-n", "--json")
    assert json.loads(result.stdout)["value"] == pytest.approx(0, abs=1e-6)
    assert f"30 images of {folders[1]} have 16 bits or more but no level above 255" in result.stderr


def test_files_that_are_passed_over_are_counted(run: Run, sets: tuple[Path, Path]) -> None:
    (sets[0] / "x.heic").touch()
    save_images(sets[0] / "more", random_images(2, 2))
    result = run("fid", *sets, "--allow-small-n")
    assert f"Passed over in {sets[0]}: other files (1 .heic)." in result.stderr
    assert f"2 images in sub-folders of {sets[0]} are passed over." in result.stderr
    assert f"{sets[0]}: 30 images" in result.stdout


GOOD = {"mu": np.zeros(DIMENSION), "sigma": np.eye(DIMENSION)}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (GOOD | {"mu": np.full(DIMENSION, np.nan)}, "NaN"),
        (GOOD | {"sigma": np.eye(4)}, "do not fit"),
        (GOOD | {"sigma": np.triu(np.ones((DIMENSION, DIMENSION)))}, "not symmetric"),
        (GOOD | {"mu": GOOD["mu"].astype(complex)}, "complex"),
        (GOOD | {"sigma": 6 * np.eye(DIMENSION)[::-1] + np.eye(DIMENSION)}, "not a covariance"),
        (GOOD | {"sigma": 1e308 * np.eye(DIMENSION)}, "boundless"),
        (GOOD | {"mu": np.array([{}] * DIMENSION, object)}, "cannot be read as statistics"),
        ({"mu": GOOD["mu"]}, "holds no sigma"),
        (GOOD | {"count": 5.5}, "count"),
        ({"mu": np.zeros(4), "sigma": np.eye(4)}, "of dimension 4, but"),
        (GOOD | {"resize": "none"}, "resize 'none'"),
        (GOOD | {"divisor": "n"}, "divisor 'n'"),
        (GOOD | {"features": "vgg"}, "features 'vgg'"),
        (GOOD | {"count": 100}, "100 images"),
    ],
)
def test_statistics_that_cannot_be_used_are_refused(
    arrays: dict[str, np.ndarray], message: str, run: Run, sets: tuple[Path, Path], tmp_path: Path
) -> None:
    np.savez(tmp_path / "b.npz", **arrays)
    allowed = () if "images" in message else ("--allow-small-n",)
    assert message in refused(run, tmp_path / "b.npz", sets[0], *allowed)


def test_files_of_other_kinds_are_refused(
    run: Run, sets: tuple[Path, Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK\x03\x04 and no more")
    assert "broken.npz cannot be read as statistics" in refused(run, broken, sets[0])
    text = tmp_path / "text.pt"
    text.write_text("nothing")
    assert "text.pt" in refused(run, text, sets[0])
    assert "does not exist" in refused(run, tmp_path / "nowhere", sets[0])


def test_options_without_effect_are_refused(
    run: Run, sets: tuple[Path, Path], tmp_path: Path
) -> None:
    assert "--samples belongs to a generator" in refused(run, *sets, "--samples", 100)
    assert "--truncation belongs" in refused(run, sets[0], "--truncation", 1, "--save-stats", "a")
    np.savez(tmp_path / "a.npz", **GOOD)
    for option in ("--features", "--weights", "--resize", "--divisor"):
        message = refused(run, tmp_path / "a.npz", tmp_path / "a.npz", option, "n-1")
        assert f"{option} belongs to a folder or a generator" in message


def test_two_files_need_no_network_and_say_what_is_not_stated(run: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **GOOD)
    np.savez(tmp_path / "b.npz", mu=np.ones(DIMENSION), sigma=4 * np.eye(DIMENSION))
    result = run("fid", tmp_path / "a.npz", tmp_path / "b.npz")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("FD (unknown features)  12.0000")
    assert result.stderr.count("does not state how it was made") == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--divisor", "n+1"), "Did you mean 'n-1'"),
        (("--features", "inceptio"), "Did you mean 'inception'"),
        (("--batch-size", "0"), "--batch-size 0"),
        (("--samples", "1"), "--samples 1"),
        (("--truncation", "2"), "--truncation 2"),
        (("--seed", "-1"), "--seed -1"),
        (("--workers", "0"), "--workers 0"),
        (("--device", "warp"), "device 'warp'"),
        (("--save-stats", "a.txt"), "ending in .npz"),
    ],
)
def test_wrong_options_are_refused(
    options: tuple[str, str], message: str, run: Run, sets: tuple[Path, Path]
) -> None:
    assert message in refused(run, *sets, "--allow-small-n", *options)


def test_what_needs_images_is_refused_for_statistics(
    run: Run, sets: tuple[Path, Path], tmp_path: Path
) -> None:
    np.savez(tmp_path / "b.npz", **GOOD)
    message = refused(run, sets[0], tmp_path / "b.npz", "--kid", "--allow-small-n")
    assert "need the images" in message
    assert "--save-stats" in refused(run, sets[0])
    assert "need B" in refused(run, sets[0], "--save-stats", tmp_path / "a.npz", "--kid")
