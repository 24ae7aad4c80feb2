"""A folder of photographs projected one by one, which a killed run can go on with.

``codes/`` holds W+ codes (safetensors; noise maps too where they were searched for),
``reconstructions/`` what the generator paints of them, ``alpha/`` and ``masks/`` the foreground at
the photograph's size, ``metadata.jsonl`` a line a photograph with its errors, ``config.json`` what
was asked for with digests and versions, ``figure.png`` the first photographs with their
reconstructions, masks and errors, ``projections.json`` mean errors for a report.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from l4f_bench.datasets.decoding import UnreadableError
from l4f_bench.datasets.depth import Depth
from l4f_bench.datasets.image_sources import image_files
from l4f_bench.datasets.listing import Listing
from l4f_bench.datasets.squares import read_rgb
from l4f_bench.distributed import from_first, gathered, is_first, num_processes, shard
from l4f_bench.errors import BenchError, InputError
from l4f_bench.escapes import printable
from l4f_bench.progress import Progress
from l4f_bench.projection.figure import FIGURE, write_figure
from l4f_bench.projection.image_errors import image_errors
from l4f_bench.projection.landmarks import Points, aligned
from l4f_bench.projection.outputs import (
    CODES,
    is_true,
    line_of,
    path_of,
    unreadable_line,
    write_files,
)
from l4f_bench.projection.placement import ByteArray, Fit, Placement, cut, fitted
from l4f_bench.projection.projectors import Projector
from l4f_bench.projection.record import (
    ERRORS,
    PROJECTIONS_FILE,
    PhotographEntry,
    ProjectionRecord,
    mean_errors,
)
from l4f_bench.projection.remarks import remarks_on
from l4f_bench.provenance import environment, provenance, sha256_of
from l4f_bench.runs import append_lines, locked_folder, open_run, whole_lines, write_text

METADATA = "metadata.jsonl"


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderConfig:
    """Which photographs, and how they become pictures."""

    images: Path
    """Folder of photographs of any size."""
    fit: Fit = "pad"
    """What becomes of photographs of another shape than the picture's."""
    landmarks: Mapping[str, Points] | None = None
    """Of the face in each photograph, by its name below the folder; None for aligned ones."""
    threshold: float = 0.5
    """Alpha above which a pixel of a mask is foreground."""


def project_folder(
    projector: Projector,
    config: FolderConfig,
    out: Path,
    identity: dict[str, Any],
    *,
    resume: bool,
    progress: Progress,
    warn: Callable[[str], object],
) -> ProjectionRecord:
    """Project every photograph of a folder and its sub-folders.

    Args:
        projector: Finds the codes.
        config: Which photographs.
        out: Where everything goes.
        identity: What must be the same for a resumed run. JSON data.
        resume: Go on where an earlier run of the same identity stopped.
        progress: Given the number of photographs still to do, returns what to call with those done.
        warn: Given one-line warnings.

    Returns:
        The record that is written, unless no photograph could be read.

    Raises:
        InputError: A folder cannot be used, two photographs would get one code, some have no
            landmarks, or their landmarks make no sense.
        BenchError: Files were removed meanwhile, or the disk is full.
    """
    started = time.perf_counter()
    with suppress(OSError):  # neither need be there
        if out.samefile(config.images):
            raise InputError(f"{out} holds the photographs. Choose another folder.")
    run = _Run(projector, config, out, image_files(config.images, without=out))
    for message in run.first_remarks():
        warn(message)
    with locked_folder(out) if is_first() else nullcontext():
        done = from_first(run.num_finished(identity, resume=resume) if is_first() else 0)
        advance = progress(len(run.paths) - done)
        for start in range(done, len(run.paths), num_processes()):
            indices = range(start, min(start + num_processes(), len(run.paths)))
            own = [(index, run.project(index)) for index in shard(indices)]
            lines = dict(chain(*gathered(own)))
            for index in indices:
                for message in lines[index][1]:
                    warn(message)
            if is_first():
                append_lines(out / METADATA, (lines[index][0] for index in indices))
            advance(len(indices))
        record = _record(from_first(run.finish() if is_first() else []), config, identity, started)
        if is_first() and record.n:
            record.save(out / PROJECTIONS_FILE)
        return record


def _record(
    lines: list[dict[str, Any]], config: FolderConfig, identity: dict[str, Any], started: float
) -> ProjectionRecord:
    projected = [
        PhotographEntry(image=line["image"], **{name: line[name] for name in ERRORS})
        for line in lines
        if "sha256" in line
    ]
    return ProjectionRecord(
        dataset_title=printable(config.images.resolve().name),
        by=identity["by"],
        loss=identity["loss"],
        n=len(projected),
        unreadable=len(lines) - len(projected),
        errors=mean_errors(projected),
        photographs=projected,
        config={name: value for name, value in identity.items() if name != "sha256"},
        provenance=provenance(),
        digests=identity["sha256"],
        seconds=round(time.perf_counter() - started, 3),
    )


class _Run:
    """Projects photographs by their number."""

    def __init__(
        self, projector: Projector, config: FolderConfig, out: Path, listing: Listing
    ) -> None:
        self.projector, self.config, self.out = projector, config, out
        self.listing, self.paths = listing, listing.paths
        self.stems = _stems(listing)
        self._depth = Depth(len(self.paths), self.paths.__getitem__)
        self.size = projector.frame.picture_size(projector.generator.architecture.size)
        if config.landmarks is not None:
            lacking = [self.name(i) for i in range(len(self.paths)) if self._points(i) is None]
            if lacking:
                raise InputError(
                    f"{len(lacking)} photographs have no landmarks, such as {lacking[0]}. Add "
                    "them, or leave these photographs out."
                )

    def name(self, index: int) -> str:
        return printable(self.listing.name(self.paths[index]))

    def first_remarks(self) -> list[str]:
        """What there is to say before any photograph is read."""
        said = [self.listing.passed_over] if self.listing.passed_over else []
        names = {self.name(index) for index in range(len(self.paths))}
        unknown = [name for name in self.config.landmarks or () if name not in names]
        if unknown:
            said.append(f"{len(unknown)} landmarks are of no photograph here, as {unknown[0]}.")
        return said

    def num_finished(self, identity: dict[str, Any], *, resume: bool) -> int:
        """Check that the folder may be filled; returns how many photographs are done."""
        # Without the time: a resumed folder ends with the same bytes as an unbroken one.
        open_run(self.out, identity, environment(), resume=resume, kind="projections")
        lines = whole_lines(self.out / METADATA)
        done = 0
        while done < min(len(lines), len(self.paths)) and self._is_true(done, lines[done]):
            done += 1
        if done < len(lines) or not done:  # also makes the file that lines are added to
            write_text(self.out / METADATA, "".join(f"{line}\n" for line in lines[:done]))
        return done

    def project(self, index: int) -> tuple[str, list[str]]:
        """Write the files of a photograph; returns its line, and warnings."""
        name, path = self.name(index), self.paths[index]
        try:
            photograph = read_rgb(path, self._depth).pixels
        except UnreadableError as error:
            return unreadable_line(name, error.reason), [f"{name} is left out: it {error.reason}"]
        size = (photograph.shape[1], photograph.shape[2])
        placement = self.placement(index, size)
        projected = self.projector.project(photograph, placement)
        target = cut(photograph, placement, self.size)
        errors = image_errors(projected.picture, target)
        floor = image_errors(self.projector.mean_picture, target).mse
        aligned_ = self.config.landmarks is not None
        remarks = remarks_on(size, self.size, errors, floor, is_aligned=aligned_)
        threshold = self.config.threshold
        digests = write_files(self.out, self.stems[index], projected, placement, size, threshold)
        extra = {**projected.figures, "mse_of_mean": floor, "remarks": remarks}
        line = line_of(name, sha256_of(path), size, placement, errors, extra, digests)
        return line, [f"{name}: {remark}" for remark in remarks]

    def placement(self, index: int, size: tuple[int, int]) -> Placement:
        """What of a photograph is the picture."""
        points = self._points(index)
        if points is None:
            return fitted(size, self.size, self.config.fit)
        try:
            return aligned(points)
        except InputError as error:
            raise InputError(f"{self.name(index)}: {error}") from None

    def picture(self, pixels: ByteArray, index: int) -> ByteArray:
        """The part of a photograph, or of its mask, that is the picture."""
        return cut(pixels, self.placement(index, pixels.shape[1:]), self.size)

    def finish(self) -> list[dict[str, Any]]:
        """Check that all is there, and draw the figure; returns the lines of metadata."""
        lines = [json.loads(line) for line in whole_lines(self.out / METADATA)]
        projected = [index for index, line in enumerate(lines) if "sha256" in line]
        lost = [i for i in projected if not path_of(self.out, CODES, self.stems[i]).is_file()]
        if lost or len(lines) < len(self.paths):
            raise BenchError(
                f"Files were removed from {self.out} meanwhile. Run again with --resume."
            )
        write_figure(self.out / FIGURE, self.out, projected, self, self.config.images.name)
        return lines

    def read(self, index: int) -> ByteArray:
        """The pixels of a photograph."""
        return read_rgb(self.paths[index], self._depth).pixels

    def _points(self, index: int) -> Points | None:
        return (
            None if self.config.landmarks is None else self.config.landmarks.get(self.name(index))
        )

    def _is_true(self, index: int, line: str) -> bool:
        return is_true(line, self.out, self.name(index), self.paths[index], self.stems[index])


def _stems(listing: Listing) -> list[str]:
    """Names of the photographs without their endings, each once."""
    stems = [path.relative_to(listing.folder).with_suffix("").as_posix() for path in listing.paths]
    taken: dict[str, Path] = {}
    for stem, path in zip(stems, listing.paths, strict=True):
        if stem in taken:
            raise InputError(f"{taken[stem]} and {path} would get one code. Rename one of them.")
        taken[stem] = path
    return stems
