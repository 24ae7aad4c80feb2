"""A method in a user's own Python file, for which no package is needed."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import textwrap
from dataclasses import dataclass
from importlib.abc import ExecutionLoader
from pathlib import Path
from types import ModuleType

from l4f_bench.errors import InputError
from l4f_bench.registry import code_of_others

SUFFIX = ".py"
LOAD = "load"
"""Name of the function that gives the method."""

_LONGEST_TITLE = 60  # it stands in the first column of tables


@dataclass(frozen=True, slots=True)
class MethodFile:
    """A file that was run, and holds a function ``load``."""

    path: Path
    title: str
    """Its ``TITLE``, else the first line of its docstring, else its stem."""
    sha256: str
    module: str
    """Name under which it is imported."""


def is_method_file(name: str) -> bool:
    """Whether a method's name is meant as a file's."""
    return name.endswith(SUFFIX)


def read_method_file(path: Path) -> MethodFile:
    """Run a method file, or take what running it gave before, if it has not changed since.

    Raises:
        InputError: There is no such file, it fails, or it has no function ``load``.
        MissingDependencyError: It imports what is not installed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The method file {path} cannot be read ({error.strerror}). Give a Python file with a "
            f"function {LOAD}, or the name of a method."
        ) from None
    digest = hashlib.sha256(content).hexdigest()
    place = hashlib.sha256(bytes(path.resolve())).hexdigest()
    name = f"l4f_bench_method_file_{place}_{digest}"
    module = sys.modules.get(name) or _run(path, content, name)
    if not callable(getattr(module, LOAD, None)):
        raise InputError(
            f"The method file {path} has no function {LOAD}. Add one that returns the method."
        )
    return MethodFile(path, _title(module, path), digest, name)


class _Content(ExecutionLoader):
    """Runs the bytes whose digest is recorded, where Python's own loader may run a cached file."""

    def __init__(self, path: Path, content: bytes) -> None:
        self._path, self._content = path, content

    def get_filename(self, fullname: str) -> str:
        return str(self._path)

    def get_source(self, fullname: str) -> str:
        return importlib.util.decode_source(self._content)


def _run(path: Path, content: bytes, name: str) -> ModuleType:
    spec = importlib.util.spec_from_loader(name, _Content(path, content))
    assert spec is not None, "a loader was given"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for it, and imports by name
    try:
        with code_of_others(f"the method file {path}"):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _title(module: ModuleType, path: Path) -> str:
    said = getattr(module, "TITLE", None) or (module.__doc__ or "").strip().partition("\n")[0]
    return textwrap.shorten(str(said), _LONGEST_TITLE, placeholder="…").rstrip(".") or path.stem
