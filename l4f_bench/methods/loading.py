"""Methods by name, from checkpoint files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from l4f_bench.annotators.specs import ANNOTATORS
from l4f_bench.devices import choose_device
from l4f_bench.errors import BenchError, InputError
from l4f_bench.methods.calling import call_load
from l4f_bench.methods.checked import CheckedGenerativeMethod, CheckedImageMethod, Computing
from l4f_bench.methods.contracts import GenerativeMethod, ImageMethod
from l4f_bench.methods.specs import METHODS, Kind, MethodSpec, described, method_named
from l4f_bench.precision import FLOAT32, check_precision, computing_in
from l4f_bench.registry import load_object

_MAKES = {"generative": "makes no samples", "image": "segments no images"}


def load_generative(
    name: str,
    dataset: str,
    *,
    weights: Path | None = None,
    device: str | None = None,
    precision: str = FLOAT32,
    **options: object,
) -> tuple[GenerativeMethod, dict[str, str]]:
    """A method that makes images with masks, whose results are checked.

    Args:
        name: Key of the method, or the path of a method file.
        dataset: Key of the data set.
        weights: Its checkpoint; None takes the data set's, embedded or in the cache.
        device: Where to compute; None takes a GPU if there is one.
        precision: What networks compute in, one of ``PRECISIONS``.
        options: What else the method takes; None for the usual.

    Returns:
        The method, and the SHA-256 of every file it was read from.

    Raises:
        InputError: The method makes no images with masks, is given what it does not take, fails,
            or a file cannot be used.
        MissingAssetError: Weights are missing; the message says how to get them.
        MissingDependencyError: It cannot be imported.
    """
    spec = method_named(name)
    if spec.kind not in (None, "generative"):
        raise _other_kind(spec, "generative")
    method, digests = load_method(spec, dataset, weights=weights, device=device, **options)
    if not hasattr(method, "sample"):
        raise _other_kind(spec, "generative")
    return CheckedGenerativeMethod(method, spec, _computing(precision, device)), digests


def load_image_method(
    name: str,
    dataset: str,
    *,
    weights: Path | None = None,
    device: str | None = None,
    precision: str = FLOAT32,
    **options: object,
) -> tuple[ImageMethod, dict[str, str]]:
    """A method that finds the foreground of any image; arguments as for :func:`load_generative`.

    ``dataset`` may also be what somebody calls images of their own.

    Raises:
        InputError: The method segments no images, fails, or a file cannot be used.
        MissingAssetError: Weights are missing; the message says how to get them.
        MissingDependencyError: It cannot be imported.
    """
    spec = method_named(name)
    if spec.kind not in (None, "image"):
        raise _other_kind(spec, "image")
    method, digests = load_method(spec, dataset, weights=weights, device=device, **options)
    if not hasattr(method, "segment"):
        raise _other_kind(spec, "image")
    return CheckedImageMethod(method, spec, _computing(precision, device)), digests


def load_method(
    spec: MethodSpec,
    dataset: str,
    *,
    weights: Path | None = None,
    device: str | None = None,
    **options: object,
) -> tuple[Any, dict[str, str]]:
    """A method of either kind as it comes, unchecked; arguments as for :func:`load_generative`.

    Raises:
        InputError: It has nothing to load, is given what it does not take, or fails.
        MissingAssetError: Weights are missing; the message says how to get them.
        MissingDependencyError: It cannot be imported.
    """
    given = {name: value for name, value in options.items() if value is not None}
    for name in given.keys() - {*spec.options}:
        takers = ", ".join(entry.name for entry in METHODS if name in entry.options)
        raise InputError(f"--{name} applies only to {takers}, not to {spec.name}. Leave it out.")
    if spec.name in ANNOTATORS:
        from l4f_bench.methods.annotating import load_annotating

        return load_annotating(spec.name, dataset, weights=weights, device=device)
    if spec.load is None:
        raise InputError(f"{spec.title} has no masks to score. Name another method.")
    what = described(spec)
    method, digests = call_load(
        load_object(spec.load, what),
        what,
        weights=weights,
        dataset=dataset,
        device=device,
        options={name: options.get(name) for name in spec.options},
    )
    return method, digests if spec.file is None else digests | {"method": spec.file.sha256}


def kind_of(
    spec: MethodSpec, dataset: str, *, weights: Path | None = None, device: str | None = None
) -> Kind:
    """What a method makes; one whose entry does not say is loaded.

    Raises:
        BenchError: It cannot be loaded.
    """
    if spec.kind is not None:
        return spec.kind
    method, _ = load_method(spec, dataset, weights=weights, device=device)
    return "generative" if hasattr(method, "sample") else "image"


def _computing(precision: str, device: str | None) -> Computing:
    """The context in which a method is called, on the device that it is told to use."""
    check_precision(precision)
    return partial(computing_in, precision, choose_device(device))


def _other_kind(spec: MethodSpec, wanted: Kind) -> InputError:
    known = [name for name in METHODS.names() if _may_be(name, wanted)]
    return InputError(f"{spec.title} {_MAKES[wanted]} here. Possible: {', '.join(known)}.")


def _may_be(name: str, wanted: Kind) -> bool:
    """Whether a method is of a kind, as far as is known without loading it."""
    try:
        return METHODS.get(name).kind in (None, wanted)
    except BenchError:  # a broken one is trouble of those who ask for it alone
        return False
