"""What ran: command, versions, revision, digests. Written beside every result."""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from stat import S_ISREG
from typing import Any

from l4f_bench import __version__
from l4f_bench.errors import InputError

_PACKAGES = ("numpy", "pandas", "pillow", "pytorch-fid", "torch", "torchmetrics", "torchvision")


def provenance() -> dict[str, Any]:
    """Command line, UTC time, package versions, git revision and platform of this process."""
    return {
        "command": ["l4f-bench", *sys.argv[1:]],
        "time_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        **environment(),
    }


def environment() -> dict[str, Any]:
    """The part of :func:`provenance` that is the same from run to run on one machine.

    ``tf32`` says, where anything was computed, whether a GPU might have rounded products so.
    """
    devices = sys.modules.get("l4f_bench.devices")  # not imported for the sake of a line
    return {
        "versions": {"l4f-bench": __version__, "python": platform.python_version(), **_versions()},
        "revision": git_revision(),
        "platform": f"{platform.system()} {platform.machine()}",
        **({} if devices is None else {"tf32": devices.tf32_allowed()}),
    }


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in blocks.

    Raises:
        InputError: It is a pipe or device, which may never end.
    """
    if not S_ISREG(path.stat().st_mode):
        raise InputError(f"{path} is a folder, pipe or device. Put a file in its place.")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_files(paths: Iterable[Path]) -> str:
    """Hexadecimal SHA-256 over the names and contents of ``paths``, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        line = f"{path.name}\0{sha256_of(path)}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()


@cache
def git_revision() -> str | None:
    """Commit of the source tree that runs, with ``-dirty`` if changed; None outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    source = Path(__file__).parent
    if not (source.parent / ".git").exists():  # an installed copy has no revision
        return None
    try:
        answer = subprocess.run(command, cwd=source, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
