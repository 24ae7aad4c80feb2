"""What this machine has and lacks: packages, devices, weights, and the commands that help."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
from dataclasses import dataclass, replace
from importlib import metadata

from l4f_bench import __version__
from l4f_bench.cache import cache_dir, is_verified, weight_path
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.packages import PACKAGES, Package
from l4f_bench.transfer import part_size
from l4f_bench.weight_spec import WeightSpec
from l4f_bench.weights import WEIGHTS


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageState:
    """A package as found here; found without importing it."""

    package: Package
    version: str | None
    """Installed version; None if it is not installed, or does not say."""
    problem: str | None
    """Why it does not work; None if it is installed and nothing speaks against it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """Something networks can run on."""

    name: str
    """As typed for ``--device``."""
    title: str
    """Model, memory or number of threads."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightState:
    """One file of weights in the cache."""

    name: str
    state: str
    """``verified``, ``present`` (not checked since it changed), ``damaged``, ``partial`` or
    ``missing``."""
    num_bytes: int | None
    """Bytes on disk; None if nothing is there."""
    command: str | None
    """What to run; None if it is there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetState:
    """What the experiments of one data set still need; its images are not looked for."""

    name: str
    missing: tuple[str, ...]
    """Weights that are not in the cache."""
    command: str | None
    """What fetches them; None if nothing is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """Everything doctor knows."""

    versions: dict[str, str]
    packages: tuple[PackageState, ...]
    devices: tuple[Device, ...]
    cache: str
    weights: tuple[WeightState, ...]
    datasets: tuple[DatasetState, ...]

    @property
    def broken(self) -> tuple[PackageState, ...]:
        """Packages that the core needs and that do not work."""
        return tuple(s for s in self.packages if s.package.required and s.problem)


def diagnose() -> Diagnosis:
    """Look at packages, devices and the cache; hashes no file and imports nothing but torch."""
    packages = tuple(package_state(package) for package in PACKAGES)
    found = devices()
    if not found:
        packages = tuple(
            replace(state, problem="does not import") if state.package.name == "torch" else state
            for state in packages
        )
    weights = {spec.name: weight_state(spec) for spec in WEIGHTS}
    return Diagnosis(
        versions={"l4f-bench": __version__, "python": platform.python_version()},
        packages=packages,
        devices=found,
        cache=str(cache_dir()),
        weights=tuple(weights.values()),
        datasets=dataset_states(weights),
    )


def package_state(package: Package) -> PackageState:
    """Version and visible problems of a package, without importing it."""
    try:
        version = metadata.version(package.name)
    except metadata.PackageNotFoundError:
        version = None
    found = importlib.util.find_spec(package.module) is not None
    problem = None if found else "not installed" if version is None else "installed without code"
    return PackageState(
        package=package, version=version, problem=problem or _pinned_otherwise(package.name)
    )


def _pinned_otherwise(name: str) -> str | None:
    """A torch version that the package was built for and that is not the one here.

    torchvision loads compiled operators of exactly one torch, and breaks on import with another.
    """
    try:
        needs = [line for line in metadata.requires(name) or () if "extra ==" not in line]
        pins = [re.match(r"torch\s*\(?==([\w.+]+)", line) for line in needs]
        torch = metadata.version("torch").split("+")[0]
    except metadata.PackageNotFoundError:
        return None
    wanted = [pin[1].split("+")[0] for pin in pins if pin]
    if not wanted or torch in wanted:
        return None
    return f"built for torch {wanted[0]}, but {torch} is installed"


def devices() -> tuple[Device, ...]:
    """Devices that torch can use here, best first; empty where torch does not import."""
    try:
        import torch
    except (ImportError, OSError):  # OSError: a shared library of torch is missing
        return ()
    found = []
    for index in range(torch.cuda.device_count()):
        try:
            properties = torch.cuda.get_device_properties(index)
            title = f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
        except RuntimeError as error:  # in exclusive use, or its driver is broken
            title = f"unusable: {str(error).splitlines()[0]}"
        found.append(Device(name=f"cuda:{index}", title=title))
    if torch.backends.mps.is_available():
        found.append(Device(name="mps", title="Apple GPU"))
    threads = f"{torch.get_num_threads()} threads of {os.cpu_count()} cores"
    return (*found, Device(name="cpu", title=threads))


def weight_state(spec: WeightSpec) -> WeightState:
    """State of one file in the cache, judged by its size and what is remembered of it."""
    path = weight_path(spec)
    command: str | None = f"l4f-bench fetch {spec.name}"
    if not path.is_file():
        num_bytes = part_size(path.with_name(f"{path.name}.part")) or None
        state = "partial" if num_bytes else "missing"
        return WeightState(name=spec.name, state=state, num_bytes=num_bytes, command=command)
    num_bytes = path.stat().st_size
    if spec.num_bytes not in {None, num_bytes}:
        state = "damaged"
    else:
        state, command = "verified" if is_verified(spec, path) else "present", None
    return WeightState(name=spec.name, state=state, num_bytes=num_bytes, command=command)


def dataset_states(weights: dict[str, WeightState]) -> tuple[DatasetState, ...]:
    """What each data set still lacks, given the state of every file of weights.

    An entry counts as there if one that can stand in for it is.
    """
    there = {name for name, weight in weights.items() if weight.command is None}
    there |= {spec.alternative_to for spec in WEIGHTS if spec.name in there and spec.alternative_to}
    states = []
    for dataset in DATASETS.names():
        needed = [spec.name for spec in WEIGHTS if dataset in spec.datasets]
        missing = tuple(name for name in needed if name not in there)
        states.append(
            DatasetState(
                name=dataset,
                missing=missing,
                command=f"l4f-bench fetch {' '.join(missing)}" if missing else None,
            )
        )
    return tuple(states)
