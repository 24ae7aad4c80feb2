"""Numbered images of a folder of files or of an LMDB, decoded when asked for."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path
from typing import Protocol

from l4f_bench.datasets.formats import EXTENSIONS
from l4f_bench.datasets.squares import ByteArray, read_square
from l4f_bench.errors import InputError, MissingAssetError

# FFHQ's copies of the same 70,000 pictures.
_FFHQ_COPIES = ("images1024x1024", "thumbnails128x128", "in-the-wild-images")


class ImageSource(Protocol):
    """Images by number, always in the same order; safe to read from several threads."""

    def __len__(self) -> int: ...

    def name(self, number: int) -> str:
        """What an image is called in messages."""

    def read(self, number: int, resolution: int) -> ByteArray | None:
        """The middle square of an image, uint8 ``[3, resolution, resolution]``; None if damaged."""

    def fingerprint(self) -> str:
        """What the source holds, told without reading all of it."""


class FolderSource:
    """The image files of a folder and its sub-folders (FFHQ's layout among them), in path order.

    Hidden files and folders are passed over.
    """

    def __init__(self, folder: Path) -> None:
        """List the files.

        Raises:
            InputError: The folder cannot be read, holds no image files, or holds FFHQ more than
                once.
        """
        self._folder = folder
        self._paths = image_files(folder)

    def __len__(self) -> int:
        return len(self._paths)

    def name(self, number: int) -> str:
        """Path of the file."""
        return str(self._paths[number])

    def read(self, number: int, resolution: int) -> ByteArray | None:
        """The middle square of an image, uint8 ``[3, resolution, resolution]``; None if damaged."""
        return read_square(self._paths[number], resolution)

    def fingerprint(self) -> str:
        """SHA-256 of the files' names and sizes; their bytes are not read."""
        digest = hashlib.sha256()
        for path in self._paths:
            name = path.relative_to(self._folder).as_posix()
            digest.update(f"{name}\0{path.stat().st_size}\0".encode(errors="surrogateescape"))
        return digest.hexdigest()


def open_source(folder: Path, resolution: int) -> ImageSource:
    """The images of a folder of files, or of the LMDB that it is.

    Args:
        folder: Folder of image files, or one with a ``data.mdb`` of LSUN or in rosinality's layout.
        resolution: Side of the images that an LMDB with several sizes should give.

    Raises:
        MissingAssetError: There is no such folder.
        InputError: It is not a folder, or holds nothing of these kinds.
        MissingDependencyError: It is an LMDB, and ``lmdb`` is not installed.
    """
    if not folder.exists():
        raise MissingAssetError(f"There is no folder {folder}. Give --data a folder of images.")
    if not folder.is_dir():
        raise InputError(f"{folder} is a file. Give the folder that it is in.")
    if (folder / "data.mdb").is_file():
        from l4f_bench.datasets.lmdb_images import open_lmdb

        return open_lmdb(folder, resolution)
    return FolderSource(folder)


def image_files(folder: Path) -> list[Path]:
    """The image files of a folder and its sub-folders in path order, hidden ones left out.

    Raises:
        InputError: The folder cannot be read, holds no image files, or holds FFHQ more than once.
    """
    copies = [name for name in _FFHQ_COPIES if (folder / name).is_dir()]
    if len(copies) > 1:
        raise InputError(f"{folder} holds FFHQ more than once. Give one of {', '.join(copies)}.")

    def refuse(error: OSError) -> None:
        raise InputError(f"Cannot read the folder {error.filename}: {error.strerror}.")

    images: list[Path] = []
    lmdbs: list[str] = []
    others: Counter[str] = Counter()
    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(parent, name) for name in names if not name.startswith(".")):
            if path.suffix.lower() in EXTENSIONS:
                images.append(path)
            elif path.name == "data.mdb":
                lmdbs.append(parent)
            else:
                others[path.suffix.lower() or "nameless"] += 1
    if not images and str(folder) in lmdbs:
        raise InputError(f"{folder} is an LMDB. Export its images to files first.")
    if lmdbs and not images:
        raise InputError(f"{folder} is not an LMDB itself. Give the one in it: {min(lmdbs)}.")
    if not images:
        kind = others.most_common(1)
        found = f", but {kind[0][1]} {kind[0][0]} files" if kind else ""
        raise InputError(
            f"{folder} holds no image files ({', '.join(EXTENSIONS)}){found}. "
            "Give a folder of images, or of an LMDB (data.mdb)."
        )
    return sorted(images)
