"""What can be named on the command line: methods, data sets, weights and so on, with facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from l4f_bench.annotators.specs import ANNOTATORS, AnnotatorSpec
from l4f_bench.datasets.specs import DATASETS, DatasetSpec
from l4f_bench.doctor import weight_state
from l4f_bench.errors import BenchError, InputError
from l4f_bench.methods.specs import METHODS, MethodSpec
from l4f_bench.metrics.protocols import PROTOCOLS, Protocol
from l4f_bench.registry import OURS, Registry, load_object, unknown_name
from l4f_bench.training.presets import Preset, Presets
from l4f_bench.training.trainers import TRAINERS, TrainerSpec
from l4f_bench.weight_spec import WeightSpec
from l4f_bench.weights import WEIGHTS

Row = dict[str, Any]
"""JSON values under the names of columns; the first is the name."""


def _method(spec: MethodSpec) -> Row:
    return {"title": spec.title, "makes": spec.kind or "seen once it is loaded"}


def _dataset(spec: DatasetSpec) -> Row:
    return {
        "title": spec.title,
        "resolution": spec.resolution,
        "annotator": spec.annotator,
        "licence": spec.licence,
        "get": "drawn" if spec.drawn else f"l4f-bench fetch {spec.name}",
    }


def _annotator(spec: AnnotatorSpec) -> Row:
    return {"title": spec.title, "weights": spec.weights, "needs": spec.needs}


def _protocol(spec: Protocol) -> Row:
    return {"title": spec.title, "source": spec.source}


def _trainer(spec: TrainerSpec) -> Row:
    return {"trains": spec.title, "images": "--data" if spec.needs_images else None}


def _weight(spec: WeightSpec) -> Row:
    return {
        "title": spec.title,
        "state": weight_state(spec).state,
        "bytes": spec.num_bytes,
        "licence": spec.licence.name,
    }


_DESCRIBED: dict[str, tuple[Registry[Any], Callable[[Any], Row]]] = {
    "methods": (METHODS, _method),
    "datasets": (DATASETS, _dataset),
    "annotators": (ANNOTATORS, _annotator),
    "protocols": (PROTOCOLS, _protocol),
    "weights": (WEIGHTS, _weight),
    "trainers": (TRAINERS, _trainer),
}
KINDS = (*_DESCRIBED, "presets")


def names(kind: str) -> list[str]:
    """All names of a kind, without importing what they stand for.

    Raises:
        InputError: There is no such kind.
    """
    if kind == "presets":
        return list(dict.fromkeys(preset.key for _, preset in _presets()))
    if kind not in _DESCRIBED:
        raise InputError(unknown_name("list", kind, list(KINDS)))
    return _DESCRIBED[kind][0].names()


def rows(kind: str) -> list[Row]:
    """Every entry of a kind with its facts; one that cannot be had says why under ``unusable``.

    Raises:
        InputError: There is no such kind.
    """
    if kind == "presets":
        return [_preset(trainer, preset) for trainer, preset in _presets()]
    found = []
    for name in names(kind):
        registry, describe = _DESCRIBED[kind]
        try:
            facts = describe(registry.get(name))
        except BenchError as error:
            facts = {"unusable": str(error)}
        package = registry.origin(name)
        found.append({"name": name, **facts} | ({} if package == OURS else {"package": package}))
    return found


def _presets() -> Iterator[tuple[str, Preset[Any]]]:
    """Trainers, each with one of its presets; those that cannot be imported have none."""
    for trainer in TRAINERS:
        if trainer.presets is None:
            continue
        try:
            presets: Presets[Any] = load_object(trainer.presets, f"the trainer '{trainer.name}'")
        except BenchError:
            continue
        yield from ((trainer.name, preset) for preset in presets)


def _preset(trainer: str, preset: Preset[Any]) -> Row:
    return {
        "name": preset.key,
        "trainer": trainer,
        "dataset": preset.dataset or "any",
        "steps": preset.num_steps,
        "source": preset.source,
    }
