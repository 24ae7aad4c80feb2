"""Packages that only some edits need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from l4f_bench.errors import MissingDependencyError


@contextmanager
def needed(package: str, what: str, *, extra: str = "editing") -> Iterator[None]:
    """Turn a failing import within the block into one line with what installs it.

    Args:
        package: Name of the package.
        what: What needs it.
        extra: The extra that brings it.

    Raises:
        MissingDependencyError: It cannot be imported.
    """
    try:
        yield
    except ImportError:
        raise MissingDependencyError(
            f"{what} needs {package}. Install it: pip install 'l4f-bench[{extra}]'."
        ) from None
