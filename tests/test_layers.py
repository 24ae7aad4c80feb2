"""Imports point one way: a room imports only rooms above it in the list of the design."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "l4f_bench"
BASELINES = PACKAGE.parent / "baselines" / "l4f_bench_baselines"

# From the bottom of the house up; rooms on one line may import each other.
LAYERS = (
    {
        "__init__",
        "errors",
        "escapes",
        "interrupts",
        "json_data",
        "registry",
        "arrays",
        "packages",
        "progress",
        "provenance",
        "runs",
        "seeds",
        "sheets",
        "terminal",
    },
    {
        "assets",
        "blocks",
        "cores",
        "devices",
        "distributed",
        "folding",
        "precision",
        "rounds",
        "tensors",
    },
    {"metrics"},
    {"files"},
    {"weight_spec", "weights", "cache", "remote_file", "transfer", "fetching"},
    {"datasets"},
    {"doctor"},
    {"generators"},
    {"annotators"},
    {"methods"},
    {"students"},
    {"projection"},
    {"features"},
    {"analysis"},
    {"training"},
    {"evaluation"},
    {"editing"},
    {"reporting"},
    {"catalogue", "front", "reproduction"},
    {"cli"},
    {"__main__"},
)
# `metrics` sees arrays, never data sets or models.
FORBIDDEN = {"metrics": {"datasets", "generators", "methods", "annotators", "features"}}


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def layer_of(room: str) -> int:
    for index, layer in enumerate(LAYERS):
        if room in layer:
            return index
    raise AssertionError(f"{room} stands in no layer: add it to LAYERS")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported_modules(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
            if node.module == "l4f_bench":
                names = [f"l4f_bench.{alias.name}" for alias in node.names]
        found |= set(names)
    return found


def imported_rooms(path: Path) -> set[str]:
    names = imported_modules(path)
    rooms = {room_of(name) for name in names if name.split(".")[0] == "l4f_bench"}
    # `from l4f_bench import __version__` names the package itself, not a room.
    return {"__init__" if room.startswith("__") else room for room in rooms}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down_the_layers_only(path: Path) -> None:
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    for room in imported_rooms(path) - {own}:
        assert layer_of(room) <= layer_of(own), f"{own} imports {room}"
        assert room not in FORBIDDEN.get(own, set()), f"{own} imports {room}"


def test_baselines_know_the_benchmark_and_never_the_reverse() -> None:
    for path in modules():
        assert not any(
            name.split(".")[0] == "l4f_bench_baselines" for name in imported_modules(path)
        ), path


def test_baselines_do_not_know_the_commands_nor_each_other() -> None:
    for path in BASELINES.rglob("*.py"):
        assert "cli" not in imported_rooms(path), path
        own = path.relative_to(BASELINES).parts[0]
        others = {
            name for name in imported_modules(path) if name.startswith("l4f_bench_baselines.")
        }
        assert {name.split(".")[1] for name in others} <= {own}, path


def test_no_relative_imports() -> None:
    for path in [*modules(), *BASELINES.rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path
