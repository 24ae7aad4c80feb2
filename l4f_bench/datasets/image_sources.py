"""Numbered images of a folder of files or of an LMDB, decoded when asked for."""

from __future__ import annotations

import hashlib
from array import array
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR
from typing import Protocol

from l4f_bench.datasets.decoding import UnreadableError
from l4f_bench.datasets.depth import Depth
from l4f_bench.datasets.formats import EXTENSIONS
from l4f_bench.datasets.listing import LMDB_FILE, Listing, list_folder, size_in_bytes
from l4f_bench.datasets.remarks import Remarks
from l4f_bench.datasets.squares import ByteArray, read_square
from l4f_bench.errors import InputError, MissingAssetError

# FFHQ's copies of the same 70,000 pictures.
_FFHQ_COPIES = ("images1024x1024", "thumbnails128x128", "in-the-wild-images")

_NOTHING = -1
"""Size of what a link to nothing leads to."""


class ImageSource(Protocol):
    """Images by number, always in the same order; safe to read from several threads."""

    passed_over: str | None
    """A sentence on files beside the images that are not read; None without any."""
    remarks: Remarks
    """What there is to say about the images read so far."""

    def __len__(self) -> int: ...

    def name(self, number: int) -> str:
        """What an image is called in messages."""

    def read(self, number: int, resolution: int) -> ByteArray | None:
        """The middle square of an image, uint8 ``[3, resolution, resolution]``; None if damaged.

        Raises:
            InputError: It is not the image any more that was there when the source was opened.
        """

    def fingerprint(self) -> str:
        """What the source holds, told without reading all of it."""


class FolderSource:
    """The image files of a folder and its sub-folders (FFHQ's layout among them), in path order.

    Hidden files and folders are passed over. A file that later is gone, has another size, or could
    be read before is an error: whoever reads them goes on with the images that were listed, or not
    at all.
    """

    def __init__(self, folder: Path) -> None:
        """List the files.

        Raises:
            InputError: The folder cannot be read, holds no image files, or holds FFHQ more than
                once.
        """
        listing = image_files(folder)
        self._folder, self._paths = folder, listing.paths
        self._sizes = array("q", map(_size, self._paths))
        self._was_read = bytearray(len(self._paths))
        self._depth = Depth(len(self._paths), self._paths.__getitem__)
        self.passed_over, self.remarks = listing.passed_over, Remarks()

    def __len__(self) -> int:
        return len(self._paths)

    def name(self, number: int) -> str:
        """Path of the file."""
        return str(self._paths[number])

    def read(self, number: int, resolution: int) -> ByteArray | None:
        """See :class:`ImageSource`."""
        path, square = self._paths[number], None
        with suppress(UnreadableError):
            square = read_square(path, resolution, self._depth)
        is_lost = square is None and self._was_read[number]
        if is_lost or _size(path) != self._sizes[number]:
            raise InputError(
                f"{path} is gone or was changed after it was listed. Put it back, and start again "
                "or continue with --resume."
            )
        if square is None:
            return None
        self._was_read[number] = True
        self.remarks.add(square.remarks, self.name(number))
        return square.pixels

    def fingerprint(self) -> str:
        """SHA-256 of the files' names and sizes; their bytes are not read."""
        digest = hashlib.sha256()
        for path, size in zip(self._paths, self._sizes, strict=True):
            name = path.relative_to(self._folder).as_posix()
            shown = None if size == _NOTHING else size
            digest.update(f"{name}\0{shown}\0".encode(errors="surrogateescape"))
        return digest.hexdigest()


def _size(path: Path) -> int:
    size = size_in_bytes(path)
    return _NOTHING if size is None else size


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
    try:
        is_folder = S_ISDIR(folder.stat().st_mode)
        is_lmdb = is_folder and (folder / LMDB_FILE).is_file()
    except OSError as error:
        raise MissingAssetError(
            f"There is no folder {folder} ({error.strerror}). Give --data a folder of images."
        ) from None
    if not is_folder:
        raise InputError(f"{folder} is a file. Give the folder that it is in.")
    if is_lmdb:
        from l4f_bench.datasets.lmdb_images import open_lmdb

        return open_lmdb(folder, resolution)
    return FolderSource(folder)


def image_files(folder: Path, *, without: Path | None = None) -> Listing:
    """The image files of a folder and its sub-folders.

    Args:
        folder: The folder.
        without: A folder in it to leave out.

    Raises:
        InputError: The folder cannot be read, holds no image files, or holds FFHQ more than once.
    """
    found = list_folder(folder, without=without)
    parts = {path.relative_to(folder).parts[0] for path in found.paths}
    copies = [name for name in _FFHQ_COPIES if name in parts]
    if len(copies) > 1:
        raise InputError(f"{folder} holds FFHQ more than once. Give one of {', '.join(copies)}.")
    if found.paths:
        return found
    if folder in found.lmdbs:
        raise InputError(f"{folder} is an LMDB. Export its images to files first.")
    if found.lmdbs:
        one = min(found.lmdbs)
        raise InputError(f"{folder} is not an LMDB itself. Give the one in it: {one}.")
    kind = found.others.most_common(1)
    there = f", but {kind[0][1]} {kind[0][0]} files" if kind else ""
    raise InputError(
        f"{folder} holds no image files ({', '.join(EXTENSIONS)}){there}. "
        "Give a folder of images, or of an LMDB (data.mdb)."
    )
