"""Fetch weights into the cache: whole and verified, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from filelock import FileLock, Timeout

from l4f_bench.cache import (
    CorruptFileError,
    check_file,
    remember_digest,
    verify_cached,
    weight_path,
)
from l4f_bench.errors import BenchError, InputError, MissingAssetError
from l4f_bench.remote_file import SourceError
from l4f_bench.runs import cannot_write, check_output, move
from l4f_bench.transfer import (
    InterruptedTransferError,
    ProgressCallback,
    TransferConfig,
    discard,
    download,
    part_size,
)
from l4f_bench.weight_spec import WeightSpec

_COPY_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """A file of weights that is now in the cache."""

    name: str
    """Registry name."""
    path: Path
    """Where it stands."""
    sha256: str
    """Its digest."""
    num_bytes: int
    """Its size."""
    source: str | None
    """Where it came from; None if it was in the cache already."""


def fetch_weight(
    spec: WeightSpec,
    *,
    mirror: str | None = None,
    config: TransferConfig | None = None,
    progress: ProgressCallback = lambda done, total: None,
    on_wait: Callable[[], None] = lambda: None,
) -> Fetched:
    """Bring the file of ``spec`` into the cache, unless a verified copy is there.

    Sources are tried in order. Two processes that fetch the same file take turns, and the second
    finds it done.

    Args:
        spec: What to fetch.
        mirror: http(s) address or folder that holds the file under its name; then nothing else
            is asked.
        config: Patience of the download.
        progress: Told about every block.
        on_wait: Called once if another process is fetching the same file.

    Raises:
        MissingAssetError: No source has the file.
        InterruptedTransferError: The connection kept breaking; what was downloaded is kept.
        InputError: The mirror or the cache folder cannot be used.
    """
    target = weight_path(spec)
    sources = sources_of(spec, mirror)
    with _turn(target, on_wait):
        if target.is_file():
            with suppress(CorruptFileError):  # it is replaced below, once a good one is here
                return _fetched(spec, target, verify_cached(spec, target), source=None)
        check_output(target)
        part = target.with_name(f"{target.name}.part")
        source, digest = _from_first(sources, spec, part, config or TransferConfig(), progress)
        _put(part, target)
        discard(part)  # its state
        stat = target.stat()
        remember_digest(target, digest, size=stat.st_size, mtime_ns=stat.st_mtime_ns)
        return _fetched(spec, target, digest, source=source)


def sources_of(spec: WeightSpec, mirror: str | None) -> tuple[str, ...]:
    """Addresses and paths to try for ``spec``: its own, or the one place in ``mirror``.

    Raises:
        InputError: The mirror is neither an http(s) address nor an existing folder.
    """
    if mirror is None:
        return spec.urls
    try:
        parts = urlsplit(mirror)
        usable = parts.hostname and parts.port != 0
    except ValueError as error:
        raise InputError(
            f"--mirror {mirror} is not a valid address ({error}). Give an http(s) address or a "
            "folder."
        ) from None
    if parts.scheme in {"http", "https"} and usable:
        return (f"{mirror.rstrip('/')}/{quote(spec.file_name)}",)
    if "://" in mirror and parts.scheme != "file":
        raise InputError(f"--mirror {mirror}: give an http(s) address or a folder.")
    folder = Path(url2pathname(parts.path)) if parts.scheme == "file" else Path(mirror)
    if not folder.is_dir():
        raise InputError(f"--mirror {mirror}: no such folder. Give an http(s) address or a folder.")
    return (str(folder / spec.file_name),)


def _from_first(
    sources: tuple[str, ...],
    spec: WeightSpec,
    part: Path,
    config: TransferConfig,
    progress: ProgressCallback,
) -> tuple[str, str]:
    """The first source that gives the right file into ``part``, and the file's digest."""
    refusals: list[str] = []
    for source in sources:
        try:
            return source, _obtain(source, spec, part, config, progress)
        except (SourceError, CorruptFileError) as error:
            refusals.append(str(error))
        except InterruptedTransferError as error:
            if part_size(part):
                raise  # going elsewhere would lose what is here
            refusals.append(str(error))
    raise MissingAssetError(
        f"Cannot fetch '{spec.name}'. {' '.join(refusals)} Try again later, or get {spec.file_name}"
        f" from {spec.source} and run: l4f-bench fetch {spec.name} --mirror FOLDER"
    )


def _obtain(
    source: str, spec: WeightSpec, part: Path, config: TransferConfig, progress: ProgressCallback
) -> str:
    """Digest of the right file, now in ``part``; a wrong one is removed and refused."""
    resumed = part_size(part) > 0
    while True:
        if urlsplit(source).scheme in {"http", "https"}:
            download(source, part, num_bytes=spec.num_bytes, config=config, progress=progress)
        else:
            _copy(Path(source), part, progress)
        try:
            return check_file(spec, part, shown_as=source)
        except BenchError:
            discard(part)
            if not resumed:
                raise
            resumed = False  # the first half may have been another file: once more from zero


def _put(part: Path, target: Path) -> None:
    """Give a finished download its name; where that is a link, what it leads to is replaced."""
    try:
        # The digest is trusted from now on: the bytes must not be lost with the power.
        move(part, target.resolve() if target.is_symlink() else target)
    except OSError as error:
        raise cannot_write(target, error) from error


def _copy(source: Path, part: Path, progress: ProgressCallback) -> None:
    discard(part)
    if source.exists() and not source.is_file():
        raise SourceError(f"{source} is not a regular file.")
    try:
        with source.open("rb") as reader, part.open("wb") as writer:
            total, done = source.stat().st_size, 0
            while chunk := reader.read(_COPY_BYTES):
                writer.write(chunk)
                done += len(chunk)
                progress(done, total)
    except FileNotFoundError as error:
        raise SourceError(f"{source} does not exist.") from error
    except OSError as error:
        discard(part)
        raise InputError(f"Cannot copy {source} to {part}: {error.strerror}.") from error


@contextmanager
def _turn(target: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Keep other processes from fetching the same file meanwhile."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(target.with_name(f".{target.name}.lock"))
        try:
            held = lock.acquire(timeout=0)
        except Timeout:
            on_wait()
            held = lock.acquire()
    except OSError as error:
        raise InputError(
            f"Cannot write {target.parent}: {error.strerror}. Set L4F_CACHE to a folder you may "
            "write to."
        ) from error
    with held:
        yield


def _fetched(spec: WeightSpec, path: Path, digest: str, *, source: str | None) -> Fetched:
    size = path.stat().st_size
    return Fetched(name=spec.name, path=path, sha256=digest, num_bytes=size, source=source)
