"""What each choice of the paper is worth on the embedded world: one is changed at a time.

Trainings of the alpha network from several seeds, each scored against the embedded annotator
on samples at psi 1, threshold 0.9. Beside them stand what the analyses recommend, the annotator's
own coverage, and what the best constant mask scores. A row is written for every run; those that
are there are not done again. Masks that say nothing are scored as well, and counted. Writes
``ablation.md`` and ``ablation.json``; about two hours on one core:

    OMP_NUM_THREADS=1 python benchmarks/ablation.py --runs runs/ablation --out reports/shapes
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ladder import APART, WorldImages, miou, scored, segmented, trained
from torch import nn

from l4f_bench.analysis.background_study import study_background
from l4f_bench.analysis.config import BackgroundConfig, LayersConfig
from l4f_bench.analysis.layer_study import study_layers
from l4f_bench.annotators.parser_file import load_parser
from l4f_bench.cache import cached_weight
from l4f_bench.datasets.shapes import SHAPES
from l4f_bench.errors import TrainingError
from l4f_bench.evaluation.controls import CONSTANT, Controls, Looked
from l4f_bench.generators.checkpoints.loading import load_generator
from l4f_bench.generators.sampling import Draw
from l4f_bench.generators.stylegan2 import BackgroundMode, Generator
from l4f_bench.methods.labels4free.loading import load
from l4f_bench.methods.labels4free.method import Labels4Free
from l4f_bench.provenance import sha256_of
from l4f_bench.runs import write_text
from l4f_bench.training import gan_config, labels4free_config
from l4f_bench.training.jobs import TrainRequest, build_job
from l4f_bench.training.labels4free import Labels4FreeTrainer
from l4f_bench.training.stylegan2 import StyleGan2Trainer

NUM_SCORED, THRESHOLD, PSI = 500, 0.9, 1.0
STRANGE = replace(
    SHAPES, empty=1.0, pairs=0.0,
    background_tones=APART["background_tones"], speckle=APART["speckle"],
)  # fmt: skip
"""Another world: paler and smoother, and without objects."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One training, by what it changes of the preset ``shapes``."""

    key: str
    """Name of its folder."""
    label: str
    """What the table calls it."""
    settings: tuple[str, ...] = ()
    """As ``train --set`` takes them."""
    choice: tuple[str, Any] | None = None
    """The setting that it stands for and its value, where an analysis might recommend that."""


PRESET = labels4free_config.PRESETS.get("shapes/shapes").config


def preset(label: str, choice: tuple[str, Any] | None = None) -> Variant:
    """The preset itself, by what it chooses where others differ."""
    return Variant("preset", f"{label} (the preset)", choice=choice)


def choices(setting: str, labels: dict[Any, str]) -> tuple[Variant, ...]:
    """A variant for each value of a setting."""
    return tuple(
        preset(label, (setting, value))
        if getattr(PRESET, setting) == value
        else Variant(
            f"{setting}-{value}", label, (f"{setting}={str(value).lower()}",), (setting, value)
        )
        for value, label in labels.items()
    )


GROUPS: dict[str, tuple[Variant, ...]] = {
    "alpha reads from": choices("levels", {4: "8 pixels", 3: "16 pixels", 2: "32 pixels"}),
    "what is zeroed for backgrounds": (
        *choices(
            "background_mode",
            {"first-conv": "first styled convolution", "constant": "learned constant"},
        ),
        Variant("curated", "the channels that the analysis names"),
    ),
    "backgrounds from": (
        preset("the trimmed generator"),
        Variant("whole", "the whole generator"),
        Variant("stranger", "another world's generator"),
    ),
    "discriminator": choices(
        "pretrained_discriminator", {True: "pretrained", False: "from scratch"}
    ),
    "regularisers": (
        preset("B, C and E"),
        Variant("no-b", "without B", ("binarisation=0",)),
        Variant("no-c", "without C", ("foreground=0",)),
        Variant("no-e", "without E", ("background=0",)),
        Variant("none", "none", ("binarisation=0", "foreground=0", "background=0")),
    ),
    "truncation in training": choices("truncation", {1.0: "psi 1", 0.7: "psi 0.7", 0.5: "psi 0.5"}),
    "latents of both parts": choices(
        "background_latent", {"independent": "independent", "shared": "shared"}
    ),
}
VARIANTS = {variant.key: variant for group in GROUPS.values() for variant in group}


class OtherBackgrounds(nn.Module):
    """A trainer's painter with backgrounds of a generator of one's choice."""

    def __init__(self, painter: nn.Module, generator: Generator, mode: BackgroundMode | None):
        super().__init__()
        self.painter, self.generator, self.mode = painter, generator, mode

    def forward(self, drawn: Draw, other: Draw) -> Any:
        """The batch of the painter, with backgrounds of ``other``."""
        batch = self.painter(drawn, other)
        with torch.no_grad():
            w = self.generator.mapping(other.z)
            background = self.generator.synthesis(w, noise=other.noise, background=self.mode)
        return replace(batch, background=background)


@dataclass(frozen=True, slots=True)
class Bench:
    """What all runs have in common."""

    method: Labels4Free
    """The embedded one."""
    truth: np.ndarray
    """The annotator's masks of the samples, bool ``[N, H, W]``."""
    advice: dict[str, Any]
    """What the analyses recommend."""
    runs: Path
    """Where runs of these networks, of this preset and length go."""
    arguments: argparse.Namespace

    def row(self, variant: Variant, seed: int) -> dict[str, Any]:
        """Train and score, unless that is done."""
        folder = self.runs / variant.key / str(seed)
        done = folder / "row.json"
        if not done.exists():
            row = {"variant": variant.key, "seed": seed, "settings": variant.settings}
            write_text(done, json.dumps(row | self.measured(variant, seed, folder)) + "\n")
        found: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
        return found

    def measured(self, variant: Variant, seed: int, folder: Path) -> dict[str, Any]:
        """What a training comes to, whichever way it ends."""
        started, steps = time.perf_counter(), self.arguments.steps
        # Judged at the end only: every variant gets all its steps.
        settings = (*variant.settings, f"seed={seed}", f"collapse_steps={steps + 1}")
        request = TrainRequest(method="ours", settings=settings, num_steps=steps, device="cpu")
        trainer = build_job(request, print).trainer
        assert isinstance(trainer, Labels4FreeTrainer)
        trainer.painter = self.painter(variant, trainer)
        stopped = None
        try:
            trained(trainer, folder / "run", steps)
        except TrainingError as error:
            stopped = str(error)
        spent = round(time.perf_counter() - started)
        return {**self.scores(trainer), "steps": steps, "stopped": stopped, "seconds": spent}

    def painter(self, variant: Variant, trainer: Labels4FreeTrainer) -> nn.Module:
        """What paints the composites of a variant."""
        own = self.method.generator
        if variant.key == "curated":
            mode = BackgroundMode(name="channels", **self.advice["curated"])
            return OtherBackgrounds(trainer.painter, own, mode)
        if variant.key == "whole":
            return OtherBackgrounds(trainer.painter, own, None)
        if variant.key == "stranger":
            return OtherBackgrounds(trainer.painter, self.stranger(), None)
        return trainer.painter

    def stranger(self) -> Generator:
        """The generator of another world."""
        path = self.arguments.stranger
        if path is None:
            config = gan_config.PRESETS.get("shapes").config
            trainer = StyleGan2Trainer(config, WorldImages(STRANGE))
            path, _ = trained(trainer, self.runs / "other-world", self.arguments.stranger_steps)
        return load_generator(path).requires_grad_(False)

    def scores(self, trainer: Labels4FreeTrainer) -> dict[str, float]:
        """Mean IoU of the samples' masks, and how much of the images they cover."""
        method = Labels4Free(
            trainer.generator, trainer.average,
            mean_latent=trainer.frozen.mean_latent, background=self.method.background,
        )  # fmt: skip
        masks = method.sample(range(NUM_SCORED), truncation=PSI, seed=0).alpha[:, 0] > THRESHOLD
        return {"miou": miou(masks.numpy(), self.truth), "coverage": float(masks.float().mean())}


def main() -> None:
    """Train and score every variant, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--out", type=Path, default=Path("reports/shapes"))
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument(
        "--stranger", type=Path, help="generator of another world; else one is trained"
    )
    parser.add_argument("--stranger-steps", type=int, default=1000)
    arguments = parser.parse_args()
    method, digests = load(None, dataset="shapes", device="cpu")
    samples = method.sample(range(NUM_SCORED), truncation=PSI, seed=0)
    file = cached_weight("shapes-annotator")
    annotator, digests["annotator"] = load_parser(file, torch.device("cpu")), sha256_of(file)
    truth = segmented(samples.image.numpy(), lambda batch: annotator.annotate(batch).mask)
    of_rows = repr((digests, PRESET, arguments.steps))  # rows of other ones do not count
    runs = arguments.runs / hashlib.sha256(of_rows.encode()).hexdigest()[:8]
    bench = Bench(method, truth, advised(runs), runs, arguments)
    facts = {"coverage": float(truth.mean()), "constant": constant(truth), "sha256": digests}
    rows = []
    for seed in range(arguments.seeds):
        for key in arguments.only:
            rows.append(bench.row(VARIANTS[key], seed))
            print(json.dumps(rows[-1]), flush=True)
            found = {"advice": bench.advice, **facts, "rows": rows}
            write_text(arguments.out / "ablation.json", json.dumps(found, indent=1) + "\n")
    write_text(arguments.out / "ablation.md", report(found))


def advised(runs: Path) -> dict[str, Any]:
    """What both analyses recommend for the embedded generator, with their usual options."""
    path = runs / "advice.json"
    if not path.exists():
        layers = study_layers(LayersConfig())[0].recommendation
        background = study_background(BackgroundConfig())[0]
        curated = background.curated
        advice = {
            "levels": layers.levels,
            "background_mode": background.mode,
            "curated": {"layer": curated.layer, "channels": curated.channels},
            "reasons": {"layers": layers.reason, "background": background.reason},
        }
        write_text(path, json.dumps(advice, indent=1) + "\n")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def constant(truth: np.ndarray) -> float:
    """Mean IoU of the constant mask that fits best."""
    controls = Controls()
    for mask in truth:
        controls.add(Looked.at(mask, mask))
    return scored(controls.counts()[CONSTANT].sum(axis=0))


def report(found: dict[str, Any]) -> str:
    """The table as Markdown, with what the analyses recommend."""
    advice, rows = found["advice"], found["rows"]
    columns = ("choice", "", "mean IoU", "coverage", "useless")
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for group, variants in GROUPS.items():
        for number, variant in enumerate(variants):
            own = [row for row in rows if row["variant"] == variant.key]
            name, value = variant.choice or ("", None)
            label = variant.label + (", recommended" if advice.get(name, "") == value else "")
            cells = [group if number == 0 else "", label, *summary(own)]
            lines.append(f"| {' | '.join(cells)} |")
    seeds = len({row["seed"] for row in rows})
    steps = rows[0]["steps"]
    return (
        f"Means over {seeds} seeds, with the lowest and the highest; {steps} steps each, "
        f"{NUM_SCORED} samples at psi {PSI:g}, threshold {THRESHOLD}. `useless` counts the runs "
        "that `train` would have refused to export, with masks that are empty or full. The best "
        f"constant mask scores {found['constant']:.3f}; the annotator covers "
        f"{found['coverage']:.3f}.\n\n"
        "Recommended is what the analyses say of this generator. "
        + " ".join(f"`analyze {name}`: {why}." for name, why in advice["reasons"].items())
        + "\n\n"
        + "\n".join(lines)
        + "\n"
    )


def summary(rows: Sequence[dict[str, Any]]) -> tuple[str, str, str]:
    """Mean IoU and coverage over the seeds of a variant, and how many runs came to nothing."""
    if not rows:
        return "", "", ""
    cells = []
    for name in ("miou", "coverage"):
        values = [row[name] for row in rows]
        spread = f"{min(values):.3f} to {max(values):.3f}"
        cells.append(f"{np.mean(values):.3f} ({spread})")
    stopped = sum(row["stopped"] is not None for row in rows)
    return cells[0], cells[1], f"{stopped} of {len(rows)}"


if __name__ == "__main__":
    main()
