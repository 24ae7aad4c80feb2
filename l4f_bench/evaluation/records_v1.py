"""Records of version 1 in the form of version 2.

They named methods, data sets and protocols by key alone, and kept what decided a comparison in
nested configurations.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from l4f_bench.annotators.specs import ANNOTATORS
from l4f_bench.datasets.shapes import HELD_OUT
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import BenchError
from l4f_bench.methods.specs import METHODS
from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.registry import Registry

_WORLD = "shapes of 64 pixels, seed {seed}"  # the only world that there was
_SETTINGS = {"sampled": "samples", "custom": "images", "quality": "quality"}
_HALF = 0.5  # the threshold of image methods was fixed


def lifted(old: dict[str, Any]) -> dict[str, Any]:
    """The document of a record of version 1, without format and version, as one of version 2.

    Raises:
        TypeError, KeyError, AttributeError, ValueError: It is not one.
    """
    setting, config = old["setting"], old["config"]
    kept = (
        "method", "dataset", "label", "truncation", "n", "scores", "rejected", "provenance",
        "digests", "warnings", "seconds",
    )  # fmt: skip
    new = {key: old[key] for key in kept if key in old}
    subset = old.get("subset", "all")
    real = "images" if subset == "all" else "trust"
    exact = setting == "real" and subset == "all" and old["truth"] == "exact"
    unused = exact or not old.get("annotation")
    return {
        **new,
        "setting": _SETTINGS.get(setting, real),
        "subset": subset,
        "method_title": _title(METHODS, old["method"]),
        "dataset_title": _title(DATASETS, old["dataset"]),
        "truth": "human" if old["truth"] == "custom" else old["truth"],
        "annotator": None if unused else _annotator(old["annotation"], config["sampled"] or {}),
        "threshold": _threshold(setting, config),
        "level": config["count"]["level"] if setting == "custom" else None,
        "seed": config["seed"],
        "drawn": old["n"] if setting == "custom" else old.get("drawn"),
        "protocol": None if setting == "quality" else _protocol(old["protocol"]),
        "images_digest": _images_digest(setting, old),
        "scores_without_bars": old.get("scores_without_bars", {}),
        "images": [_entry(entry, named=setting == "real") for entry in old["images"]],
        "distance": _distance(old.get("distance") or {}),
        "config": config,
    }


def _title(registry: Registry[Any], name: str) -> str:
    try:
        return str(registry.get(name).title)
    except BenchError:  # it is not known here, or its package is broken
        return name


def _annotator(old: dict[str, Any], sampled: dict[str, Any]) -> dict[str, Any]:
    screen = old.get("screen")
    return {
        **{key: value for key, value in old.items() if key != "weights"},
        "title": _title(ANNOTATORS, old["name"]),
        "foreground_chosen": bool((sampled.get("annotator") or {}).get("foreground")),
        "screen": _annotator(screen, {}) if screen else None,
    }


def _threshold(setting: str, config: dict[str, Any]) -> float | None:
    if setting == "sampled":
        return float(config["sampled"]["threshold"])
    return _HALF if setting == "real" else None


def _protocol(name: str) -> dict[str, Any]:
    if name not in PROTOCOLS:
        raise ValueError(f"its protocol '{name:.40}' is not known")
    return asdict(PROTOCOLS.get(name))


def _images_digest(setting: str, old: dict[str, Any]) -> str | None:
    if setting == "real":
        return _WORLD.format(seed=old["config"]["seed"])
    return old["digests"]["target"] if setting == "custom" else None


def _entry(old: dict[str, Any], *, named: bool) -> dict[str, Any]:
    """One image; those of the shapes world have names now."""
    new = {key: value for key, value in old.items() if key not in ("index", "target")}
    index = old.get("index")
    return new | {"key": f"{index:06d}" if named else old.get("target", index)}


def _distance(old: dict[str, Any]) -> dict[str, Any] | None:
    """What was compared; seeds of worlds count from the first held-out one now."""
    if not old:
        return None
    sides = [
        {**side, "seed": side["seed"] - HELD_OUT} if side["kind"] == "world" else side
        for side in old["sides"]
    ]
    return {**old, "sides": sides}
