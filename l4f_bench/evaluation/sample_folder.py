"""Samples of a generative method as a folder of images, which a killed run can go on with.

``images/``, ``alpha/`` (8 bits; ``alpha16/`` 16 bits on request), ``masks/`` and, where the method
makes such, ``backgrounds/`` and ``composites/`` hold one PNG per sample; ``metadata.jsonl`` has a
line per finished sample with its index, seed, truncation and the SHA-256 of its files;
``config.json`` what was asked for and the digests of the checkpoints, with versions and revision;
``grid.png`` an overview.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.distributed import from_first, gathered, is_first, num_processes, shard
from l4f_bench.errors import BenchError, InputError
from l4f_bench.evaluation.ranges import check_fraction, check_least, check_sampling
from l4f_bench.methods.batching import samples_per_batch
from l4f_bench.methods.contracts import GenerativeMethod, Samples
from l4f_bench.methods.loading import load_generative
from l4f_bench.methods.specs import method_named
from l4f_bench.progress import Progress
from l4f_bench.provenance import environment, sha256_of
from l4f_bench.runs import (
    append_lines,
    atomic_path,
    cannot_write,
    locked_folder,
    open_run,
    whole_lines,
    write_text,
)

METADATA, GRID = "metadata.jsonl", "grid.png"
_GRID_COLUMNS, _GRID_SIDE = 8, 256
_GRID_ROWS = ("images", "alpha", "masks", "backgrounds", "composites")
_OPTIONAL = {"backgrounds": "background", "composites": "composite"}
"""What not every method makes, by sub-folder."""
_CHECKED_TOGETHER = 64

ByteArray = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleConfig:
    """A folder of samples: which files make them, and which samples."""

    dataset: str
    """Key of the data set, which gives the defaults of ``background`` and ``threshold``."""
    method: str = "ours"
    """Key of the method."""
    generator: Path | None = None
    """Checkpoint of the generator; None takes an embedded or cached one."""
    alpha: Path | None = None
    """Checkpoint of the alpha network of ours; None takes the embedded one."""
    num_images: int
    """Samples 0 to num_images - 1 are made."""
    truncation: float = 1.0
    """psi in [0, 1] of the foreground."""
    seed: int = 0
    """Seed of the set."""
    threshold: float = 0.9
    """Alpha above which a pixel of the mask is foreground, in [0, 1)."""
    background: str | None = None
    """Of ours ``first-conv`` or ``constant``: how the generator paints backgrounds."""
    alpha16: bool = False
    """Also write alpha with 16 bits."""

    def __post_init__(self) -> None:
        check_least("-n", self.num_images, 1)
        check_sampling([self.truncation], self.seed)
        check_fraction("--threshold", self.threshold, below=1)


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
    with locked_folder(folder) if is_first() else nullcontext():
        first = is_first()
        done = from_first(_num_finished(folder, config, identity, resume=resume) if first else 0)
        kinds: tuple[str, ...] = ()
        advance = progress(max(config.num_images - done, 0))
        step = batch_size * num_processes()
        with ThreadPoolExecutor() as pool:
            for start in range(done, config.num_images, step):
                indices = range(start, min(start + step, config.num_images))
                own: list[tuple[int, str]] = []
                if share := shard(indices):  # of the last batch, some processes get nothing
                    samples = method.sample(share, truncation=config.truncation, seed=config.seed)
                    kinds = kinds or _make_folders(folder, config, samples)
                    own = list(pool.map(partial(_write, folder, config, samples), count(), share))
                lines = dict(chain(*gathered(own)))
                if first:
                    append_lines(folder / METADATA, (lines[index] for index in indices))
                advance(len(indices))
        if first:
            kinds = kinds or _kinds(config, [k for k in _OPTIONAL if (folder / k).is_dir()])
            _check_whole(folder, kinds, config.num_images)
            _write_grid(folder, kinds, config.num_images)


def _num_finished(
    folder: Path, config: SampleConfig, identity: dict[str, Any], *, resume: bool
) -> int:
    """Check that the folder may be filled; returns how many samples an earlier run finished."""
    # Without the time: a resumed folder ends with the same bytes as an unbroken one.
    open_run(folder, identity, environment(), resume=resume, kind="samples")
    _refuse_more(folder, config.num_images)
    lines = whole_lines(folder / METADATA)
    done = _num_true(folder, config, lines)
    if done < len(lines) or not done:  # also makes the file that lines are added to
        write_text(folder / METADATA, "".join(f"{line}\n" for line in lines[:done]))
    return done


def _refuse_more(folder: Path, num_images: int) -> None:
    """Raise if there are files of samples beyond those that are asked for."""
    numbers = [int(path.stem) for path in folder.glob("*/*.png") if path.stem.isdecimal()]
    there = max(numbers, default=-1) + 1
    if there > num_images:
        raise InputError(
            f"{folder} holds files of {there} samples already, more than {num_images}. Use "
            f"-n {there} or more, or another folder."
        )


def _num_true(folder: Path, config: SampleConfig, lines: Sequence[str]) -> int:
    """How many of the first lines are those of the files that stand in the folder."""
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(lines), _CHECKED_TOGETHER):
            indices = range(start, min(start + _CHECKED_TOGETHER, len(lines)))
            found = pool.map(partial(_line_of_files, folder, config), indices)
            for index, line in zip(indices, found, strict=True):
                if lines[index] != line:
                    return index
    return len(lines)


def _line_of_files(folder: Path, config: SampleConfig, index: int) -> str | None:
    """The line that belongs to the files of a sample; None where one is missing."""
    extras = [kind for kind in _OPTIONAL if (folder / kind / _name(index)).is_file()]
    paths = {kind: folder / kind / _name(index) for kind in _kinds(config, extras)}
    if not all(path.is_file() for path in paths.values()):
        return None
    return _line(config, index, {kind: sha256_of(path) for kind, path in paths.items()})


def _line(config: SampleConfig, index: int, digests: dict[str, str]) -> str:
    """A sample's line of metadata, without its end."""
    document = {
        "index": index,
        "seed": config.seed,
        "truncation": config.truncation,
        "threshold": config.threshold,
        "sha256": digests,
    }
    return json.dumps(document)


def _kinds(config: SampleConfig, extras: Collection[str]) -> tuple[str, ...]:
    """Sub-folders with those of :data:`_OPTIONAL` that there are, in the metadata's order."""
    kinds = [kind for kind in _GRID_ROWS if kind not in _OPTIONAL or kind in extras]
    return (*kinds, "alpha16") if config.alpha16 else tuple(kinds)


def _name(index: int) -> str:
    return f"{index:06d}.png"


def _make_folders(folder: Path, config: SampleConfig, samples: Samples) -> tuple[str, ...]:
    """Make the sub-folders for what the method makes, which are returned.

    This is done once: one that is removed later must not come back half empty.
    """
    extras = [kind for kind, name in _OPTIONAL.items() if getattr(samples, name) is not None]
    for kind in _kinds(config, extras):
        try:
            (folder / kind).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(folder / kind, error) from error
    return _kinds(config, extras)


def _check_whole(folder: Path, kinds: Sequence[str], num_images: int) -> None:
    """Raise if files that were written are gone, as when a folder was emptied meanwhile."""
    wanted = {_name(index) for index in range(num_images)}
    lost = [folder / METADATA] if len(whole_lines(folder / METADATA)) < len(wanted) else []
    for kind in kinds:
        missing = wanted - {path.name for path in (folder / kind).glob("*.png")}
        lost += [folder / kind / name for name in sorted(missing)]
    if lost:
        raise BenchError(
            f"{len(lost)} files were removed meanwhile, {lost[0]} first. Run again with --resume, "
            "or in another folder."
        )


def _write(
    folder: Path, config: SampleConfig, samples: Samples, position: int, index: int
) -> tuple[int, str]:
    """Write the files of one sample of a batch; returns its index and line of metadata."""
    alpha = samples.alpha[position, 0].numpy()
    arrays: dict[str, npt.NDArray[Any]] = {
        "images": _pixels(samples.image[position].numpy()),
        "alpha": np.round(alpha * 255).astype(np.uint8),
        "masks": (alpha > config.threshold).astype(np.uint8) * 255,
    }
    for kind, name in _OPTIONAL.items():
        if (pixels := getattr(samples, name)) is not None:
            arrays[kind] = _pixels(pixels[position].numpy())
    if config.alpha16:
        arrays["alpha16"] = np.round(alpha.astype(np.float64) * 65535).astype(np.uint16)
    digests = {
        kind: _write_png(folder / kind / _name(index), array) for kind, array in arrays.items()
    }
    return index, _line(config, index, digests)


def _pixels(image: ByteArray) -> ByteArray:
    """``[3, H, W]`` as ``[H, W, 3]``."""
    return np.ascontiguousarray(image.transpose(1, 2, 0))


def _write_png(path: Path, array: npt.NDArray[Any]) -> str:
    """Write a PNG atomically and return its SHA-256; one that a power cut loses is made again."""
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="png")
    content = buffer.getvalue()
    with atomic_path(path, durable=False, make_folder=False) as temporary:
        temporary.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _write_grid(folder: Path, kinds: Sequence[str], num_images: int) -> None:
    """Draw the first samples: a column each, a row per kind of file."""
    columns = range(min(num_images, _GRID_COLUMNS))
    drawn = [kind for kind in kinds if kind in _GRID_ROWS]
    rows = [[_thumbnail(folder / kind / _name(i)) for i in columns] for kind in drawn]
    grid = np.concatenate([np.concatenate(row, axis=1) for row in rows])
    _write_png(folder / GRID, grid)


def _thumbnail(path: Path) -> ByteArray:
    with Image.open(path) as image:
        small = image.convert("RGB")
        if small.width > _GRID_SIDE:
            small = small.resize((_GRID_SIDE, _GRID_SIDE), Image.Resampling.BOX)
        return np.asarray(small)


def identity_of(config: SampleConfig, digests: dict[str, str]) -> dict[str, Any]:
    """What must be the same for two runs to fill one folder."""
    return {
        "method": method_named(config.method).name,
        "dataset": config.dataset,
        "truncation": config.truncation,
        "seed": config.seed,
        "threshold": config.threshold,
        "background": config.background,
        "alpha16": config.alpha16,
        "sha256": digests,
    }
