"""Packages that only some edits need."""

from __future__ import annotations

import importlib
from typing import Any

from l4f_bench.errors import MissingDependencyError

_NAMES = {
    "cv2": "OpenCV",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "torchdiffeq": "torchdiffeq",
}
_EXTRA = {"cv2": "classical"}


def editing_package(module: str, what: str) -> Any:
    """A module of an optional package.

    Args:
        module: Its name.
        what: What needs it.

    Raises:
        MissingDependencyError: It cannot be imported; the message has the line that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        top = module.partition(".")[0]
        raise MissingDependencyError(
            f"{what} needs {_NAMES[top]}. Install it: pip install "
            f"'l4f-bench[{_EXTRA.get(top, 'editing')}]'."
        ) from None
