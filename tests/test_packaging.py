"""What an installed copy needs besides its modules comes with it."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOPS = {"l4f_bench": ROOT, "l4f_bench_baselines": ROOT / "baselines"}


def folder_of(package: str) -> Path:
    return TOPS[package.split(".")[0]] / package.replace(".", "/")


def test_every_data_file_is_named_in_the_package_data() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packed: set[Path] = set()
    for package, patterns in project["tool"]["setuptools"]["package-data"].items():
        names = list(TOPS) if package == "*" else [package]
        for name in names:
            folder = folder_of(name)
            assert (folder / "__init__.py").is_file(), f"{name} is not a package"
            packed |= {path for pattern in patterns for path in folder.glob(pattern)}
    files = {path for top in TOPS for path in folder_of(top).rglob("*") if path.is_file()}
    data = {path for path in files if path.suffix not in (".py", ".pyc")}
    assert data
    assert data - packed == set()
