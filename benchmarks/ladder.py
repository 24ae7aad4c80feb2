"""Which world is the hardest that a small StyleGAN2 can paint: the same short training on several.

For every world: the floors on its exact masks, a BiSeNet trained on them, a StyleGAN2 of the
preset's widths, its Fréchet distance (FD) in the BiSeNet's features, and an alpha network trained
on it and scored against the BiSeNet. Every part is resumed where it was stopped. Writes
``ladder.md`` and a sheet of samples beside images of each world:

    OMP_NUM_THREADS=1 python benchmarks/ladder.py --runs runs/ladder --out reports/shapes
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from l4f_bench.annotators.parser_file import load_parser
from l4f_bench.datasets.shapes import HELD_OUT, SHAPES, Tones, World, shapes_batch
from l4f_bench.evaluation.controls import Controls, Looked
from l4f_bench.features.parser import load_parser_features
from l4f_bench.features.resizing import DEFAULT_RESIZE
from l4f_bench.generators.stylegan2 import BACKGROUND_MODES
from l4f_bench.methods.contracts import GenerativeMethod, ImageMethod
from l4f_bench.methods.labels4free.loading import load_alpha_network
from l4f_bench.methods.labels4free.method import Labels4Free
from l4f_bench.metrics.counts import count_pixels
from l4f_bench.metrics.frechet import frechet_distance
from l4f_bench.metrics.intervals import point_scores
from l4f_bench.metrics.moments import Gaussian
from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.runs import write_text
from l4f_bench.training import bisenet_config, gan_config, labels4free_config
from l4f_bench.training.bisenet import BiSeNetTrainer
from l4f_bench.training.labels4free import Labels4FreeTrainer, load_frozen
from l4f_bench.training.loop import LoopConfig, Trainer, train
from l4f_bench.training.stylegan2 import StyleGan2Trainer
from l4f_bench_baselines.classical.border_colour import BorderColour

LONE = replace(SHAPES, empty=0.0, pairs=0.0)
CENTRED = replace(LONE, area=(0.17, 0.40), shift=0.05)
STRONG = Tones(saturation=(0.6, 1.0), value=(0.6, 1.0))
PALE = Tones(saturation=(0.0, 0.3), value=(0.35, 0.85))
APART: dict[str, Any] = {"object_tones": STRONG, "background_tones": PALE, "speckle": 0.05}
WORLDS: dict[str, World] = {
    "strong colours on pale, near the centre": replace(CENTRED, **APART),
    "strong colours on pale, anywhere": replace(LONE, **APART),
    "one range of colours, speckle 0.1": replace(LONE, speckle=0.1),
    "one range of colours, speckle 0.2": LONE,
    "one range of colours, speckle 0.5": replace(LONE, speckle=0.5),
}
SIZE, L4F = 64, PROTOCOLS.get("l4f")
LEVELS = (0.5, 0.9)  # alpha above which a pixel is foreground; the table has the last
NUM_SCORED, NUM_COMPARED, BATCH = 500, 2000, 50


@dataclass(frozen=True, slots=True)
class WorldImages:
    """A world to train on, from seed 0."""

    world: World
    digest: str = "a world of the ladder"

    def batch(self, indices: Sequence[int]) -> np.ndarray:
        """Images, uint8 ``[N, 3, H, W]`` RGB."""
        return shapes_batch(indices, resolution=SIZE, seed=0, world=self.world)[0]


@dataclass(frozen=True, slots=True)
class LabelledWorld:
    """The same with exact masks."""

    world: World
    classes: tuple[str, ...] = ("background", "object")
    digest: str = "a world of the ladder, with masks"
    held_out: range = range(0)

    def batch(self, indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Images ``[N, 3, H, W]`` RGB, and the class of every pixel ``[N, H, W]``."""
        images, masks = shapes_batch(indices, resolution=SIZE, seed=0, world=self.world)
        return images, masks.astype(np.uint8)


def main() -> None:
    """Train and measure on every world, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/ladder"))
    parser.add_argument("--out", type=Path, default=Path("reports/shapes"))
    parser.add_argument("--generator-steps", type=int, default=3000)
    parser.add_argument("--alpha-steps", type=int, default=200)
    parser.add_argument("--annotator-steps", type=int, default=500)
    arguments = parser.parse_args()
    rows = []
    for number, (name, world) in enumerate(WORLDS.items()):
        runs = arguments.runs / str(number)
        done = runs / "row.json"
        if not done.exists():
            row = {"world": name, "settings": asdict(world)} | measure(world, runs, arguments)
            write_text(done, json.dumps(row, indent=1) + "\n")
        rows.append(json.loads(done.read_text(encoding="utf-8")))
        sheet = Image.open(runs / "sheet.png")
        sheet.save(arguments.out / f"ladder-{number}.png")
        write_text(arguments.out / "ladder.json", json.dumps(rows, indent=1) + "\n")
    write_text(arguments.out / "ladder.md", table(rows))


def measure(world: World, runs: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """What is found on one world."""
    images, masks = shapes_batch(range(NUM_SCORED), resolution=SIZE, seed=HELD_OUT, world=world)
    config = bisenet_config.PRESETS.get("shapes").config
    steps = arguments.annotator_steps
    judge = BiSeNetTrainer(config, LabelledWorld(world), num_steps=steps)
    annotator_file = trained(judge, runs / "annotator", steps)[0]
    annotator = load_parser(annotator_file, torch.device("cpu"))

    trainer = StyleGan2Trainer(gan_config.PRESETS.get("shapes").config, WorldImages(world))
    _, with_discriminator = trained(trainer, runs / "generator", arguments.generator_steps)

    settings = replace(
        labels4free_config.PRESETS.get("shapes/shapes").config,
        foreground_phi=world.area[0],
        background_phi=0.95 - world.area[1],
    )
    frozen = load_frozen(with_discriminator, with_discriminator=True)
    teacher = Labels4FreeTrainer(settings, frozen, WorldImages(world))
    (alpha_file,) = trained(teacher, runs / "alpha", arguments.alpha_steps)
    ours = Labels4Free(
        frozen.network.eval(),
        load_alpha_network(alpha_file),
        mean_latent=frozen.mean_latent,
        background=BACKGROUND_MODES["first-conv"],
    )
    save_sheet(runs / "sheet.png", images, ours)
    return {
        "floors": floors(images, masks),
        "annotator": miou(segmented(images, lambda batch: annotator.annotate(batch).mask), masks),
        **distances(annotator_file, world, ours),
        "ours": {str(psi): against(annotator, ours, psi) for psi in (0.7, 1.0)},
    }


def trained(trainer: Trainer, folder: Path, num_steps: int) -> list[Path]:
    """The networks that a training exports, gone on with where it was stopped."""
    loop = LoopConfig(num_steps=num_steps, grid_every=num_steps)
    return train(
        trainer,
        folder,
        loop,
        {"num_steps": num_steps},
        resume=True,
        watch=lambda done, total: lambda images, losses: None,
        warn=print,
    )


def floors(images: np.ndarray, masks: np.ndarray) -> dict[str, float]:
    """Mean IoU of masks that cannot know: controls, and distances from the border's colours."""
    controls = Controls()
    for mask in masks:
        controls.add(Looked.at(mask, mask))
    found = {name: scored(table.sum(axis=0)) for name, table in controls.counts().items()}
    methods: dict[str, ImageMethod] = {
        "border_mean": BorderColour(num_colours=1),
        "border_colour": BorderColour(),
    }
    for name, method in methods.items():
        found[name] = miou(segmented(images, partial(foreground, method)), masks)
    return found


def foreground(method: ImageMethod, images: torch.Tensor) -> torch.Tensor:
    """Masks of a method, bool ``[N, H, W]``."""
    return method.segment(images)[:, 0] > 0.5


def segmented(images: np.ndarray, segment: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
    """Masks of images, bool ``[N, H, W]``."""
    return np.concatenate([segment(torch.from_numpy(part)).numpy() for part in batches(images)])


def batches(images: np.ndarray) -> Iterator[np.ndarray]:
    """A few images at a time."""
    return (images[start : start + BATCH] for start in range(0, len(images), BATCH))


def miou(preds: np.ndarray, target: np.ndarray) -> float:
    """Mean IoU of pooled pixels."""
    return scored(sum(count_pixels(*pair) for pair in zip(preds, target, strict=True)))


def scored(counts: Any) -> float:
    """Mean IoU of counts ``[4]``."""
    return float(point_scores(L4F, np.asarray(counts)[None])["miou"].value or 0.0)


def distances(annotator_file: Path, world: World, ours: GenerativeMethod) -> dict[str, float]:
    """FD between samples and the world, and between two halves of the world."""
    extractor = load_parser_features(
        annotator_file, resize=DEFAULT_RESIZE, device=torch.device("cpu")
    )

    def gaussian(images: np.ndarray) -> Gaussian:
        features = np.concatenate(
            [extractor.features(torch.from_numpy(p)) for p in batches(images)]
        )
        return Gaussian(features.mean(axis=0, dtype=np.float64), np.cov(features, rowvar=False))

    real, other = (
        gaussian(shapes_batch(range(NUM_COMPARED), resolution=SIZE, seed=seed, world=world)[0])
        for seed in (HELD_OUT, HELD_OUT + 1)
    )
    drawn = ours.sample(range(NUM_COMPARED), truncation=1.0, seed=0).image.numpy()
    fake = gaussian(drawn)
    return {"fd": frechet_distance(fake, real), "fd_real": frechet_distance(other, real)}


def against(annotator: Any, ours: GenerativeMethod, psi: float) -> dict[str, float]:
    """Mean IoU of samples' masks against the annotator, and both coverages."""
    drawn = ours.sample(range(NUM_SCORED), truncation=psi, seed=0)
    truth = segmented(drawn.image.numpy(), lambda batch: annotator.annotate(batch).mask)
    alpha = drawn.alpha[:, 0].numpy()
    found = {f"miou_{level}": miou(alpha > level, truth) for level in LEVELS}
    return found | {"coverage": float(alpha.mean()), "true_coverage": float(truth.mean())}


def save_sheet(path: Path, images: np.ndarray, ours: GenerativeMethod) -> None:
    """Rows of the world, samples, their alpha, and composites."""
    drawn = ours.sample(range(12), truncation=1.0, seed=1)
    alpha = (drawn.alpha * 255).byte().expand(-1, 3, -1, -1)
    rows = [images[:12], drawn.image.numpy(), alpha.numpy()]
    pixels = np.concatenate([np.concatenate(list(row), axis=2) for row in rows], axis=1)
    Image.fromarray(pixels.transpose(1, 2, 0)).save(path)


def table(rows: list[dict[str, Any]]) -> str:
    """The ladder as Markdown."""
    columns = (
        "world", "constant", "shifted", "border's mean", "border's colours", "BiSeNet", "FD",
        "FD of two worlds", "ours, psi 0.7", "ours, psi 1.0",
    )  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for row in rows:
        numbers = [*row["floors"].values(), row["annotator"]]
        ours = [row["ours"][psi][f"miou_{LEVELS[-1]}"] for psi in ("0.7", "1.0")]
        cells = [f"{value:.3f}" for value in numbers]
        cells += [f"{row['fd']:.4f}", f"{row['fd_real']:.4f}", *(f"{value:.3f}" for value in ours)]
        lines.append(f"| {row['world']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
