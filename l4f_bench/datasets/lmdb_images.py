"""Images in an LMDB: LSUN's own files, and sets prepared in rosinality's layout."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
from array import array
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from l4f_bench.datasets.decoding import UnreadableError
from l4f_bench.datasets.depth import Depth
from l4f_bench.datasets.listing import LMDB_FILE
from l4f_bench.datasets.remarks import Remarks
from l4f_bench.datasets.squares import ByteArray, read_square
from l4f_bench.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from lmdb import Cursor, Environment, Transaction

_NUM_PROBES = 64
"""Values that a fingerprint reads."""

_WALK = """
import sys, lmdb
environment = lmdb.open(sys.argv[1], readonly=True, lock=False, readahead=False)
with environment.begin(buffers=True) as transaction:
    left, before = transaction.stat()["entries"], b""
    for key, value in transaction.cursor():
        left -= 1
        if left < 0 or before and bytes(key) <= before or len(value) > int(sys.argv[2]):
            sys.exit("keys are out of order")
        before = bytes(key)
"""
"""Goes through all keys: lmdb trusts its files, and ends the process where one is damaged."""

# A process may open a file once only, and may not use what its parent opened before a fork.
_OPEN: WeakValueDictionary[tuple[int, str], Environment] = WeakValueDictionary()
_OPENING = Lock()


class LmdbSource:
    """Encoded images of an LMDB, in the order of their keys or numbers.

    The file is opened for reading and without its lock, so nothing is written beside it. Each
    process opens it for itself; threads share that.
    """

    def __init__(self, folder: Path, num_images: int, key: Callable[[int], bytes]) -> None:
        """Take ``num_images`` of the LMDB; ``key`` gives the key of each number."""
        self._folder, self._num_images, self._key = folder, num_images, key
        self._depth = Depth(num_images, self._encoded)
        self.passed_over: str | None = None
        self.remarks = Remarks()
        self._environments = {os.getpid(): open_environment(folder)}

    def __len__(self) -> int:
        return self._num_images

    def name(self, number: int) -> str:
        """The file and the key."""
        return f"{self._folder / LMDB_FILE}, key {self._key(number).decode(errors='replace')},"

    def read(self, number: int, resolution: int) -> ByteArray | None:
        """The middle square of an image, uint8 ``[3, resolution, resolution]``; None if damaged."""
        encoded = self._encoded(number)
        if encoded is None:
            return None
        try:
            square = read_square(encoded, resolution, self._depth)
        except UnreadableError:
            return None
        self.remarks.add(square.remarks, self.name(number))
        return square.pixels

    def fingerprint(self) -> str:
        """SHA-256 of the number of images, all keys, and 64 evenly spread values."""
        digest = hashlib.sha256(f"{len(self)}\0".encode())
        for number in range(len(self)):
            digest.update(self._key(number) + b"\0")
        for probe in range(_NUM_PROBES):
            digest.update(self._value(probe * len(self) // _NUM_PROBES) or b"")
        return digest.hexdigest()

    def _encoded(self, number: int) -> io.BytesIO | None:
        value = self._value(number)
        return None if value is None else io.BytesIO(value)

    def _value(self, number: int) -> bytes | None:
        import lmdb

        process = os.getpid()
        if process not in self._environments:
            self._environments = {process: open_environment(self._folder)}
        try:
            with self._environments[process].begin() as transaction:
                value: bytes | None = transaction.get(self._key(number))
        except lmdb.Error:
            return None
        return value


def open_lmdb(folder: Path, resolution: int) -> LmdbSource:
    """The images of an LMDB folder: of one of its sizes if it is in rosinality's layout.

    LSUN's values are encoded images under arbitrary keys. The other layout has the number of images
    under ``length`` and each image once per resolution, under ``{resolution}-{number:05d}``.

    Raises:
        InputError: The file is damaged or empty, or does not have this resolution.
        MissingDependencyError: ``lmdb`` is not installed.
    """
    environment = open_environment(folder)
    _check_pages(folder / LMDB_FILE)
    with environment.begin() as transaction:
        length = transaction.get(b"length")
        if length is None:
            keys = _Keys(transaction)
            if not len(keys):
                raise InputError(f"{folder / LMDB_FILE} is empty. Give an LMDB of images.")
            return LmdbSource(folder, len(keys), keys.__getitem__)
        num_images = _num_prepared(folder, transaction, bytes(length), resolution)
    return LmdbSource(folder, num_images, lambda number: b"%d-%05d" % (resolution, number))


def open_environment(folder: Path) -> Environment:
    """The LMDB of a folder, open for reading and shared by what reads it in this process.

    Raises:
        InputError: The file is not an LMDB, is cut short, or may not be read.
        MissingDependencyError: ``lmdb`` is not installed.
    """
    place = (os.getpid(), str(folder.resolve()))
    with _OPENING:
        for inherited in [known for known in _OPEN if known[0] != place[0]]:
            _OPEN.pop(inherited).close()
        environment = _OPEN.get(place)
        if environment is None:
            environment = _OPEN[place] = _open(folder)
    return environment


def _open(folder: Path) -> Environment:
    try:
        import lmdb
    except ImportError:
        raise MissingDependencyError(
            f"{folder} is an LMDB, and the package lmdb is not installed. Run: pip install lmdb"
        ) from None
    path = folder / LMDB_FILE
    try:
        environment = lmdb.open(str(folder), readonly=True, lock=False, readahead=False)
        needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    except (lmdb.Error, OSError) as error:
        raise InputError(f"{path} cannot be opened as an LMDB ({error}). Copy it again.") from None
    if path.stat().st_size < needed:  # reading past its end would kill the process
        raise InputError(
            f"{path} is cut short: {path.stat().st_size} of {needed} bytes. Copy it again."
        )
    return environment


def _check_pages(path: Path) -> None:
    """Raise if the keys of an LMDB cannot be gone through, by trying it in a process of its own."""
    arguments = [sys.executable, "-P", "-c", _WALK, str(path.parent), str(path.stat().st_size)]
    walked = subprocess.run(arguments, capture_output=True, check=False)
    if walked.returncode:
        said = walked.stderr.decode(errors="replace").split("\n")
        why = next((line for line in reversed(said) if line.strip()), "pages that make no sense")
        raise InputError(f"{path} is damaged ({why.strip()}). Copy it again.")


class _Keys:
    """The keys of an LMDB, packed: LSUN's cars have 5.5 million of 40 bytes."""

    def __init__(self, transaction: Transaction) -> None:
        self._packed, self._ends = bytearray(), array("q", [0])
        cursor = transaction.cursor()
        for key in cursor.iternext(keys=True, values=False):
            self._packed += key
            self._ends.append(len(self._packed))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> bytes:
        return bytes(self._packed[self._ends[number] : self._ends[number + 1]])


def _num_prepared(folder: Path, transaction: Transaction, length: bytes, resolution: int) -> int:
    path = folder / LMDB_FILE
    there = _resolutions(transaction.cursor())
    if resolution not in there:
        known = ", ".join(str(side) for side in there) or "none"
        raise InputError(f"{path} has no images of {resolution} pixels. Its resolutions: {known}.")
    if not length.isdigit() or int(length) < 1:
        raise InputError(f"{path} has the length {length!r}, which is not a number of images.")
    num_images = int(length)
    last = b"%d-%05d" % (resolution, num_images - 1)
    if transaction.get(last) is None:
        raise InputError(f"{path} should hold {num_images} images but lacks {last.decode()}.")
    return num_images


def _resolutions(cursor: Cursor) -> list[int]:
    found = set()
    more = cursor.first()
    while more:
        match = re.match(rb"(\d{1,6})-", cursor.key())
        if match:
            found.add(int(match[1]))
            more = cursor.set_range(match[1] + b".")  # the first key after all of "{side}-"
        else:
            more = cursor.next()
    return sorted(found)
