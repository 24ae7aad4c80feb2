from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from l4f_bench import doctor
from l4f_bench.cache import remember_digest, weight_path
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.doctor import dataset_states, diagnose, package_state, weight_state
from l4f_bench.packages import PACKAGES, Package
from l4f_bench.weights import WEIGHTS

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("L4F_CACHE", str(tmp_path))
    return tmp_path


def place(name: str, content: bytes = b"x") -> Path:
    path = weight_path(WEIGHTS.get(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def states() -> dict[str, doctor.DatasetState]:
    weights = {name: weight_state(WEIGHTS.get(name)) for name in WEIGHTS.names()}
    return {state.name: state for state in dataset_states(weights)}


def test_every_dependency_of_the_package_is_looked_at() -> None:
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    names = {line.split(">")[0].split("<")[0].strip() for line in project["dependencies"]}
    assert names <= {package.name for package in PACKAGES}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_package_says_how_to_install_it(package: Package) -> None:
    assert package.install.startswith("pip install ")
    assert package.used_for


def test_every_package_is_imported_somewhere() -> None:
    imported = set()
    root = PYPROJECT.parent
    for path in (*root.glob("l4f_bench/**/*.py"), *root.glob("baselines/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported |= set(node.module.split("."))  # tensorboard comes by way of torch.utils
    assert {package.module for package in PACKAGES} <= imported


def test_looking_at_packages_imports_none_of_them() -> None:
    modules = [package.module for package in PACKAGES if not package.required]
    code = (
        "import sys; from l4f_bench.doctor import package_state; "
        "from l4f_bench.packages import PACKAGES; [package_state(p) for p in PACKAGES]; "
        f"print([name for name in {['torch', *modules]!r} if name in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_installed_package_has_its_version() -> None:
    torch = next(package for package in PACKAGES if package.name == "torch")
    state = package_state(torch)
    assert (state.version, state.problem) == (metadata.version("torch"), None)


def test_absent_package_is_not_installed() -> None:
    absent = Package(name="no-such-thing", module="no_such_thing", used_for="x", install="x")
    assert package_state(absent).problem == "not installed"


@pytest.mark.parametrize(
    ("needs", "problem"),
    [
        (["numpy", "torch==0.1.0"], "built for torch 0.1.0, but {} is installed"),
        (["torch (==0.1.0)"], "built for torch 0.1.0, but {} is installed"),
        (["torch=={}"], None),
        (["torch=={}+cpu"], None),
        (["torch>=1.0"], None),
        (['torch==0.1.0; extra == "typing"'], None),
    ],
)
def test_package_built_for_another_torch_is_found(
    needs: list[str], problem: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = metadata.version("torch").split("+")[0]
    monkeypatch.setattr(metadata, "requires", lambda name: [need.format(torch) for need in needs])
    package = Package(name="numpy", module="numpy", used_for="x", install="x")
    assert package_state(package).problem == (problem and problem.format(torch))


def test_weights_are_missing_partial_present_verified_or_damaged() -> None:
    def state(name: str) -> tuple[str, int | None]:
        found = weight_state(WEIGHTS.get(name))
        assert (found.command is None) == (found.state in {"present", "verified"})
        return found.state, found.num_bytes

    assert state("psp-ffhq") == ("missing", None)
    path = weight_path(WEIGHTS.get("psp-ffhq"))
    path.parent.mkdir(parents=True)
    path.with_name(f"{path.name}.part").write_bytes(b"12345")
    assert state("psp-ffhq") == ("partial", 5)
    place("psp-ffhq")
    assert state("psp-ffhq") == ("present", 1)
    remember_digest(path, "0" * 64, size=1, mtime_ns=path.stat().st_mtime_ns)
    assert state("psp-ffhq") == ("verified", 1)
    place("psp-ffhq", b"changed")
    assert state("psp-ffhq") == ("present", 7)
    place("bisenet")
    assert state("bisenet") == ("damaged", 1)


def test_data_set_lacks_what_is_not_there_and_names_the_command() -> None:
    car = states()["car"]
    assert set(car.missing) == {
        "mask-rcnn-r101",
        "fid-inception",
        "labels4free-alpha",
        "stylegan2-car",
    }
    assert car.command == f"l4f-bench fetch {' '.join(car.missing)}"
    place("stylegan2-car")
    assert set(car.missing) - set(states()["car"].missing) == {"stylegan2-car"}


def test_every_data_set_is_named_whether_it_needs_weights_or_not() -> None:
    assert list(states()) == DATASETS.names()
    assert (states()["ecssd"].missing, states()["ecssd"].command) == ((), None)


def test_data_set_with_all_weights_lacks_nothing() -> None:
    for name in ("mask-rcnn-r101", "labels4free-alpha", "stylegan2-cat"):
        place(name)
    spec = WEIGHTS.get("fid-inception")
    with place("fid-inception").open("wb") as file:
        file.truncate(spec.num_bytes)
    assert (states()["cat"].missing, states()["cat"].command) == ((), None)


@pytest.mark.parametrize("name", ["stylegan2-ffhq", "stylegan2-ffhq-rosinality"])
def test_another_copy_of_the_generator_will_do(name: str) -> None:
    assert "stylegan2-ada-ffhq" in states()["ffhq"].missing
    place(name)
    assert "stylegan2-ada-ffhq" not in states()["ffhq"].missing


def test_healthy_machine_is_not_broken() -> None:
    diagnosis = diagnose()
    assert diagnosis.devices[-1].name == "cpu"
    assert "torch" not in {state.package.name for state in diagnosis.broken}


def test_torch_that_does_not_import_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert doctor.devices() == ()
    assert [s.problem for s in diagnose().broken if s.package.name == "torch"] == [
        "does not import"
    ]
