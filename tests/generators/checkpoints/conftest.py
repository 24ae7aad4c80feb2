from __future__ import annotations

from pathlib import Path

import pytest

from tests.generators.checkpoints.files import write_all


@pytest.fixture(scope="session")
def valid_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One small valid file of every format, by format."""
    return write_all(tmp_path_factory.mktemp("valid"))


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory, where an armed file would leave its mark."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
