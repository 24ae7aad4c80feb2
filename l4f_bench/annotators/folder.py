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
from contextlib import nullcontext, suppress
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from l4f_bench.annotators.contracts import Annotator, Parser
from l4f_bench.datasets.decoding import UnreadableError
from l4f_bench.datasets.depth import Depth
from l4f_bench.datasets.image_sources import image_files
from l4f_bench.datasets.listing import Listing, size_in_bytes
from l4f_bench.datasets.remarks import Remarks
from l4f_bench.datasets.squares import read_rgb
from l4f_bench.distributed import from_first, gathered, is_first, num_processes, shard
from l4f_bench.errors import BenchError, InputError
from l4f_bench.progress import Progress
from l4f_bench.provenance import environment
from l4f_bench.runs import atomic_path, locked_folder, open_run, whole_lines, write_text

METADATA, MASKS, CLASSES = "metadata.jsonl", "masks", "classes"
UNREADABLE = "unreadable"


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
                for start in range(0, len(left), num_processes()):
                    batch = left[start : start + num_processes()]  # an image for each process
                    own = [run.annotate(path, name) for name, path in shard(batch)]
                    for line, warning in chain(*gathered(own)):
                        if warning is not None:
                            warn(warning)
                        run.note(line)
                        lines[line["mask"]] = line
                    advance(len(batch))
            finally:
                for message in run.remarks.news():
                    warn(message)
        _check_all(lines, out / MASKS)
    return Counter(str(line["reason"] or "accepted") for line in lines.values())


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
    """Annotates images one by one into a folder."""

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

    def annotate(self, path: Path, name: str) -> tuple[dict[str, Any], str | None]:
        """Write the files of one image; returns its line of metadata, and a warning if need be.

        Raises:
            InputError: The folder of the images is gone.
            BenchError: The one of the masks is.
        """
        size, warning = size_in_bytes(path), None
        try:
            photograph = read_rgb(path, self._depth)
        except UnreadableError as error:
            if size_in_bytes(path.parent) is None:
                raise InputError(
                    f"{path.parent} is gone. Put it back, and continue with --resume."
                ) from None
            warning = f"{path} cannot be read and is left out: it {error.reason}"
            result: dict[str, Any] = {"accepted": False, "reason": UNREADABLE}
        else:
            self.remarks.add(photograph.remarks, str(path))
            result = self._write_masks(photograph.pixels, name)
        self._check_out()
        return {"image": self._listing.name(path), "mask": name, "bytes": size, **result}, warning

    def note(self, line: dict[str, Any]) -> None:
        """Count an image as done: the first process writes its line."""
        if is_first():
            self._metadata.write(_text(line))
            self._metadata.flush()

    def _write_masks(self, pixels: npt.NDArray[np.uint8], name: str) -> dict[str, Any]:
        image = torch.from_numpy(np.array(pixels))[None]
        annotation = self._annotator.annotate(image)
        mask = annotation.mask[0].cpu().numpy()
        self._check_out()  # else it would be made anew
        _write_png(self._out / MASKS / name, mask.astype(np.uint8) * 255)
        if self._class_maps and isinstance(self._annotator, Parser):
            classes = self._annotator.class_map(image)[0].cpu().numpy()
            _write_png(self._out / CLASSES / name, classes)
        return {
            "accepted": annotation.accepted[0],
            "reason": annotation.reason[0],
            "score": annotation.score[0] if annotation.score else None,
            "area": round(float(mask.mean()), 6),
            "size": list(mask.shape[::-1]),
        }

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


def _write_png(path: Path, array: npt.NDArray[np.uint8]) -> None:
    with atomic_path(path, durable=False) as temporary:  # an empty one is made again
        Image.fromarray(array).save(temporary, format="png")
