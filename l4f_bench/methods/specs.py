"""The methods that tables name, under the names our records use."""

from __future__ import annotations

from dataclasses import dataclass

from l4f_bench.registry import Registry


@dataclass(frozen=True, kw_only=True, slots=True)
class MethodSpec:
    """One row name of the tables."""

    name: str
    """Key on the command line and in records."""
    title: str
    """Name in tables."""


METHODS: Registry[MethodSpec] = Registry("method")
for _spec in (
    MethodSpec(name="ours", title="Ours"),
    MethodSpec(name="pseg", title="PSeg"),
    MethodSpec(name="bisenet", title="BiSeNet"),
    MethodSpec(name="detectron2", title="Dt2"),
    MethodSpec(name="ours-psp", title="Ours (PSP)"),
    MethodSpec(name="ours-unet", title="Ours (UNet)"),
    MethodSpec(name="ours-bisenet", title="Ours (BiSeNet)"),
    MethodSpec(name="stylegan2", title="StyleGAN2"),
    MethodSpec(name="real", title="Real images"),
):
    METHODS.add(_spec)
