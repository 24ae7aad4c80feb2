"""Settings of the whole test run, and what rooms share."""

import os
from pathlib import Path

# Before PyTorch is imported. Small networks gain nothing from threads, and these wait long for each
# other on cores that are taken.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("fixed")


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty weights cache of the test's own, and no proxy before local servers."""
    monkeypatch.setenv("L4F_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "cache"
