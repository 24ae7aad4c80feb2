"""PSeg's entries in the registries of the benchmark, which import no networks."""

from __future__ import annotations

from l4f_bench.methods.specs import MethodSpec
from l4f_bench.training.trainers import TrainerSpec

METHOD = MethodSpec(
    name="pseg",
    title="PSeg",
    kind="generative",
    load="l4f_bench_baselines.pseg.entry:load",
    screens={"ffhq": "mask-rcnn"},  # the paper scores only samples in which it finds a person
)

TRAINER = TrainerSpec(
    name="pseg",
    title="PSeg, the competitor",
    build="l4f_bench_baselines.pseg.entry:job",
    presets="l4f_bench_baselines.pseg.presets:PRESETS",
    takes=("data", "strict"),
    needs_images=True,
)
