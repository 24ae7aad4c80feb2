"""A method tried on two images or two samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l4f_bench.datasets.image_set import ImageRequest, open_images
from l4f_bench.datasets.shapes import HELD_OUT, shapes_batch
from l4f_bench.datasets.specs import DATASETS, DatasetSpec
from l4f_bench.methods.checks import Check, sample_checks, segmentation_checks
from l4f_bench.methods.loading import load_method
from l4f_bench.methods.specs import described, method_named
from l4f_bench.registry import code_of_others

Rows = tuple[int, ...]
"""Which of the two images or samples."""

_SIDE = 256  # of images of a data set that has no resolution of its own
_BATCHES: dict[str, tuple[Rows, ...]] = {"alone": ((0,), (1,)), "in another order": ((1, 0),)}
_TOLERANCE = {"alpha": 1e-3, "image": 1.0}
"""What results may differ by: networks round otherwise in batches of another size."""


def try_method(name: str, dataset: str, *, weights: Path | None = None) -> list[Check]:
    """What a method does with two images or two samples, against the contract.

    Args:
        name: Key of the method, or the path of a method file.
        dataset: Key of the data set that it is loaded for. If its images are drawn, these are
            segmented, else shapes of its resolution; all with a strip cut off, since images need
            not be square.
        weights: Its checkpoint; None for the usual one.

    Returns:
        Every check that could be made, of each thing that the method can do.

    Raises:
        InputError: The method cannot be loaded, or fails.
        MissingAssetError: Weights are missing; the message says how to get them.
        MissingDependencyError: It cannot be imported.
    """
    spec, data = method_named(name), DATASETS.get(dataset)
    method, _ = load_method(spec, dataset, weights=weights, device="cpu")
    checks = list(_attribute_checks(method))
    if _can(method, "segment"):
        images = _images(data)
        checks += _tried(
            lambda rows: method.segment(images[list(rows)]),
            lambda alpha, rows: segmentation_checks(alpha, images[list(rows)]),
            lambda alpha: {"alpha": alpha},
            described(spec),
        )
    if _can(method, "sample"):
        checks += _tried(
            lambda rows: method.sample(rows, truncation=1.0, seed=0),
            sample_checks,
            lambda samples: {"image": samples.image, "alpha": samples.alpha},
            described(spec),
        )
        if _can(method, "sample_layers") and not any(check.fault for check in checks):
            checks += _layer_checks(method, described(spec))
    return checks


def _can(method: Any, name: str) -> bool:
    return callable(getattr(method, name, None))


def _layer_checks(method: Any, what: str) -> Iterator[Check]:
    """Whether samples with their layers are the samples without."""
    with code_of_others(what):
        plain, layered = (
            make((0, 1), truncation=1.0, seed=0) for make in (method.sample, method.sample_layers)
        )
    for check in sample_checks(layered, (0, 1)):
        yield replace(check, what=f"{check.what} of sample_layers")
        if check.fault:
            return
    for name in _TOLERANCE:
        one, other = (getattr(samples, name) for samples in (plain, layered))
        yield _same(f"{name} of sample_layers", name, one, other, "as of sample")


def _attribute_checks(method: Any) -> Iterator[Check]:
    abilities = [name for name in ("segment", "sample") if _can(method, name)]
    yield Check(f"method: {' and '.join(abilities)}", "segment or sample")
    place = getattr(method, "device", None)
    if place is not None:
        named = isinstance(place, (str, torch.device))
        fault = None if named else type(place).__name__
        yield Check("type of device", "torch.device or its name", fault)
    for name in ("bytes_per_image", "block_size"):
        number = getattr(method, name, None)
        if number is not None:
            fault = None if isinstance(number, int) and number > 0 else repr(number)
            yield Check(name, "a whole number above 0", fault)


def _images(data: DatasetSpec) -> Tensor:
    """Two images, uint8 ``[2, 3, H, W]`` RGB, that are wider than high."""
    if data.drawn:
        drawn = open_images(ImageRequest(spec=data, num_images=2))
        pixels = np.stack([drawn.image(0), drawn.image(1)])
    else:
        side = data.resolution or _SIDE
        pixels, _ = shapes_batch([0, 1], resolution=side, seed=HELD_OUT)
    height = max(1, pixels.shape[2] * 7 // 8)
    return torch.from_numpy(np.ascontiguousarray(pixels[:, :, :height]))


def _tried(
    run: Callable[[Rows], Any],
    checks_of: Callable[[Any, Rows], Iterable[Check]],
    parts_of: Callable[[Any], dict[str, Tensor]],
    what: str,
) -> list[Check]:
    """Run a method on both together, on each alone, and on both in another order.

    Args:
        run: Gives the method's result for some of the two.
        checks_of: Checks of a result; where one fails, the rest is left out.
        parts_of: What of a result must not depend on the batch, ``[N, ...]`` by name.
        what: What messages call the method.
    """

    def result_of(rows: Rows) -> Any:
        with code_of_others(what):
            return run(rows)

    together = result_of((0, 1))
    checks = list(checks_of(together, (0, 1)))
    if any(check.fault for check in checks):
        return checks
    for how, batches in _BATCHES.items():
        results = [(rows, result_of(rows)) for rows in batches]
        for rows, result in results:
            for check in checks_of(result, rows):
                if check.fault:
                    return [*checks, replace(check, what=f"{check.what} {how}")]
        order = torch.tensor([row for rows in batches for row in rows])
        for name, part in parts_of(together).items():
            others = torch.cat([parts_of(result)[name] for _, result in results])
            checks.append(_same(f"{name} {how}", name, part, others[order.argsort()]))
    return checks


def _same(
    what: str, name: str, part: Tensor, other: Tensor, contract: str = "as in the batch"
) -> Check:
    """Whether what a batch gave is also given otherwise."""
    contract = f"{contract}, within {_TOLERANCE[name]:g}"
    if part.shape != other.shape:
        return Check(what, contract, f"of shape {list(other.shape)}")
    apart = float((part.detach().float() - other.detach().float()).abs().max())
    return Check(what, contract, None if apart <= _TOLERANCE[name] else f"up to {apart:.3g} apart")
