"""Statistics of an image set as a file: pytorch-fid's ``.npz`` with ``mu`` and ``sigma``.

Ours also say how they were made, in arrays that pytorch-fid passes over: ``count``, ``divisor``,
``features``, ``resize`` and ``weights_sha256``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from l4f_bench.errors import InputError
from l4f_bench.files.errors import RefusedError
from l4f_bench.files.npz import read_arrays
from l4f_bench.metrics.moments import Gaussian
from l4f_bench.runs import atomic_path, check_file

SUFFIX = ".npz"

_LONGEST_TEXT = 200
_TEXTS = ("divisor", "features", "resize", "weights_sha256")


@dataclass(frozen=True, kw_only=True, slots=True)
class SetStatistics:
    """The normal distribution of an image set's features, and how it came about.

    What a file does not state is None.
    """

    gaussian: Gaussian
    count: int | None = None
    """Images."""
    divisor: str | None = None
    features: str | None = None
    """Key of the feature extractor."""
    resize: str | None = None
    weights_sha256: str | None = None


def write_statistics(path: Path, statistics: SetStatistics) -> None:
    """Write a statistics file whole or not at all; pytorch-fid reads it, too.

    Raises:
        InputError: The name does not end in ``.npz``, or the folder cannot be written.
    """
    check_statistics_name(path)
    stated: dict[str, Any] = {
        name: getattr(statistics, name)
        for name in ("count", *_TEXTS)
        if getattr(statistics, name) is not None
    }
    gaussian = statistics.gaussian
    with atomic_path(path) as temporary:
        np.savez(temporary, mu=gaussian.mean, sigma=gaussian.covariance, **stated)


def check_statistics_name(path: Path) -> None:
    """Raise unless programs will know the file as statistics, and it can be written.

    Raises:
        InputError: The name does not end in ``.npz`` or is that of a folder or device, or the
            folder cannot be written.
    """
    if path.suffix != SUFFIX:
        raise InputError(f"Statistics are written to a file ending in {SUFFIX}, not to {path}.")
    check_file(path)


def read_statistics(path: Path) -> SetStatistics:
    """Read a statistics file of pytorch-fid or of ours, without running anything in it.

    Raises:
        InputError: It cannot be read, lacks ``mu`` or ``sigma``, or they cannot be statistics.
    """
    try:
        found = read_arrays(path, ("mu", "sigma", "count", *_TEXTS))
    except RefusedError as error:
        raise InputError(f"{path} cannot be read as statistics ({error}). Make it again.") from None
    missing = [name for name in ("mu", "sigma") if name not in found]
    if missing:
        raise InputError(
            f"{path} holds no {' and no '.join(missing)}. Give what pytorch-fid or "
            "`l4f-bench fid --save-stats` wrote."
        )
    return SetStatistics(
        gaussian=_gaussian(path, found["mu"], found["sigma"]),
        count=_count(path, found.get("count")),
        **{name: _text(path, name, found[name]) for name in _TEXTS if name in found},
    )


def _gaussian(path: Path, mean: Any, covariance: Any) -> Gaussian:
    for name, array in (("mu", mean), ("sigma", covariance)):
        if array.dtype.kind not in "fiu":
            raise InputError(f"{path} cannot be used: its {name} is of type {array.dtype!s:.40}.")
    try:
        with np.errstate(over="ignore"):  # what is too large for a float64 becomes infinite
            gaussian = Gaussian(mean.astype(np.float64), covariance.astype(np.float64))
    except InputError as error:
        raise InputError(f"{path} cannot be used: {error}") from None
    # Our own covariances are sums of squares; a file's may be anything.
    variances = np.linalg.eigvalsh(gaussian.covariance)
    if variances[0] < -1e-4 * abs(variances[-1]):
        raise InputError(f"{path} cannot be used: its sigma is not a covariance of any data.")
    return gaussian


def _count(path: Path, count: Any) -> int | None:
    if count is None:
        return None
    if count.shape != () or count.dtype.kind not in "iu" or count < 2:
        raise InputError(f"{path} cannot be used: its count is not a number of images.")
    return int(count)


def _text(path: Path, name: str, text: Any) -> str:
    value = str(text) if text.shape == () and text.dtype.kind == "U" else ""
    if not value or len(value) > _LONGEST_TEXT or not value.isprintable():
        raise InputError(f"{path} cannot be used: its {name} is not a short text.")
    return value
