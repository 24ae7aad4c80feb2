"""Image files of a folder, and which files of two folders belong together."""

from __future__ import annotations

import re
from pathlib import Path

from l4f_bench.datasets.formats import EXTENSIONS
from l4f_bench.errors import InputError


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Sort key under which ``Car2`` comes before ``Car10``."""
    parts = re.split(r"(\d+)", path.stem.lower())
    key = [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p]
    return [*key, (2, 0, path.name)]


def list_images(folder: Path) -> list[Path]:
    """Image files of a folder in natural order; hidden files and other types are passed over.

    Raises:
        InputError: There is no such folder, it cannot be read, or it holds no image.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise InputError(f"The folder {folder} {what}. Give a folder of image files.")
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise InputError(f"Cannot read the folder {folder}: {error.strerror}.") from None
    images = [
        path
        for path in entries
        if path.suffix.lower() in EXTENSIONS and not path.name.startswith(".") and path.is_file()
    ]
    if not images:
        raise InputError(
            f"The folder {folder} holds no images (files ending in {', '.join(EXTENSIONS)})."
        )
    return sorted(images, key=natural_key)


def pair_files(first: list[Path], second: list[Path]) -> tuple[list[tuple[Path, Path]], bool]:
    """Pair files by equal stem, else by natural order when the counts agree.

    Args:
        first: Files of one folder, in natural order.
        second: Files of the other.

    Returns:
        The pairs in natural order of the first files, and whether they were paired by order.

    Raises:
        InputError: Files are left unpaired; the message names them.
    """
    by_stem = [_by_stem(first), _by_stem(second)]
    if by_stem[0].keys() == by_stem[1].keys():
        return [(path, by_stem[1][path.stem]) for path in first], False
    common = by_stem[0].keys() & by_stem[1].keys()
    ordered = list(zip(first, second, strict=False))
    # Order may only decide where it does not contradict the names that do agree.
    agrees = all(a.stem == b.stem for a, b in ordered if {a.stem, b.stem} & common)
    if len(first) == len(second) and agrees:
        return ordered, True
    alone = [path for stems in by_stem for stem, path in stems.items() if stem not in common]
    raise InputError(
        f"{len(first)} files in {first[0].parent} and {len(second)} in {second[0].parent} do not "
        f"pair up; without partner: {_name_some(alone)}. Add or remove files, or rename them."
    )


def _by_stem(paths: list[Path]) -> dict[str, Path]:
    stems: dict[str, Path] = {}
    for path in paths:
        if path.stem in stems:
            raise InputError(
                f"{stems[path.stem]} and {path} have the same stem. Keep one of the two."
            )
        stems[path.stem] = path
    return stems


def _name_some(paths: list[Path], most: int = 6) -> str:
    names = [f"{path.parent.name}/{path.name}" for path in paths[:most]]
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(names) + more
