"""The methods by name: ours, every annotator, and what installed packages offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from l4f_bench.annotators.specs import ANNOTATORS
from l4f_bench.errors import InputError
from l4f_bench.registry import Registry, load_object

Kind = Literal["generative", "image", "pictures"]
"""What a method makes: images of its own with masks, masks of any image, or images alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MethodSpec:
    """One row name of the tables."""

    name: str
    """Key on the command line and in records."""
    title: str
    """Name in tables."""
    kind: Kind | None = None
    """What it makes; None if that is seen once it is loaded."""
    load: str | None = None
    """``"module:object"``: takes the path of a checkpoint (None for the usual one), ``dataset``
    (a key, or what somebody calls images of their own), ``device`` and the :attr:`options`, and
    returns the method and the SHA-256 of every file that it was read from, by what the file is.
    None for what has nothing to load."""
    options: tuple[str, ...] = ()
    """What else ``load`` takes, None for the usual."""
    screens: Mapping[str, str] = field(default_factory=dict)
    """Annotators that must accept its samples as well, by data set."""


class _Methods(Registry[MethodSpec]):
    """A registry of which every annotator is an entry: it segments any image."""

    def get(self, name: str) -> MethodSpec:
        if name in super().names() or name not in ANNOTATORS:
            return super().get(name)
        title = ANNOTATORS.get(name).title
        return MethodSpec(name=name, title=title, kind="image")

    def names(self) -> list[str]:
        own = super().names()
        return [*own, *(name for name in ANNOTATORS.names() if name not in own)]


def _adopt(name: str, found: Any, reference: str) -> MethodSpec:
    """The entry of another package: a :class:`MethodSpec`, or a function like its ``load``."""
    if isinstance(found, MethodSpec):
        return found
    return MethodSpec(name=name, title=name, load=reference)


def kind_of(spec: MethodSpec) -> Kind:
    """What a method makes; one whose entry does not say is loaded without a checkpoint.

    Raises:
        InputError: Neither samples nor masks.
        MissingDependencyError: It cannot be imported.
    """
    if spec.kind is not None:
        return spec.kind
    assert spec.load is not None, "a method whose kind is not known can be loaded"
    load = load_object(spec.load, f"the method '{spec.name}'")
    method, _ = load(None, dataset="shapes", device="cpu")
    kinds: dict[str, Kind] = {"sample": "generative", "segment": "image"}
    for attribute, kind in kinds.items():
        if hasattr(method, attribute):
            return kind
    raise InputError(f"The method '{spec.name}' can neither sample nor segment.")


METHODS: Registry[MethodSpec] = _Methods("method", group="l4f_bench.methods", adopt=_adopt)
for _spec in (
    MethodSpec(
        name="ours",
        title="Ours",
        kind="generative",
        load="l4f_bench.methods.labels4free.loading:load",
        options=("alpha", "background"),
    ),
    MethodSpec(
        name="ours-bisenet",
        title="Ours (BiSeNet)",
        kind="image",
        load="l4f_bench.students.loading:load_bisenet",
    ),
    MethodSpec(name="stylegan2", title="StyleGAN2", kind="pictures"),
    MethodSpec(name="real", title="Real images", kind="pictures"),
):
    METHODS.add(_spec)
