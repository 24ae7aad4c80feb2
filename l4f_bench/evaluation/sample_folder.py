"""Samples of a generative method as a folder of images, which a killed run can go on with.

Beside the files of :mod:`l4f_bench.evaluation.sample_files`, ``metadata.jsonl`` has a line per
finished sample with its index, seed, truncation and the SHA-256 of its files; ``config.json`` what
was asked for and the digests of the checkpoints, with versions and revision; ``grid.png`` an
overview. Pairs may be stored in other ways, too (:mod:`l4f_bench.evaluation.sample_formats`).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import replace
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any

from l4f_bench.cores import Cores
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.distributed import from_first, gathered, is_first
from l4f_bench.errors import InputError
from l4f_bench.evaluation.sample_config import SampleConfig, identity_of
from l4f_bench.evaluation.sample_files import METADATA, SampleFiles
from l4f_bench.evaluation.sample_formats import Format, format_of
from l4f_bench.methods.batching import samples_per_batch
from l4f_bench.methods.contracts import GenerativeMethod, Samples
from l4f_bench.methods.loading import load_generative
from l4f_bench.methods.specs import method_named
from l4f_bench.progress import Progress
from l4f_bench.provenance import environment
from l4f_bench.rounds import rounds
from l4f_bench.runs import append_lines, locked_folder, open_run, whole_lines, write_text

_CHECKED_TOGETHER = 64


def sample_into(
    folder: Path,
    config: SampleConfig,
    *,
    resume: bool,
    batch_size: int | None,
    device: str | None,
    progress: Progress,
) -> None:
    """Load a method and fill a folder with its samples; see :func:`sample_folder`.

    Raises:
        InputError: The folder holds another run or cannot be written, or a file cannot be used.
        MissingAssetError: Weights are missing; the message says how to get them.
    """
    if config.background is None and "background" in method_named(config.method).options:
        config = replace(config, background=DATASETS.get(config.dataset).background)
    method, digests = load_generative(
        config.method,
        config.dataset,
        weights=config.generator,
        alpha=config.alpha,
        background=config.background,
        device=device,
        precision=config.precision,
    )
    sample_folder(
        method,
        folder,
        config,
        identity_of(config, digests),
        resume=resume,
        batch_size=samples_per_batch(method, batch_size),
        progress=progress,
    )


def sample_folder(
    method: GenerativeMethod,
    folder: Path,
    config: SampleConfig,
    identity: dict[str, Any],
    *,
    resume: bool,
    batch_size: int,
    progress: Progress,
) -> None:
    """Fill a folder with samples; a sample counts once its line is in the metadata.

    A resumed run goes on after the last sample whose line and files are what it would write
    itself, up to the pixels, which the line's digests vouch for. From the first line on that is
    not, or whose files are not, samples are made again.

    Args:
        method: Makes the samples.
        folder: Where they go.
        config: Which samples, and how they are written.
        identity: What, beyond the number of samples, must be the same for a resumed run: the
            configuration and the digests of the checkpoints. JSON data.
        resume: Go on where an earlier run of the same identity stopped.
        batch_size: Samples at a time.
        progress: Given the number of samples still to make, returns what to call with the number
            just made.

    Raises:
        InputError: The folder holds another run or more samples, or cannot be written, or was
            removed meanwhile.
        BenchError: The disk is full, or files were removed meanwhile.
    """
    files = SampleFiles(folder, config)
    stored = format_of(files)
    with locked_folder(folder) if is_first() else nullcontext():
        first = is_first()
        done = from_first(_num_finished(files, identity, resume=resume) if first else 0)
        kinds = _make(method, files, stored, range(done, config.num_images), batch_size, progress)
        if first:
            files.check_whole(kinds or files.kinds_there())
            stored.finish()
            files.write_grid(kinds or files.kinds_there())


def _make(
    method: GenerativeMethod,
    files: SampleFiles,
    stored: Format,
    wanted: range,
    batch_size: int,
    progress: Progress,
) -> tuple[str, ...]:
    """Make samples; returns the sub-folders that they got, none where there was nothing to do."""
    advance, todo = progress(len(wanted)), rounds(wanted, batch_size)
    cores = Cores.for_networks(method)
    writer = _Writer(method, files, cores)
    with closing(cores.ahead(lambda round_: (round_, writer.write(round_.own)), todo)) as written:
        for round_, own in written:
            lines = dict(chain(*gathered(own)))
            if is_first():
                append_lines(files.folder / METADATA, (lines[index] for index in round_.span))
                stored.store(round_.span.stop)
            advance(len(round_.span))
    return writer.kinds


class _Writer:
    """Makes batches of samples and writes their files; in several threads at once."""

    def __init__(self, method: GenerativeMethod, files: SampleFiles, cores: Cores) -> None:
        self._method, self._files, self._cores = method, files, cores
        self._making_folders = Lock()
        self.kinds: tuple[str, ...] = ()
        """Sub-folders that were made."""

    def write(self, indices: Sequence[int]) -> list[tuple[int, str]]:
        """The lines of metadata by index; of the last round, some processes get nothing."""
        if not indices:
            return []
        with self._cores.turn():
            samples = _samples(self._method, self._files.config, indices)
        with self._making_folders:
            self.kinds = self.kinds or self._files.make_folders(samples)
        return [self._files.write(samples, row, index) for row, index in enumerate(indices)]


def _samples(method: GenerativeMethod, config: SampleConfig, indices: Sequence[int]) -> Samples:
    make = method.sample
    if config.has_layers:
        make = getattr(method, "sample_layers", method.sample)
    return make(indices, truncation=config.truncation, seed=config.seed)


def _num_finished(files: SampleFiles, identity: dict[str, Any], *, resume: bool) -> int:
    """Check that the folder may be filled; returns how many samples an earlier run finished."""
    # Without the time: a resumed folder ends with the same bytes as an unbroken one.
    open_run(files.folder, identity, environment(), resume=resume, kind="samples")
    _refuse_more(files)
    metadata = files.folder / METADATA
    lines = whole_lines(metadata)
    done = _num_true(files, lines)
    if done < len(lines) or not done:  # also makes the file that lines are added to
        write_text(metadata, "".join(f"{line}\n" for line in lines[:done]))
    return done


def _refuse_more(files: SampleFiles) -> None:
    """Raise if there are files of samples beyond those that are asked for."""
    there, num_images = files.num_samples(), files.config.num_images
    if there > num_images:
        raise InputError(
            f"{files.folder} holds files of {there} samples already, more than {num_images}. Use "
            f"-n {there} or more, or another folder."
        )


def _num_true(files: SampleFiles, lines: Sequence[str]) -> int:
    """How many of the first lines are those of the files that stand in the folder."""
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(lines), _CHECKED_TOGETHER):
            indices = range(start, min(start + _CHECKED_TOGETHER, len(lines)))
            found = pool.map(files.line, indices)
            for index, line in zip(indices, found, strict=True):
                if lines[index] != line:
                    return index
    return len(lines)
