"""A folder of images annotated file by file, which a killed run can go on with.

``masks/`` holds one PNG per image (white = foreground), ``classes/`` its class map on request, both
under the image's name and at its size; ``metadata.jsonl`` one line per finished image;
``config.json`` what was asked for, with digests, versions and revision.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from contextlib import closing, nullcontext, suppress
from itertools import chain, groupby
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from l4f_bench.annotators.contracts import Annotator, Parser
from l4f_bench.cores import Cores
from l4f_bench.datasets.decoding import UnreadableError
from l4f_bench.datasets.depth import Depth
from l4f_bench.datasets.image_sources import image_files
from l4f_bench.datasets.listing import Listing, size_in_bytes
from l4f_bench.datasets.remarks import Remarks
from l4f_bench.datasets.squares import read_rgb
from l4f_bench.distributed import from_first, gathered, is_first
from l4f_bench.errors import BenchError, InputError
from l4f_bench.progress import Advance, Progress
from l4f_bench.provenance import environment
from l4f_bench.rounds import Round, rounds
from l4f_bench.runs import atomic_path, locked_folder, open_run, whole_lines, write_text

METADATA, MASKS, CLASSES = "metadata.jsonl", "masks", "classes"
UNREADABLE = "unreadable"

Pixels = npt.NDArray[np.uint8]


def annotate_folder(
    annotator: Annotator,
    images: Path,
    out: Path,
    identity: dict[str, Any],
    *,
    class_maps: bool,
    resume: bool,
    progress: Progress,
    warn: Callable[[str], object],
) -> Counter[str]:
    """Annotate every image of a folder and its sub-folders.

    Args:
        annotator: Makes the masks.
        images: The folder.
        out: Where masks go.
        identity: What must be the same for a resumed run. JSON data.
        class_maps: Also write class maps.
        resume: Go on where an earlier run of the same identity stopped.
        progress: Given the number of images still to do, returns what to call with those done.
        warn: Given one-line warnings.

    Returns:
        How many images were accepted (``accepted``) and rejected by each reason, those of earlier
        runs included; images that cannot be read count as ``unreadable``.

    Raises:
        InputError: A folder cannot be used or is gone, two images would get one mask, an earlier
            run's metadata is damaged, or the annotator has no class maps.
        BenchError: ``out`` or masks in it were moved or removed meanwhile.
    """
    if class_maps and not isinstance(annotator, Parser):
        raise InputError("Only bisenet and unet have class maps. Leave out --class-maps.")
    with suppress(OSError):  # neither need be there
        if out.samefile(images):
            raise InputError(f"{out} holds the images. Choose another folder for their masks.")
    listing = image_files(images, without=out)
    if listing.passed_over:
        warn(listing.passed_over)
    paths = _by_mask(listing)
    with locked_folder(out) if is_first() else nullcontext():
        lines: dict[str, dict[str, Any]] = {}
        if is_first():
            open_run(out, identity, environment(), resume=resume, kind="masks")
            lines = _earlier(out)
            _refuse_others(paths, lines)
        lines = from_first(lines)
        left = [(name, path) for name, path in paths.items() if name not in lines]
        advance = progress(len(left))
        with (out / METADATA).open("a", encoding="utf-8") as metadata:
            run = _Run(annotator, listing, out, metadata, class_maps=class_maps)
            try:
                _annotate_all(run, left, lines, advance, warn)
            finally:
                for message in run.remarks.news():
                    warn(message)
        _check_all(lines, out / MASKS)
    return Counter(str(line["reason"] or "accepted") for line in lines.values())


def _annotate_all(
    run: _Run,
    left: list[tuple[str, Path]],
    lines: dict[str, dict[str, Any]],
    advance: Advance,
    warn: Callable[[str], object],
) -> None:
    """Annotate the images that are left, in order; their lines come to ``lines``."""
    todo = list(rounds(range(len(left)), run.block_size))

    def work(round_: Round) -> list[tuple[dict[str, Any], str | None]]:
        return run.annotate([left[index] for index in round_.own])

    with closing(run.cores.ahead(work, todo)) as done:
        for round_, own in zip(todo, done, strict=True):
            for line, warning in chain(*gathered(own)):
                if warning is not None:
                    warn(warning)
                run.note(line)
                lines[line["mask"]] = line
            advance(len(round_.span))


def _earlier(out: Path) -> dict[str, dict[str, Any]]:
    """The lines of earlier runs by their masks; those whose mask is lost are taken out.

    Raises:
        InputError: A line is none of ours.
    """
    path = out / METADATA
    try:
        texts = whole_lines(path)
        lines = {line["mask"]: line for line in map(_parsed, texts)}
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}). Choose another folder.") from None
    kept = {
        name: line
        for name, line in lines.items()
        if line["reason"] == UNREADABLE or size_in_bytes(out / MASKS / name)
    }
    if len(kept) < len(texts):
        write_text(path, "".join(map(_text, kept.values())))
    return kept


def _check_all(lines: dict[str, dict[str, Any]], masks: Path) -> None:
    names = [name for name, line in lines.items() if line["reason"] != UNREADABLE]
    lost = [name for name in names if not size_in_bytes(masks / name)]
    if lost:
        raise BenchError(
            f"{len(lost)} masks were removed from {masks} meanwhile, such as {lost[0]}. Make them "
            "again with --resume."
        )


def _parsed(text: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except RecursionError:
        line = None
    if not isinstance(line, dict) or not isinstance(line.get("mask"), str):
        raise ValueError("a line names no mask")
    if not isinstance(line.setdefault("reason", None), str | None):
        raise ValueError(f"the reason of {line['mask']} is not a text")
    return line


def _text(line: dict[str, Any]) -> str:
    # All but ASCII is escaped: names may hold what ends a line to some readers, or be no UTF-8.
    return json.dumps(line) + "\n"


def _refuse_others(paths: dict[str, Path], lines: dict[str, dict[str, Any]]) -> None:
    """Raise if an image is not the one that was annotated under its name before."""
    for name, line in lines.items():
        if name in paths and size_in_bytes(paths[name]) != line.get("bytes"):
            raise InputError(
                f"{paths[name]} is another image than the one annotated before. Choose another "
                "folder for its mask."
            )


def _by_mask(listing: Listing) -> dict[str, Path]:
    """Images by the names of their masks."""
    paths: dict[str, Path] = {}
    for path in listing.paths:
        name = path.relative_to(listing.folder).with_suffix(".png").as_posix()
        if name in paths:
            raise InputError(f"{paths[name]} and {path} would get one mask. Rename one of them.")
        paths[name] = path
    return paths


class _Run:
    """Annotates images into a folder; in several threads at once."""

    def __init__(
        self,
        annotator: Annotator,
        listing: Listing,
        out: Path,
        metadata: TextIO,
        *,
        class_maps: bool,
    ) -> None:
        self._annotator, self._listing, self._out = annotator, listing, out
        self._metadata, self._class_maps = metadata, class_maps
        self._depth = Depth(len(listing.paths), listing.paths.__getitem__)
        self.remarks = Remarks()
        self.cores = Cores.for_networks(annotator)

    @property
    def block_size(self) -> int:
        """Images that are annotated together, if they are of one size."""
        return getattr(self._annotator, "block_size", 1)

    def annotate(self, files: list[tuple[str, Path]]) -> list[tuple[dict[str, Any], str | None]]:
        """Write the files of some images; returns the line of each, and a warning if need be.

        Args:
            files: Names of masks, with the images' paths.

        Raises:
            InputError: The folder of the images is gone.
            BenchError: The one of the masks is.
        """
        found = [self._read(path) for _, path in files]
        results: list[dict[str, Any]] = []
        for _, group in groupby(zip(files, found, strict=True), key=lambda one: _shape(one[1])):
            results += self._results([(name, photo) for (name, _), photo in group])
        self._check_out()
        return [
            (
                {
                    "image": self._listing.name(path),
                    "mask": name,
                    "bytes": size_in_bytes(path),
                    **result,
                },
                photo if isinstance(photo, str) else None,
            )
            for (name, path), photo, result in zip(files, found, results, strict=True)
        ]

    def _read(self, path: Path) -> Pixels | str:
        """The pixels of a photograph, or why there are none."""
        try:
            photograph = read_rgb(path, self._depth)
        except UnreadableError as error:
            if size_in_bytes(path.parent) is None:
                raise InputError(
                    f"{path.parent} is gone. Put it back, and continue with --resume."
                ) from None
            return f"{path} cannot be read and is left out: it {error.reason}"
        self.remarks.add(photograph.remarks, str(path))
        return photograph.pixels

    def note(self, line: dict[str, Any]) -> None:
        """Count an image as done: the first process writes its line."""
        if is_first():
            self._metadata.write(_text(line))
            self._metadata.flush()

    def _results(self, group: list[tuple[str, Pixels | str]]) -> list[dict[str, Any]]:
        """What there is to say of images of one size, whose masks are written; or of no images."""
        pixels = [photo for _, photo in group if not isinstance(photo, str)]
        if not pixels:
            return [{"accepted": False, "reason": UNREADABLE} for _ in group]
        names, image = [name for name, _ in group], torch.from_numpy(np.stack(pixels))
        with self.cores.turn():
            annotation = self._annotator.annotate(image)
        masks = annotation.mask.cpu().numpy()
        self._check_out()  # else it would be made anew
        for name, mask in zip(names, masks, strict=True):
            _write_png(self._out / MASKS / name, mask.astype(np.uint8) * 255)
        if self._class_maps and isinstance(self._annotator, Parser):
            with self.cores.turn():
                classes = self._annotator.class_map(image).cpu().numpy()
            for name, of_one in zip(names, classes, strict=True):
                _write_png(self._out / CLASSES / name, of_one)
        return [
            {
                "accepted": annotation.accepted[row],
                "reason": annotation.reason[row],
                "score": annotation.score[row] if annotation.score else None,
                "area": round(float(mask.mean()), 6),
                "size": list(mask.shape[::-1]),
            }
            for row, mask in enumerate(masks)
        ]

    def _check_out(self) -> None:
        path = self._out / METADATA
        try:
            is_there = os.path.samestat(os.fstat(self._metadata.fileno()), path.stat())
        except OSError:
            is_there = False
        if not is_there:
            raise BenchError(
                f"{path} was moved or removed while masks were made. Put it back and continue with "
                "--resume, or start again in another folder."
            )


def _shape(photo: Pixels | str) -> tuple[int, ...]:
    return () if isinstance(photo, str) else photo.shape


def _write_png(path: Path, array: npt.NDArray[np.uint8]) -> None:
    with atomic_path(path, durable=False) as temporary:  # an empty one is made again
        Image.fromarray(array).save(temporary, format="png")
