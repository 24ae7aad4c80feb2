"""PSeg's entries in the registries of the benchmark, which import no networks."""

from __future__ import annotations

from l4f_bench.training.trainers import TrainerSpec

TRAINER = TrainerSpec(
    name="pseg",
    title="PSeg, the competitor",
    build="baselines.pseg.entry:job",
    presets="baselines.pseg.presets:PRESETS",
    takes=("data", "strict"),
    needs_images=True,
)
