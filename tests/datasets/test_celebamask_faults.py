"""CelebAMask-HQ with every kind of fault: what is left out, and what is named and kept."""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l4f_bench.datasets.celebamask.parts import KNOWN_BAD
from l4f_bench.errors import InputError, MissingAssetError
from tests.datasets.celebamask import (
    IDS,
    MAPPING,
    PARTITION,
    Folder,
    build,
    keys,
    opened,
    parts_of,
    read,
    union_of,
)
from tests.datasets.layouts import save


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return build(tmp_path / "data")


def _no_parts(folder: Folder) -> None:
    for part in parts_of(1):
        folder.part(1, part).unlink()


def _misplaced(folder: Folder) -> None:
    path = folder.part(1, "hair")
    path.rename(folder.part(2000, "hair").with_name(path.name))


def _renamed(name: str) -> Callable[[Folder], object]:
    return lambda folder: folder.part(1, "hair").rename(folder.part(1, "hair").with_name(name))


def _written(content: bytes) -> Callable[[Folder], object]:
    return lambda folder: folder.part(1, "hair").write_bytes(content)


def _truncated(folder: Folder) -> None:
    content = folder.part(1, "hair").read_bytes()
    folder.part(1, "hair").write_bytes(content[: len(content) // 2])


def _pipe(folder: Folder) -> None:
    folder.part(1, "hair").unlink()
    os.mkfifo(folder.part(1, "hair"))


def _dangling(folder: Folder) -> None:
    folder.part(1, "hair").unlink()
    folder.part(1, "hair").symlink_to("nowhere")


def _circle(folder: Folder) -> None:
    folder.part(1, "hair").unlink()
    folder.part(1, "hair").symlink_to("00001_hair.png")


def _saved(mode: str, size: tuple[int, int]) -> Callable[[Folder], object]:
    return lambda folder: Image.new(mode, size, "white").save(folder.part(1, "hair"))


def _huge(folder: Folder) -> None:
    head = b"IHDR" + struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    folder.part(1, "hair").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)


def _blank(folder: Folder) -> None:
    folder.write_parts(1, {part: np.zeros((16, 16), bool) for part in parts_of(1)})


SPOILING = {
    "no parts": (_no_parts, "no-parts", "1 images have no part file", "1"),
    "misplaced": (_misplaced, "misplaced-part", "1 part files are not in", "1/00001_hair.png"),
    "short": (_renamed("0001_hair.png"), "misnamed-part", "not named {id:05d}", "0/0001_hair.png"),
    "unpadded": (_renamed("1_hair.png"), "misnamed-part", "not named {id:05d}", "0/1_hair.png"),
    "ending": (_renamed("00001_hair.bmp"), "misnamed-part", "not named", "0/00001_hair.bmp"),
    "unknown": (_renamed("00001_hairs.png"), "unknown-part", "no known part", "0/00001_hairs.png"),
    "capitals": (_renamed("00001_Hair.png"), "unknown-part", "no known", "0/00001_Hair.png"),
    "no text": (_renamed("00001_\udcff.png"), "unknown-part", "no known", r"0/00001_\xff.png"),
    "empty": (_written(b""), "damaged-part", "1 part files are empty, damaged", "0/00001_hair.png"),
    "html": (_written(b"<html>"), "damaged-part", "1 part files are empty", "0/00001_hair.png"),
    "truncated": (_truncated, "damaged-part", "1 part files are empty", "0/00001_hair.png"),
    "huge": (_huge, "damaged-part", "1 part files are", "0/00001_hair.png"),
    "pipe": (_pipe, "no-file", "1 part files are folders, pipes", "0/00001_hair.png"),
    "dangling": (_dangling, "no-file", "1 part files are folders, pipes", "0/00001_hair.png"),
    "circle": (_circle, "no-file", "1 part files are folders, pipes", "0/00001_hair.png"),
    "size": (_saved("RGB", (8, 8)), "other-size", "1 part files differ", "0/00001_hair.png"),
    "shape": (_saved("RGB", (16, 8)), "other-size", "1 part files differ", "0/00001_hair.png"),
    "blank": (_blank, "blank", "1 images have part files in which nothing", "1.jpg"),
}  # fmt: skip


@pytest.mark.parametrize("case", SPOILING)
def test_an_image_with_a_fault_is_left_out_and_named(folder: Folder, case: str) -> None:
    spoil, reason, said, name = SPOILING[case]
    spoil(folder)
    images = opened(folder.data)
    assert read(images) == {f"{n}.jpg": reason if n == 1 else None for n in IDS}
    (fault,) = images.faults()
    assert said in fault
    assert fault.endswith(f"({name}).")
    assert images.warnings() == [fault]
    assert len(images.digest) == 64
    with pytest.raises(InputError, match=reason):
        images.labels(1)


def _black_hair(folder: Folder) -> None:
    folder.write_parts(1, {"hair": np.zeros((16, 16), bool)})


def _grey_hair(folder: Folder) -> None:
    save(folder.part(1, "hair"), parts_of(1)["hair"].astype(np.uint8) * 255)


def _soft_hair(folder: Folder) -> None:
    hair = np.where(parts_of(1)["hair"], 200, 127).astype(np.uint8)
    save(folder.part(1, "hair"), np.stack([hair] * 3, axis=-1))


def _mask_alone(folder: Folder) -> None:
    folder.write_parts(7, parts_of(7))


def _png_beside(folder: Folder) -> None:
    save(folder.image(1).with_suffix(".png"), np.zeros((32, 32, 3), np.uint8))


def _padded_image(folder: Folder) -> None:
    save(folder.image(1).with_name("00001.jpg"), np.zeros((32, 32, 3), np.uint8))


def _image_pipe(folder: Folder) -> None:
    os.mkfifo(folder.image(7))


def _appended(name: str, line: str) -> Callable[[Folder], object]:
    def append(folder: Folder) -> None:
        with (folder.data / name).open("a", encoding="latin-1") as file:
            file.write(f"{line}\n")

    return append


KEPT = {
    "black": (_black_hair, "1 part files are black all over", "0/00001_hair.png", False),
    "grey": (_grey_hair, "1 part files are not RGB", "0/00001_hair.png", True),
    "soft": (_soft_hair, "1 part files have levels beside", "0/00001_hair.png", True),
    "mask alone": (_mask_alone, "1 ids have part files and no image", "7", False),
    "two images": (_png_beside, "1 files have the id of another image", "1.png", False),
    "padded image": (_padded_image, "1 files among the images are not named", "00001.jpg", False),
    "image pipe": (_image_pipe, "1 images are folders, pipes", "7.jpg", False),
    "no image": (_appended(MAPPING, "9 8 9.jpg"), "1 lines of the mapping have", "9", False),
    "malformed": (_appended(MAPPING, "x"), "1 lines of text are malformed", f"{MAPPING}:8", False),
    "columns": (_appended(MAPPING, "7 6"), "1 lines of text are malf", f"{MAPPING}:8", False),
    "bytes": (_appended(PARTITION, "\xff"), "1 lines of text are malf", f"{PARTITION}:7", False),
    "split 3": (_appended(PARTITION, "9.jpg 3"), "1 lines of", f"{PARTITION}:7", False),
    "line twice": (
        _appended(MAPPING, "0 119613 119614.jpg"), "1 lines repeat", f"{MAPPING}:8", False,
    ),
    "file twice": (
        _appended(PARTITION, "119614.jpg 0"), "1 lines repeat", f"{PARTITION}:7", False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", KEPT)
def test_what_spoils_no_image_is_named(folder: Folder, case: str) -> None:
    change, said, name, is_note = KEPT[case]
    change(folder)
    images = opened(folder.data)
    assert read(images) == dict.fromkeys((f"{number}.jpg" for number in IDS), None)
    (sentence,) = images.warnings()
    assert sentence.startswith(said)
    assert sentence.endswith(f"({name}).")
    assert images.faults() == ([] if is_note else [sentence])


def test_grey_and_soft_parts_are_read_by_their_levels(folder: Folder) -> None:
    for change in (_grey_hair, _soft_hair):
        change(folder)
        assert (opened(folder.data).mask(1).mask == union_of(1)).all()
    assert opened(folder.data, level=201).mask(1).mask.sum() < union_of(1).sum()


def test_lines_that_contradict_leave_an_image_in_no_split(folder: Folder) -> None:
    _appended(MAPPING, "1 119613 119614.jpg")(folder)
    images = opened(folder.data, "test")
    assert keys(images) == ["1999.jpg"]
    assert images.faults()[0].startswith("1 lines repeat")
    assert "1 images are in no split (1)." in images.faults()


def test_an_index_that_is_not_the_file_s_is_named_and_the_file_counts(folder: Folder) -> None:
    text = (folder.data / MAPPING).read_text()
    (folder.data / MAPPING).write_text(text.replace("182637 ", "182638 "))
    images = opened(folder.data, "test")
    assert keys(images) == ["1.jpg", "1999.jpg"]
    (said,) = images.faults()
    assert said.startswith("1 lines name an original whose index")


@pytest.mark.parametrize("name", [MAPPING, PARTITION])
@pytest.mark.parametrize("kind", ["pipe", "folder", "long", "binary"])
def test_texts_that_are_none_are_named(folder: Folder, name: str, kind: str) -> None:
    path = folder.data / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        content = b" " * (17 << 20) if kind == "long" else bytes(range(256)) * 2000
        path.write_bytes(content)
    assert any(f"cannot be read ({name})" in said for said in opened(folder.data).faults())
    with pytest.raises(MissingAssetError, match=name):
        opened(folder.data, None)


def test_known_bad_images_and_pairs_are_kept_and_named(tmp_path: Path) -> None:
    ids = {number: 200000 + number for number in (234, 235, 481, 1499, 4790)}
    images = opened(build(tmp_path, ids).data, None)
    assert images.faults() == []
    assert images.warnings() == [
        "3 images are known to be badly annotated or cut, and are kept (481, 1499, 4790).",
        "1 pairs of images are known to show the same photograph, and are kept (234 and 235).",
    ]
    assert len(KNOWN_BAD) == 22


def test_faults_of_images_that_were_not_asked_for_are_not_told(folder: Folder) -> None:
    _misplaced(folder)
    assert opened(folder.data, "val").warnings() == []
    assert len(opened(folder.data, "test").warnings()) == 1
    assert opened(folder.data, "all", num_images=1).warnings() == []


def test_an_image_that_cannot_be_read_is_named(folder: Folder) -> None:
    folder.image(1).write_bytes(b"")
    images = opened(folder.data)
    for read_one in (images.image, images.mask):
        with pytest.raises(InputError, match=re.escape(str(folder.image(1)))):
            read_one(1)


def test_hidden_files_and_texts_beside_the_images_are_passed_over(folder: Folder) -> None:
    for name in (".DS_Store", "Thumbs.db", "README.md"):
        folder.image(0).with_name(name).touch()
        folder.part(0, "hair").with_name(name).touch()
    assert opened(folder.data).warnings() == []
