"""The command annotate on photographs of any kind and name, and on folders that change."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import l4f_bench
from l4f_bench.annotators import folder as annotated_folder
from l4f_bench.assets import embedded_path
from l4f_bench.datasets.shapes import shapes_batch
from tests.cli.conftest import Run
from tests.cli.images import lines_of
from tests.launching import launch

SHAPES = Path(l4f_bench.__file__).parent / "assets" / "shapes" / "annotator.safetensors"


@pytest.fixture(scope="module")
def photographs() -> np.ndarray:
    """Shapes, uint8 ``[3, 64, 48, 3]``, that the embedded annotator finds."""
    return shapes_batch(range(3), resolution=64, seed=0)[0].transpose(0, 2, 3, 1)[:, :, 8:56]


def save_all(
    folder: Path, images: np.ndarray, write: Callable[[np.ndarray, Path], object], ending: str
) -> Path:
    folder.mkdir()
    for number, image in enumerate(images):
        write(image, folder / f"{number}.{ending}")
    return folder


def masks_of(run: Run, folder: Path, out: Path, *options: object) -> tuple[list[np.ndarray], str]:
    """The masks of a folder's numbered images, and what was said."""
    result = run("annotate", folder, "--weights", SHAPES, "--out", out, *options)
    assert result.exit_code == 0, result.stderr
    masks = []
    for number in range(3):
        with Image.open(out / "masks" / f"{number}.png") as mask:
            masks.append(np.asarray(mask) > 0)
    return masks, result.stderr


def plain(image: np.ndarray, path: Path) -> None:
    Image.fromarray(image).save(path)


def on_its_side(image: np.ndarray, path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.ascontiguousarray(np.rot90(image))).save(path, exif=exif)


def of_two_pages(image: np.ndarray, path: Path) -> None:
    other = Image.fromarray(image[::-1])
    Image.fromarray(image).save(path, save_all=True, append_images=[other])


@pytest.mark.parametrize(
    ("write", "ending", "said"),
    [
        (on_its_side, "png", None),
        (of_two_pages, "tif", "3 images hold several pages or frames, of which the first counts"),
    ],
)
def test_photographs_get_the_masks_of_what_they_show(
    write: Callable[[np.ndarray, Path], object],
    ending: str,
    said: str | None,
    run: Run,
    photographs: np.ndarray,
    tmp_path: Path,
) -> None:
    expected, _ = masks_of(run, save_all(tmp_path / "a", photographs, plain, "png"), tmp_path / "o")
    folder = save_all(tmp_path / "b", photographs, write, ending)
    masks, stderr = masks_of(run, folder, tmp_path / "out")
    for mask, wanted in zip(masks, expected, strict=True):
        assert wanted.any()
        np.testing.assert_array_equal(mask, wanted)
    assert said in stderr if said else "Warning" not in stderr


def test_small_levels_of_16_bits_are_seen(
    run: Run, photographs: np.ndarray, tmp_path: Path
) -> None:
    grey = photographs.mean(-1).astype(np.uint8)
    expected, _ = masks_of(run, save_all(tmp_path / "a", grey, plain, "png"), tmp_path / "o")
    deep = save_all(tmp_path / "b", grey.astype(np.uint16), plain, "png")
    masks, stderr = masks_of(run, deep, tmp_path / "out")
    for mask, wanted in zip(masks, expected, strict=True):
        np.testing.assert_array_equal(mask, wanted)
    assert "3 images have 16 bits or more but no level above 255" in stderr


def test_what_is_no_file_is_left_out_and_counted(
    run: Run, photographs: np.ndarray, tmp_path: Path
) -> None:
    folder = save_all(tmp_path / "a", photographs, plain, "png")
    (folder / "lost.png").symlink_to("nowhere")
    (folder / "loop.png").symlink_to("loop.png")
    os.mkfifo(folder / "pipe.png")
    (folder / "picture.heic").touch()
    _, stderr = masks_of(run, folder, tmp_path / "out")
    assert "lost.png cannot be read and is left out: it is a link to nothing" in stderr
    assert "pipe.png cannot be read" in stderr
    assert "6 images: accepted 3, unreadable 3" in stderr
    assert f"Passed over in {folder}: other files (1 .heic)" in stderr
    before = (tmp_path / "out" / "metadata.jsonl").read_text()
    masks_of(run, folder, tmp_path / "out", "--resume")
    assert (tmp_path / "out" / "metadata.jsonl").read_text() == before


NAMES = [b"u\xe2\x80\xa8v.png", b"\xff.png", b"l\n.png", b"sub\xfe/a.png", b"x" * 251 + b".png"]


def test_images_may_have_any_name(run: Run, photographs: np.ndarray, tmp_path: Path) -> None:
    folder = save_all(tmp_path / "a", photographs, plain, "png")
    for name in NAMES:
        path = folder / os.fsdecode(name)
        path.parent.mkdir(exist_ok=True)
        shutil.copy(folder / "0.png", path)
    masks_of(run, folder, tmp_path / "out")
    metadata = (tmp_path / "out" / "metadata.jsonl").read_bytes()
    lines = [json.loads(line) for line in metadata.decode().splitlines()]
    assert {os.fsencode(line["image"]) for line in lines} >= set(NAMES)
    assert all((tmp_path / "out" / "masks" / line["mask"]).is_file() for line in lines)
    masks_of(run, folder, tmp_path / "out", "--resume")
    assert (tmp_path / "out" / "metadata.jsonl").read_bytes() == metadata


def test_masks_in_sub_folders_can_be_scored(
    run: Run, photographs: np.ndarray, tmp_path: Path
) -> None:
    folder = save_all(tmp_path / "a", photographs, plain, "png")
    shutil.copytree(folder, folder / "more" / "deep")
    masks_of(run, folder, tmp_path / "out")
    truth = shutil.copytree(tmp_path / "out" / "masks", tmp_path / "truth")
    result = run("score", tmp_path / "out" / "masks", truth, "--json")
    assert json.loads(result.stdout)["n"] == 6
    assert json.loads(result.stdout)["scores"]["miou"]["value"] == 1


def interrupt(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[], object], at: str = "_write_png"
) -> None:
    """Do something when the third mask is written, or at the third call of another function."""
    called, calls = getattr(annotated_folder, at), iter(range(100))

    def calling(*arguments: Any, **options: Any) -> Any:
        if next(calls) == 2:
            act()
        return called(*arguments, **options)

    monkeypatch.setattr(annotated_folder, at, calling)


@pytest.mark.parametrize(
    ("gone", "code", "said"),
    [
        ("a", 2, "a is gone. Put it back, and continue with --resume"),
        ("out", 1, "was moved or removed while masks were made"),
        ("out/masks", 1, "2 masks were removed from"),
        ("out/metadata.jsonl", 1, "was moved or removed while masks were made"),
    ],
)
def test_a_folder_that_disappears_is_no_success(
    gone: str,
    code: int,
    said: str,
    run: Run,
    photographs: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = save_all(tmp_path / "a", photographs, plain, "png")
    at = "read_rgb" if gone == "a" else "_write_png"
    interrupt(monkeypatch, lambda: (tmp_path / gone).rename(tmp_path / "away"), at)
    result = run("annotate", folder, "--weights", SHAPES, "--out", tmp_path / "out")
    assert result.exit_code == code
    assert said in result.stderr
    assert sum(line.startswith("Error: ") for line in result.stderr.splitlines()) == 1


def test_masks_that_are_lost_are_made_again(
    run: Run, photographs: np.ndarray, tmp_path: Path
) -> None:
    folder = save_all(tmp_path / "a", photographs, plain, "png")
    expected, _ = masks_of(run, folder, tmp_path / "out")
    (tmp_path / "out" / "masks" / "1.png").unlink()
    masks, _ = masks_of(run, folder, tmp_path / "out", "--resume")
    np.testing.assert_array_equal(masks[1], expected[1])
    assert len(lines_of(tmp_path / "out")) == 3
    assert len((tmp_path / "out" / "metadata.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    "line", [b"junk", b"[1]", b"{}", b'{"mask": 3}', b'{"mask": "a", "reason": []}', b"\xff"]
)
def test_metadata_that_is_none_of_ours_is_refused(
    line: bytes, run: Run, photographs: np.ndarray, tmp_path: Path
) -> None:
    folder = save_all(tmp_path / "a", photographs, plain, "png")
    masks_of(run, folder, tmp_path / "out")
    with (tmp_path / "out" / "metadata.jsonl").open("ab") as file:
        file.write(line + b"\n")
    arguments = ("annotate", folder, "--weights", SHAPES, "--out", tmp_path / "out", "--resume")
    result = run(*arguments)
    assert result.exit_code == 2
    assert "metadata.jsonl is damaged" in result.stderr


def test_the_folder_of_the_images_is_none_for_masks(
    run: Run, photographs: np.ndarray, tmp_path: Path
) -> None:
    folder = save_all(tmp_path / "a", photographs, plain, "png")
    result = run("annotate", folder, "--weights", SHAPES, "--out", folder)
    assert result.exit_code == 2
    assert "Choose another folder for their masks" in result.stderr


@pytest.mark.slow
def test_processes_share_the_images_and_write_what_one_writes(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(7):
        pixels = rng.integers(0, 255, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (folder / "broken.png").write_text("hello")
    for count in (1, 3):
        arguments = ("annotate", folder, "--weights", embedded_path("shapes-annotator"))
        result = launch(count, *arguments, "--out", tmp_path / str(count))
        assert result.returncode == 0, result.stderr
        assert result.stderr.count("broken.png cannot be read") == 1
    one, three = (
        {
            path.relative_to(root): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and path.name not in (".lock", "config.json")
        }
        for root in (tmp_path / "1", tmp_path / "3")
    )
    assert one == three
    assert len(one) == 8
