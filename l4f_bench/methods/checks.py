"""What the contract of methods asks of their results, one check at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from l4f_bench.methods.contracts import Samples


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the contract asks for, and what was found instead, if anything was."""

    what: str
    contract: str
    fault: str | None = None

    def __str__(self) -> str:
        """What is wrong, as a part of a sentence."""
        return f"{self.what} is {self.fault}, not {self.contract}"


def segmentation_checks(alpha: Any, image: Tensor) -> Iterator[Check]:
    """Checks of what ``segment`` returned for ``image``, uint8 ``[N, 3, H, W]``.

    Those that an earlier fault makes senseless are left out.
    """
    num_images, _, height, width = image.shape
    yield from _alpha_checks(alpha, (num_images, 1, height, width))


def sample_checks(samples: Any, indices: Sequence[int]) -> Iterator[Check]:
    """Checks of what ``sample`` returned for ``indices``; as for :func:`segmentation_checks`."""
    found = isinstance(samples, Samples)
    yield Check("type of samples", "Samples", None if found else type(samples).__name__)
    if not found:
        return
    same = samples.indices in (None, tuple(indices))
    yield Check("list of indices", f"{[*indices]}", None if same else f"{samples.indices}")
    size = _size(samples.image)
    layout = (len(indices), 3, *size)
    for name in ("image", "background", "composite"):
        value = getattr(samples, name)
        if value is not None or name == "image":
            yield from _tensor_checks(name, value, torch.uint8, layout)
    yield from _alpha_checks(samples.alpha, (len(indices), 1, *size))


def _size(image: Any) -> tuple[int, int] | tuple[str, str]:
    """Height and width that the other tensors must have as well."""
    if isinstance(image, Tensor) and image.ndim == 4:
        return image.shape[2], image.shape[3]
    return "H", "W"


def _alpha_checks(alpha: Any, layout: tuple[int | str, ...]) -> Iterator[Check]:
    yield from _tensor_checks("alpha", alpha, torch.float32, layout)
    if not isinstance(alpha, Tensor) or not alpha.numel() or alpha.dtype.is_complex:
        return
    low, high = (float(bound) for bound in alpha.detach().float().aminmax())
    finite = math.isfinite(low) and math.isfinite(high)
    found = f"{low:g} to {high:g}"
    yield Check("range of alpha", "finite", None if finite else found)
    if finite:
        yield Check("range of alpha", "within 0 to 1", None if low >= 0 and high <= 1 else found)


def _tensor_checks(
    name: str, value: Any, dtype: torch.dtype, layout: tuple[int | str, ...]
) -> Iterator[Check]:
    if not isinstance(value, Tensor):
        yield Check(f"type of {name}", "a torch.Tensor", type(value).__name__)
        return
    fault = None if value.device.type == "cpu" else f"a torch.Tensor on {value.device}"
    yield Check(f"type of {name}", "a torch.Tensor on the CPU", fault)
    yield Check(
        f"dtype of {name}", _short(dtype), None if value.dtype == dtype else _short(value.dtype)
    )
    fits = value.ndim == len(layout) and all(
        side == due or isinstance(due, str) for side, due in zip(value.shape, layout, strict=True)
    )
    wanted = f"[{', '.join(map(str, layout))}]"
    yield Check(f"shape of {name}", wanted, None if fits else f"{list(value.shape)}")


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
