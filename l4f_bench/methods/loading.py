"""Methods by name, from checkpoint files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from l4f_bench.annotators.specs import ANNOTATORS
from l4f_bench.errors import InputError
from l4f_bench.methods.contracts import GenerativeMethod, ImageMethod
from l4f_bench.methods.specs import METHODS, Kind, MethodSpec
from l4f_bench.registry import load_object

_MAKES = {"generative": "makes no samples", "image": "segments no images"}


def load_generative(
    name: str,
    dataset: str,
    *,
    weights: Path | None = None,
    device: str | None = None,
    **options: object,
) -> tuple[GenerativeMethod, dict[str, str]]:
    """A method that makes images with masks.

    Args:
        name: Key of the method.
        dataset: Key of the data set.
        weights: Its checkpoint; None takes the data set's, embedded or in the cache.
        device: Where to compute; None takes a GPU if there is one.
        options: What else the method takes; None for the usual.

    Returns:
        The method, and the SHA-256 of every file it was read from.

    Raises:
        InputError: The method makes no images with masks, is given what it does not take, or a
            file cannot be used.
        MissingAssetError: Weights are missing; the message says how to get them.
    """
    spec = METHODS.get(name)
    if spec.kind not in (None, "generative"):
        raise _other_kind(spec, "generative")
    method, digests = _load(spec, dataset, weights, device, options)
    if not hasattr(method, "sample"):
        raise _other_kind(spec, "generative")
    return method, digests


def load_image_method(
    name: str, dataset: str, *, weights: Path | None = None, device: str | None = None
) -> tuple[ImageMethod, dict[str, str]]:
    """A method that finds the foreground of any image; arguments as for :func:`load_generative`.

    ``dataset`` may also be what somebody calls images of their own.

    Raises:
        InputError: The method segments no images, or a file cannot be used.
        MissingAssetError: Weights are missing; the message says how to get them.
    """
    spec = METHODS.get(name)
    if spec.kind not in (None, "image"):
        raise _other_kind(spec, "image")
    if spec.load is None:
        from l4f_bench.methods.annotating import load_annotating

        return load_annotating(name, dataset, weights=weights, device=device)
    method, digests = _load(spec, dataset, weights, device, {})
    if not hasattr(method, "segment"):
        raise _other_kind(spec, "image")
    return method, digests


def _load(
    spec: MethodSpec,
    dataset: str,
    weights: Path | None,
    device: str | None,
    options: dict[str, Any],
) -> tuple[Any, dict[str, str]]:
    for name, value in options.items():
        if value is not None and name not in spec.options:
            takers = ", ".join(entry.name for entry in METHODS if name in entry.options)
            raise InputError(
                f"--{name} applies only to {takers}, not to {spec.name}. Leave it out."
            )
    assert spec.load is not None, "a method that is loaded says how"
    load = load_object(spec.load, f"the method '{spec.name}'")
    taken = {name: options.get(name) for name in spec.options}
    method, digests = load(weights, dataset=dataset, device=device, **taken)
    return method, digests


def _other_kind(spec: MethodSpec, wanted: Kind) -> InputError:
    known = [name for name in METHODS.names() if _may_be(name, wanted)]
    return InputError(f"{spec.title} {_MAKES[wanted]} here. Possible: {', '.join(known)}.")


def _may_be(name: str, wanted: Kind) -> bool:
    """Whether a method is of a kind, as far as is known without loading it."""
    return (name in ANNOTATORS and wanted == "image") or METHODS.get(name).kind in (None, wanted)
