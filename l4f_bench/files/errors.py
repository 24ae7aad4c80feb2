"""How a file that cannot be read is reported: one line with its name and the reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from l4f_bench.errors import BenchError, InputError, is_out_of_memory
from l4f_bench.terminal import one_line

_LONGEST_REASON = 20_000  # room for a list of keys that do not fit


class CheckpointError(InputError):
    """A network file that is refused; the message names the file and the reason in one line."""


class RefusedError(Exception):
    """Why content is refused. Raised while reading, where the name of the file is not known."""


@contextmanager
def refusals_named(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while ``path`` is read into a ``CheckpointError``.

    A damaged file makes the libraries below raise nearly anything, so every exception counts.

    Raises:
        CheckpointError: Anything was raised within the block.
    """
    try:
        yield
    except CheckpointError:
        raise
    except (RefusedError, BenchError) as error:
        raise CheckpointError(_one_line(path, str(error))) from error
    except OSError as error:
        raise CheckpointError(_one_line(path, error.strerror or str(error))) from error
    except Exception as error:
        reason = f"damaged or not supported ({type(error).__name__}: {error})"
        if is_out_of_memory(error):
            reason = "it takes more memory than there is"
        raise CheckpointError(_one_line(path, reason)) from error


def _one_line(path: Path, reason: str) -> str:
    words = one_line(reason[:_LONGEST_REASON]).strip()
    return f"Cannot read {path}: {words.removesuffix('.')}."
