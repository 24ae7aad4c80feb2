"""Errors that a user can cause, each with the exit code the command line ends with."""

from l4f_bench.terminal import one_line


class BenchError(Exception):
    """A failure with a one-line explanation and remedy; the command exits with ``exit_code``.

    Whatever names and texts of files the message quotes, it is one line that only shows.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class InputError(BenchError):
    """Wrong usage, or a file or folder that cannot be used as given."""

    exit_code = 2


class MissingAssetError(BenchError):
    """Weights or data that are not there; the message says how to get them."""

    exit_code = 3


class MissingDependencyError(BenchError):
    """An optional package is not installed; the message says how to install it."""

    exit_code = 4


class TrainingError(BenchError):
    """Training went wrong: losses that are not numbers, or a collapse."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python, or PyTorch on a CPU or GPU, got no memory.

    PyTorch has a class of its own for GPUs alone; it is told by its name, to leave PyTorch out.
    """
    text = str(error)
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and "DefaultCPUAllocator" in text)
    )
