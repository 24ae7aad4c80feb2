"""The methods by name: ours, every annotator, what installed packages offer, and users' files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from l4f_bench.annotators.specs import ANNOTATORS
from l4f_bench.errors import InputError
from l4f_bench.methods.method_file import LOAD, MethodFile, is_method_file, read_method_file
from l4f_bench.registry import Registry

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
    """``"module:object"``: a function that gives the method, called as
    :func:`l4f_bench.methods.calling.call_load` says. None for what has nothing to load."""
    options: tuple[str, ...] = ()
    """What else ``load`` takes, None for the usual."""
    screens: Mapping[str, str] = field(default_factory=dict)
    """Annotators that must accept its samples as well, by data set."""
    file: MethodFile | None = None
    """The user's file that it is, if it is one."""

    def __post_init__(self) -> None:
        if self.kind not in (None, *get_args(Kind)):
            raise ValueError(f"The method '{self.name}' is of no known kind: {self.kind}.")
        if self.load is None and self.kind in (None, "generative"):
            raise ValueError(f"The method '{self.name}' does not say how it is loaded.")


class _Methods(Registry[MethodSpec]):
    """A registry of which every annotator is an entry, since it segments any image."""

    def get(self, name: str) -> MethodSpec:
        if name not in ANNOTATORS:
            return super().get(name)
        if name in super().names():
            raise InputError(
                f"The method '{name}' of {super().origin(name)} has the name of an annotator of "
                f"{ANNOTATORS.origin(name)}. Uninstall one, or rename its entry point."
            )
        return MethodSpec(name=name, title=ANNOTATORS.get(name).title, kind="image")

    def names(self) -> list[str]:
        own = super().names()
        return [*own, *(name for name in ANNOTATORS.names() if name not in own)]

    def origin(self, name: str) -> str:
        return ANNOTATORS.origin(name) if name in ANNOTATORS else super().origin(name)


def _adopt(name: str, found: Any, reference: str) -> Any:
    """The entry of another package: a :class:`MethodSpec`, or a function like its ``load``."""
    if isinstance(found, MethodSpec) or not callable(found):
        return found
    return MethodSpec(name=name, title=name, load=reference)


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
    MethodSpec(
        name="ours-unet",
        title="Ours (UNet)",
        kind="image",
        load="l4f_bench.students.loading:load_unet",
    ),
    MethodSpec(
        name="ours-psp",
        title="Ours (PSP)",
        kind="image",
        load="l4f_bench.projection.method:load",
        options=("generator", "alpha"),
    ),
    MethodSpec(name="stylegan2", title="StyleGAN2", kind="pictures"),
    MethodSpec(name="real", title="Real images", kind="pictures"),
):
    METHODS.add(_spec)


def method_named(name: str) -> MethodSpec:
    """The method that a user asks for: an entry of :data:`METHODS`, or a Python file, which is run.

    A name that comes from a record or another file is never given to this function.

    Raises:
        InputError: No method has that name, or the file cannot be used as one.
        MissingDependencyError: It cannot be imported.
    """
    if not is_method_file(name):
        return METHODS.get(name)
    path = Path(name)
    if path.stem in METHODS:
        raise InputError(
            f"The method file {path} would be recorded as '{path.stem}', which is a method of "
            f"{METHODS.origin(path.stem)}. Rename the file."
        )
    file = read_method_file(path)
    return MethodSpec(name=path.stem, title=file.title, load=f"{file.module}:{LOAD}", file=file)


def described(spec: MethodSpec) -> str:
    """What messages call a method: whose it is, too."""
    if spec.file is not None:
        return f"the method file {spec.file.path}"
    return f"the method '{spec.name}' of {METHODS.origin(spec.name)}"


def typed(spec: MethodSpec) -> str:
    """How a method is named on the command line."""
    return spec.name if spec.file is None else str(spec.file.path)
