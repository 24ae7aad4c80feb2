"""What an installed copy needs besides its modules comes with it."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

from l4f_bench import __version__

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


def test_the_citation_is_of_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {__version__}\n" in citation


def test_every_page_of_the_documentation_stands_in_its_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert set(re.findall(r"[\w-]+\.md", navigation)) == pages


def test_modules_of_the_api_reference_exist() -> None:
    named = re.findall(r"^::: (\S+)$", (ROOT / "docs/reference.md").read_text(), re.MULTILINE)
    assert named
    assert [name for name in named if importlib.util.find_spec(name) is None] == []


def test_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []
