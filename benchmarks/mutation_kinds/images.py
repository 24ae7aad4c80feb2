"""Images of every format, read as photographs and as masks; and an LMDB of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageSequence

from l4f_bench.datasets.bars import black_rows
from l4f_bench.datasets.colour_masks import read_coloured
from l4f_bench.datasets.decoding import size_of
from l4f_bench.datasets.depth import Depth
from l4f_bench.datasets.image_sources import FolderSource, open_source
from l4f_bench.datasets.listing import LMDB_FILE
from l4f_bench.datasets.mask_files import read_mask
from l4f_bench.datasets.mask_levels import use_of
from l4f_bench.datasets.squares import read_rgb
from l4f_bench.errors import BenchError
from mutation_kinds.kind import Kind

HEIGHT, WIDTH, SIDE = 24, 36, 8
EXIF_ORIENTATION = 274


def kinds(folder: Path) -> dict[str, Kind]:
    """Images of every format and mode, and an LMDB if the package is there."""
    place = folder / "images"
    place.mkdir()
    found = {path.name: Kind(path, use_image) for path in [*flat(place), *several(place)]}
    with suppress(ImportError):
        found["lsun"] = lmdb_kind(folder / "lsun", place / "rgb.jpg")
    return found


def flat(folder: Path) -> list[Path]:
    """Files of one picture."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    rgb, grey = Image.fromarray(noise), Image.fromarray(noise[..., 0])
    deep = Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
    floats = Image.fromarray((noise[..., 0] / 255).astype(np.float32))
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    with_alpha = rgb.copy()
    with_alpha.putalpha(grey)
    palette = rgb.quantize(16)
    made: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "grey.png": (grey, {}),
        "deep.png": (deep, {}),
        "bits.png": (grey.convert("1"), {}),
        "palette.png": (palette, {"transparency": 3}),
        "alpha.png": (with_alpha, {"exif": exif}),
        "rgb.jpg": (rgb, {"exif": exif}),
        "progressive.jpg": (grey, {"progressive": True}),
        "cmyk.jpg": (rgb.convert("CMYK"), {}),
        "rgb.tif": (rgb, {}),
        "deep.tif": (deep, {"compression": "tiff_lzw"}),
        "float.tif": (floats, {"compression": "tiff_adobe_deflate"}),
        "bool.tif": (grey.convert("1"), {"compression": "group4"}),
        "jpeg.tif": (rgb, {"compression": "jpeg"}),
        "palette.gif": (palette, {"transparency": 3}),
        "lossy.webp": (rgb, {"exif": exif}),
        "lossless.webp": (with_alpha, {"lossless": True}),
        "rgb.bmp": (rgb, {}),
        "palette.bmp": (palette, {}),
        "rgb.ppm": (rgb, {}),
        "deep.pgm": (deep.convert("I"), {}),
        "bits.pbm": (grey.convert("1"), {}),
    }
    for name, (image, options) in made.items():
        image.save(folder / name, **options)
    return [folder / name for name in made]


def several(folder: Path) -> list[Path]:
    """Files of several pictures."""
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (3, HEIGHT, WIDTH, 3), np.uint8)
    first, *others = map(Image.fromarray, noise)
    for name in ("pages.tif", "frames.gif", "frames.webp", "frames.png"):
        first.save(folder / name, save_all=True, append_images=others)
        with Image.open(folder / name) as image:
            assert len(list(ImageSequence.Iterator(image))) == len(noise), name
    return [folder / name for name in ("pages.tif", "frames.gif", "frames.webp", "frames.png")]


def use_image(path: Path) -> None:
    """Read an image in every way there is; all of them, or some of them, may be refused."""
    depth = Depth(1, lambda _: path)
    readers: list[Callable[[], Any]] = [
        lambda: checked(read_rgb(path, depth).pixels, 3),
        lambda: checked(read_rgb(path, depth, upright=False).pixels, 3),
        lambda: use_of(path.name, read_mask(path, depth)).shown(),
        lambda: checked(read_mask(path, depth).levels, None),
        lambda: black_rows(path, depth).rows,
        lambda: read_coloured(path, (0, 0, 255)),
        lambda: size_of(path),
    ]
    refused = None
    for read in readers:
        try:
            read()
        except BenchError as error:
            refused = error
    source = FolderSource(path.parent)  # where what cannot be read is left out
    square = source.read(0, SIDE)
    if square is not None:
        checked(square, 3)
    source.fingerprint()
    if refused is not None:
        raise refused


def checked(pixels: npt.NDArray[np.uint8], num_channels: int | None) -> None:
    """Fail at pixels that are not what the readers promise."""
    shape = pixels.shape[1:] if num_channels else pixels.shape
    fits = pixels.ndim == (3 if num_channels else 2) and 0 not in shape
    if pixels.dtype != np.uint8 or not fits or (num_channels and len(pixels) != num_channels):
        raise AssertionError(f"{pixels.dtype} {list(pixels.shape)} was read")


def lmdb_kind(folder: Path, image: Path) -> Kind:
    """An LMDB in LSUN's layout."""
    import lmdb

    folder.mkdir()
    environment = lmdb.open(str(folder), map_size=1 << 20)
    with environment, environment.begin(write=True) as transaction:
        for number in range(20):
            transaction.put(b"%040d" % number, image.read_bytes())
    (folder / "lock.mdb").unlink()
    return Kind(folder / LMDB_FILE, use_lmdb)


def use_lmdb(path: Path) -> None:
    """Read every image of an LMDB."""
    folder = path.parent / "lmdb"
    folder.mkdir()
    shutil.move(path, folder / LMDB_FILE)
    source = open_source(folder, SIDE)
    for number in range(len(source)):
        square = source.read(number, SIDE)
        if square is not None:
            checked(square, 3)
    source.fingerprint()
