"""PSeg as the benchmark's registries know it."""

from __future__ import annotations

from l4f_bench.methods.specs import MethodSpec

METHOD = MethodSpec(
    name="pseg",
    title="PSeg",
    kind="generative",
    load="baselines.pseg.entry:load",
    screens={"ffhq": "mask-rcnn"},  # the paper scores only samples in which it finds a person
)
