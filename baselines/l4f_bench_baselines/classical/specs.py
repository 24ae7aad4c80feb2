"""The classical methods as the benchmark's registries know them."""

from __future__ import annotations

from l4f_bench.methods.specs import MethodSpec

CENTRE_DISC = MethodSpec(
    name="centre-disc",
    title="Centre disc",
    kind="image",
    load="l4f_bench_baselines.classical.centre_disc:CentreDisc",
)
BORDER_COLOUR = MethodSpec(
    name="border-colour",
    title="Border colour",
    kind="image",
    load="l4f_bench_baselines.classical.border_colour:BorderColour",
)
BORDER_MEAN = MethodSpec(
    name="border-mean",
    title="Border mean",
    kind="image",
    load="l4f_bench_baselines.classical.border_colour:load_border_mean",
)
GRABCUT = MethodSpec(
    name="grabcut",
    title="GrabCut",
    kind="image",
    load="l4f_bench_baselines.classical.grabcut:load",
)
