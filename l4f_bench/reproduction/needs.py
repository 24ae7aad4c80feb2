"""What a row of a table needs that may be missing here, and what gets it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from l4f_bench.annotators.specs import ANNOTATORS
from l4f_bench.cache import weight_path
from l4f_bench.datasets.specs import DATASETS, DatasetSpec
from l4f_bench.doctor import weight_state
from l4f_bench.packages import PACKAGES
from l4f_bench.weights import WEIGHTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """A file, a folder or a package."""

    what: str
    here: bool
    place: str
    """Where it is, or is looked for."""
    get: str
    """The command, or a step by hand, that gets it."""
    num_bytes: int | None = None
    """Its published size; None if that is unknown."""
    sha256: str | None = None
    """Its published digest."""
    licence: str | None = None


def weights(name: str) -> Need:
    """A file of weights that is fetched by name into the cache."""
    spec = WEIGHTS.get(name)
    accept = " --accept-licence" if spec.licence.non_commercial else ""
    return Need(
        what=f"weights {name}",
        here=weight_state(spec).state in ("verified", "present"),
        place=str(weight_path(spec)),
        get=f"l4f-bench fetch {name}{accept}",
        num_bytes=spec.num_bytes,
        sha256=spec.sha256,
        licence=spec.licence.name,
    )


def own_file(path: Path, what: str, get: str) -> Need:
    """A checkpoint that nobody publishes by name: it is looked for at ``path``."""
    return Need(what=what, here=path.is_file(), place=str(path), get=get)


def alpha_network(dataset: str, folder: Path) -> Need:
    """An alpha network; the published ones come as one archive."""
    path = folder / f"alpha-{dataset}.pt"
    get = f"l4f-bench fetch labels4free-alpha, and put its network of {dataset} at {path}"
    return own_file(path, f"alpha network of {dataset}", get)


def images(spec: DatasetSpec, path: Path) -> Need:
    """The images of a data set, or the part of them at ``path``."""
    there = path.is_dir() and any(path.iterdir())
    get = f"l4f-bench fetch {spec.name} says how; put it at {path}"
    return Need(
        what=f"images {spec.name} ({path.name})",
        here=there,
        place=str(path),
        get=get,
        licence=spec.licence,
    )


def annotator(name: str) -> list[Need]:
    """The weights of an annotator, and the package that it runs on."""
    spec = ANNOTATORS.get(name)
    found = [] if spec.weights is None else [weights(spec.weights)]
    return found + ([] if spec.needs is None else [package(spec.needs)])


def package(module: str) -> Need:
    """An optional package."""
    from l4f_bench.doctor import package_state

    known = next(entry for entry in PACKAGES if entry.module == module)
    state = package_state(known)
    return Need(
        what=f"package {known.name}",
        here=state.problem is None,
        place=state.version or "not installed",
        get=known.install,
    )


def generator(dataset: str) -> list[Need]:
    """The published generator of a data set."""
    name = DATASETS.get(dataset).generator_weights
    return [] if name is None else [weights(name)]
