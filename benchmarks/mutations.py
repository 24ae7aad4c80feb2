"""Thousands of damaged files of every readable kind: each is read, or refused in one line.

Checkpoints, statistics, records and their pieces, images, and the files of the folders of runs are
damaged in ways that depend on the number of the attempt alone. Where a file is read after all, what
it leads to is used too: networks are built, records are drawn in every format, and a folder that is
resumed must end as it was. Nothing may be written to stderr, by C libraries either. Prints JSON,
and exits with 1 if any file does anything else:

    python benchmarks/mutations.py --count 10000 --golden ../shared/golden
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import random
import resource
import shutil
import struct
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from mutation_kinds import Kind, all_kinds

from l4f_bench.errors import BenchError

NASTY = (
    b"\xff" * 8, b"\x00" * 8, b"\x7f\xff\xff\xff", b"\n", b"\x1b[2J", b"\xe2\x80\xa8", b"[" * 3000,
    b'{"a":' * 3000, b"null", b"NaN", b"1e999", b"-1", b'""', b"[]", b"{}", b"9" * 5000,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 10**400, 1 << 63, 0.5, -1e308, 1e308, "", "a", "=1+1", "\x1b[2J", "\ud800",
    "../../x", "9" * 5000, "<b>|*_$&", [], [[]], {}, {"": None}, {"value": None},
)  # fmt: skip
SOUND = ("read", "refused")
PNG = b"\x89PNG\r\n\x1a\n"


def main() -> bool:
    """Damage files of every kind in turn, and print what came of them; True if there are faults."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="Number of the first attempt.")
    parser.add_argument("--only", default="", help="Kinds whose names begin with this.")
    parser.add_argument("--golden", type=Path, help="Folder with the pickles of the golden cases.")
    args = parser.parse_args()
    faulthandler.enable()  # should a C library crash
    warnings.filterwarnings("ignore", module="PIL")  # as the commands do
    counts: dict[str, Counter[str]] = {}
    faults, slowest = [], (0.0, "")
    with tempfile.TemporaryDirectory() as folder:
        kinds = all_kinds(Path(folder), args.golden)
        kinds = {name: kind for name, kind in kinds.items() if name.startswith(args.only)}
        for number in range(args.first, args.first + args.count):
            name = list(kinds)[number % len(kinds)]
            started = time.perf_counter()
            result = outcome(kinds[name], Path(folder) / "work", number)
            slowest = max(slowest, (round(time.perf_counter() - started, 2), name))
            if result not in SOUND:
                faults.append(f"attempt {number}, {name}: {result}")
                result = "faults"
            counts.setdefault(name, Counter())[result] += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    total = sum(counts.values(), Counter[str]())
    report = {"files": args.count, **total, "slowest_s": slowest, "peak_mib": peak}
    print(json.dumps({**report, "kinds": counts, "found": faults}, indent=2))
    return bool(faults)


def outcome(kind: Kind, folder: Path, number: int) -> str:
    """Damage a file in a folder of its own and try it: ``read``, ``refused``, or the fault."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / kind.source.name
    path.write_bytes(damaged(kind.source, random.Random(number)))
    with tempfile.TemporaryFile() as noise:
        try:
            with stderr_in(noise):
                kind.attempt(path)
            result = "read"
        except BenchError as error:
            message = str(error)
            result = "refused" if message.isprintable() else f"not one printable line: {message!r}"
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            result = f"{type(error).__name__}: {error} ({place.filename}, line {place.lineno})"
        noise.seek(0)
        heard = noise.read(1000)
    return f"on stderr: {heard!r}" if heard and result in SOUND else result


@contextmanager
def stderr_in(file: IO[bytes]) -> Iterator[None]:
    """Send to a file what anybody writes to stderr, C libraries included."""
    stderr = os.dup(2)
    os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(stderr, 2)
        os.close(stderr)


def damaged(source: Path, rng: random.Random) -> bytes:
    """The content of a file, changed by the byte or, if it is JSON, by the value."""
    data = source.read_bytes()
    if source.suffix in (".json", ".jsonl") and rng.randrange(4):
        return changed_json(data, rng)
    changed = changed_bytes(data, rng)
    return with_checksums(changed) if data.startswith(PNG) and rng.randrange(4) else changed


def changed_bytes(data: bytes, rng: random.Random) -> bytes:
    """``data`` with some of its bytes changed, removed, moved or put in."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        edge = min(4000, len(changed) // 2)  # structure sits at the two ends, tensors in between
        at = rng.choice((rng.randrange(edge + 1), len(changed) - rng.randrange(edge + 1)))
        at = rng.choice((at, rng.randrange(len(changed) + 1)))
        end = at + rng.choice((1, 8, 100, len(changed)))
        way = rng.randrange(6)
        if way == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif way == 1:
            del changed[at:end]
        elif way == 2:
            changed[at:at] = rng.choice((rng.choice(NASTY), rng.randbytes(rng.randrange(1, 17))))
        elif way == 3:
            changed[at : at + 8] = rng.choice(NASTY)
        elif way == 4:
            changed[at:at] = changed[at:end][:10_000]
        else:
            changed[at:end] = reversed(changed[at:end])
    return bytes(changed)


def changed_json(data: bytes, rng: random.Random) -> bytes:
    """A JSON document, or lines of such, with some values exchanged, removed or doubled."""
    try:
        document = json.loads(data)
    except ValueError:
        lines = data.splitlines(keepends=True)
        number = rng.randrange(len(lines))
        lines[number] = changed_json(lines[number], rng) + b"\n"
        return b"".join(lines)
    for _ in range(rng.choice((1, 1, 2, 4))):
        places = list(places_in(document))
        if places:
            change(*rng.choice(places), rng)
    return json.dumps(document).encode()


def places_in(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON document, as what holds it and its key there."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from places_in(value[key])


def change(holder: Any, key: Any, rng: random.Random) -> None:
    """Exchange, remove or double what stands in one place."""
    way = rng.randrange(6)
    if way == 0:
        del holder[key]
    elif way == 1 and isinstance(holder, list):
        holder.insert(key, holder[key])
    elif way == 2 and type(holder[key]) in (int, float):
        holder[key] = rng.choice((-holder[key], holder[key] * 1000, str(holder[key])))
    else:
        holder[key] = json.loads(json.dumps(rng.choice(VALUES)))


def with_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have the checksums of what is in them, so that it is read further."""
    changed, at = bytearray(data), len(PNG)
    while at + 12 <= len(changed):
        end = at + 8 + struct.unpack(">I", changed[at : at + 4])[0]
        changed[end : end + 4] = struct.pack(">I", zlib.crc32(changed[at + 4 : end]))
        at = end + 4
    return bytes(changed)


if __name__ == "__main__":
    sys.exit(main())
