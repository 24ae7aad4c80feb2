"""The methods that tables name, under the names our records use."""

from __future__ import annotations

from dataclasses import dataclass

from l4f_bench.registry import Registry, installed_names

LOADERS = "l4f_bench.methods"
"""Entry points of packages with methods of their own: functions that take a checkpoint (None for
the usual one), ``dataset`` and ``device``, and return a ``GenerativeMethod`` and the SHA-256 of
every file it was read from. A name that no table of the paper has becomes a row of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MethodSpec:
    """One row name of the tables."""

    name: str
    """Key on the command line and in records."""
    title: str
    """Name in tables."""


STUDENT = "ours-bisenet"
"""The method that learned from samples of ours (``train --method ours-bisenet``)."""

METHODS: Registry[MethodSpec] = Registry("method")
for _spec in (
    MethodSpec(name="ours", title="Ours"),
    MethodSpec(name="pseg", title="PSeg"),
    MethodSpec(name="bisenet", title="BiSeNet"),
    MethodSpec(name="detectron2", title="Dt2"),
    MethodSpec(name="ours-psp", title="Ours (PSP)"),
    MethodSpec(name="ours-unet", title="Ours (UNet)"),
    MethodSpec(name=STUDENT, title="Ours (BiSeNet)"),
    MethodSpec(name="stylegan2", title="StyleGAN2"),
    MethodSpec(name="real", title="Real images"),
):
    METHODS.add(_spec)
for _name in installed_names(LOADERS):
    if _name not in METHODS.names():
        METHODS.add(MethodSpec(name=_name, title=_name))


def table_order(method: str) -> int:
    """Place of a method in tables that no paper orders.

    Raises:
        InputError: It is unknown here, or its package is not installed.
    """
    return METHODS.names().index(METHODS.get(method).name)
