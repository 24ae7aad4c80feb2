"""What the inert records of a pickle mean: mappings, NumPy arrays and plain metadata."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

import numpy as np

from l4f_bench.files.errors import RefusedError
from l4f_bench.files.restricted_pickle import Inert, Name

NUMPY_NAMES = frozenset(
    {
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
    }
)
MAPPING_NAMES = frozenset({("collections", "OrderedDict"), ("dnnlib.util", "EasyDict")})
_MAPPINGS = {".".join(name) for name in MAPPING_NAMES}
_DTYPES = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}
_MAX_DIMENSIONS = 8
_MAX_METADATA_VALUES = 10_000
_MAX_METADATA_DEPTH = 16
_MAX_METADATA_TEXT = 1000


def as_mapping(value: Any, what: str) -> dict[Any, Any]:
    """Items of a pickled dict, OrderedDict or EasyDict.

    Raises:
        RefusedError: ``value`` is none of them; the message calls it ``what``.
    """
    if isinstance(value, dict):
        return value
    if isinstance(value, Inert) and value.path in _MAPPINGS and not value.args:
        return value.items or {}
    raise RefusedError(f"{what} is not a dict")


def is_array(value: Any) -> bool:
    """Whether a pickled value is a NumPy array or scalar."""
    return (
        isinstance(value, Inert) and value.path.startswith("numpy.") and "dtype" not in value.path
    )


def as_array(value: Any) -> np.ndarray[Any, Any]:
    """Array (read-only view of the file) for a pickled NumPy array or scalar, or a Python number.

    Raises:
        RefusedError: Shape, dtype and bytes do not belong together, or it is something else.
    """
    if isinstance(value, int | float):
        return np.asarray(value, dtype=np.float32)
    if isinstance(value, Inert) and value.path.endswith(".multiarray.scalar"):
        dtype, raw = _tuple_of(value.args, 2)
        return _array((), _dtype(dtype), raw)
    if isinstance(value, Inert) and value.path.endswith(".multiarray._reconstruct"):
        _, shape, dtype, fortran, raw = _tuple_of(value.state, 5)
        if fortran is True and isinstance(shape, tuple):
            return _array(tuple(reversed(shape)), _dtype(dtype), raw).T
        return _array(shape, _dtype(dtype), raw)
    raise RefusedError("a value that is neither a number nor a NumPy array")


def checked_shape(shape: Any) -> tuple[int, ...]:
    """``shape`` if it is a tuple of at most eight non-negative integers.

    Raises:
        RefusedError: It is not.
    """
    plain = isinstance(shape, tuple) and len(shape) <= _MAX_DIMENSIONS
    if not plain or not all(type(n) is int and 0 <= n < 1 << 40 for n in shape):
        raise RefusedError("a tensor with an impossible shape")
    return tuple(shape)


def plain(value: Any) -> Any:
    """``value`` as JSON data: settings stay, everything else becomes the name of its type.

    Raises:
        RefusedError: There is more of it than settings can be.
    """
    return _Plain().convert(value, 0)


class _Plain:
    """Counts the values, since shared ones would multiply without end."""

    def __init__(self) -> None:
        self.values = 0

    def convert(self, value: Any, depth: int) -> Any:
        self.values += 1
        if self.values > _MAX_METADATA_VALUES or depth > _MAX_METADATA_DEPTH:
            raise RefusedError("settings that are nested without end")
        if isinstance(value, Inert) and value.path in _MAPPINGS:
            value = value.items or {}
        if isinstance(value, Namespace):
            value = vars(value)
        if isinstance(value, Mapping):
            return {str(k)[:80]: self.convert(v, depth + 1) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.convert(element, depth + 1) for element in value]
        return plain_scalar(value)


def plain_scalar(value: Any) -> Any:
    """``value`` as JSON data if it is one number or text; the name of its type if it is more."""
    if is_array(value) and value.path.endswith(".scalar"):
        value = as_array(value).item()
    if isinstance(value, str):
        return value[:_MAX_METADATA_TEXT]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Inert | Name):
        return f"<{value.path}>"
    return f"<{type(value).__name__}>"


def _tuple_of(value: Any, length: int) -> tuple[Any, ...]:
    if not isinstance(value, tuple) or len(value) != length:
        raise RefusedError("a malformed NumPy value")
    return value


def _dtype(value: Any) -> np.dtype[Any]:
    if not isinstance(value, Inert) or value.path != "numpy.dtype":
        raise RefusedError("a NumPy value without a dtype")
    code = value.args[0] if value.args else None
    if not isinstance(code, str) or code not in _DTYPES:
        raise RefusedError("a NumPy value that is not numeric")
    big_endian = isinstance(value.state, tuple) and value.state[1:2] == (">",)
    return np.dtype((">" if big_endian else "<") + code)


def _array(shape: Any, dtype: np.dtype[Any], raw: Any) -> np.ndarray[Any, Any]:
    shape = checked_shape(shape)
    if isinstance(raw, Inert) and raw.path == "_codecs.encode" and raw.args[1:] == ("latin1",):
        raw = raw.args[0]  # how Python 3 writes bytes for Python 2
    if isinstance(raw, str):  # written by Python 2
        raw = raw.encode("latin1")
    if not isinstance(raw, bytes | memoryview) or len(raw) != math.prod(shape) * dtype.itemsize:
        raise RefusedError(f"a NumPy array whose bytes do not fill its shape {shape}")
    return np.frombuffer(raw, dtype).reshape(shape)
