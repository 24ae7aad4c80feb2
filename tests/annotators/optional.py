"""Packages that tests can do without."""

from __future__ import annotations

import pytest


def torchvision_or_skip() -> None:
    """Skip where torchvision is absent, or was built for another torch."""
    try:
        import torchvision.ops  # noqa: F401
    except Exception as error:
        pytest.skip(f"torchvision cannot be imported: {error}")
