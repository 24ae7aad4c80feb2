"""Methods whose every result is checked before anything is made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from torch import Tensor

from l4f_bench.errors import InputError
from l4f_bench.methods.checks import Check, sample_checks, segmentation_checks
from l4f_bench.methods.contracts import GenerativeMethod, ImageMethod, Samples
from l4f_bench.methods.specs import MethodSpec, described, typed
from l4f_bench.registry import capitalised, code_of_others

Computing = Callable[[], AbstractContextManager[object]]
"""Gives the context in which a method is called."""
CONTRACT = "float32 [N, 1, H, W] in [0, 1] on the CPU"
"""What alpha must be."""


class CheckedImageMethod:
    """An image method that refuses to return what breaks the contract."""

    def __init__(
        self, method: ImageMethod, spec: MethodSpec, computing: Computing = nullcontext
    ) -> None:
        """Check ``method``, which is that of ``spec`` and called in the context ``computing``."""
        self._method, self._spec, self._computing = method, spec, computing
        self.side_by_side = bool(getattr(method, "side_by_side", False))

    def segment(self, image: Tensor) -> Tensor:
        """See :class:`ImageMethod`.

        Raises:
            InputError: The method fails, or breaks the contract.
        """
        with code_of_others(described(self._spec)), self._computing():
            alpha = self._method.segment(image)
        refuse_faults(segmentation_checks(alpha, image), self._spec)
        return alpha.detach()


class CheckedGenerativeMethod:
    """A generative method that refuses to return what breaks the contract."""

    def __init__(
        self, method: GenerativeMethod, spec: MethodSpec, computing: Computing = nullcontext
    ) -> None:
        """Check ``method``, which is that of ``spec`` and called in the context ``computing``."""
        self._method, self._spec, self._computing = method, spec, computing
        self.device = getattr(method, "device", None)
        self.bytes_per_image = getattr(method, "bytes_per_image", None)
        self.block_size = getattr(method, "block_size", 1)
        self.side_by_side = bool(getattr(method, "side_by_side", False))

    def sample(self, indices: Sequence[int], *, truncation: float, seed: int) -> Samples:
        """See :class:`GenerativeMethod`.

        Raises:
            InputError: The method fails, or breaks the contract.
        """
        return self._checked("sample", indices, truncation=truncation, seed=seed)

    def sample_layers(self, indices: Sequence[int], *, truncation: float, seed: int) -> Samples:
        """The same samples with background and composite, where the method makes such.

        Raises:
            InputError: The method fails, or breaks the contract.
        """
        name = "sample_layers" if hasattr(self._method, "sample_layers") else "sample"
        return self._checked(name, indices, truncation=truncation, seed=seed)

    def _checked(
        self, name: str, indices: Sequence[int], *, truncation: float, seed: int
    ) -> Samples:
        """What the method's function of that name returns."""
        with code_of_others(described(self._spec)), self._computing():
            make = getattr(self._method, name)
            samples: Samples = make(indices, truncation=truncation, seed=seed)
        refuse_faults(sample_checks(samples, indices), self._spec)
        return replace(samples, alpha=samples.alpha.detach())


def refuse_faults(checks: Iterator[Check], spec: MethodSpec) -> None:
    """Raise at the first check that failed.

    Raises:
        InputError: One did; the message names the method, what it returned, and the contract.
    """
    for check in checks:
        if check.fault is not None:
            raise InputError(
                f"{capitalised(described(spec))} breaks the contract of methods: the {check}. "
                f"Alpha is {CONTRACT}; try `l4f-bench check-method {typed(spec)}`."
            )
