"""What projection costs: masks by ``ours-psp`` on the shapes world, against exact masks.

Every image is projected by a given encoder. Its score is set beside its reconstruction's error, by
quarter of the images and in a plot; beside it stand the alpha network's own score on samples that
need no projection, and masks of the generator's mean image, a projection that never looks. Writes
``projection.md``, ``projection.json`` and ``projection.png``:

    OMP_NUM_THREADS=1 python benchmarks/projection_cost.py --encoder FILE --out reports/shapes
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from l4f_bench.assets import embedded_path
from l4f_bench.datasets.shapes import HELD_OUT, shapes_batch
from l4f_bench.evaluation.records import Record, load_record
from l4f_bench.metrics.counts import count_pixels
from l4f_bench.metrics.intervals import estimate, point_scores
from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.projection.image_errors import image_errors
from l4f_bench.projection.loading import ProjectorFiles, open_encoder_projector
from l4f_bench.projection.placement import fitted
from l4f_bench.projection.projectors import Projected
from l4f_bench.runs import atomic_path, write_text

SIZE, L4F, THRESHOLD = 64, PROTOCOLS.get("l4f"), 0.9


def main() -> None:
    """Project, score, and write the table and the plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--samples", type=Path, help="the record of ours on samples, at psi 1")
    parser.add_argument("--out", type=Path, default=Path("reports/shapes"))
    arguments = parser.parse_args()
    errors, counts, unseen = projected(arguments.encoder, arguments.images)
    found = {
        "images": arguments.images,
        "threshold": THRESHOLD,
        "ours_psp": score(counts),
        "mean_image": score(unseen),
        "samples": None
        if arguments.samples is None
        else of_samples(load_record(arguments.samples)),
        "quarters": quarters(errors, counts),
    }
    write_text(arguments.out / "projection.json", json.dumps(found, indent=1) + "\n")
    write_text(arguments.out / "projection.md", table(found))
    plot(errors, counts, arguments.out / "projection.png")


def projected(encoder: Path, num_images: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Squared errors ``[N]``, and pixel counts ``[N, 4]`` of ours-psp and of the mean image."""
    files = ProjectorFiles(dataset="shapes", encoder=encoder, alpha=embedded_path("shapes-alpha"))
    projector, _ = open_encoder_projector(files)
    images, masks = shapes_batch(range(num_images), resolution=SIZE, seed=HELD_OUT)
    placement = fitted((SIZE, SIZE), projector.frame.picture_size(SIZE), "pad")
    never_looked = foreground(projector.project(projector.mean_picture, placement))
    errors, counts, unseen = [], [], []
    for image, mask in zip(images, masks, strict=True):
        found = projector.project(image, placement)
        errors.append(image_errors(found.picture, image).mse)
        counts.append(count_pixels(foreground(found), mask))
        unseen.append(count_pixels(never_looked, mask))
    return np.array(errors), np.stack(counts), np.stack(unseen)


def foreground(found: Projected) -> np.ndarray:
    """The mask of a projection, bool ``[H, W]``."""
    assert found.alpha is not None, "the projector has an alpha network"
    mask: np.ndarray = found.alpha > THRESHOLD
    return mask


def score(counts: np.ndarray) -> dict[str, float | None]:
    """Mean IoU of pooled pixels, with its interval."""
    found = estimate(L4F, counts, None, seed=0)["miou"]
    return {"value": found.value, "low": found.low, "high": found.high}


def of_samples(record: Record) -> dict[str, float | None]:
    """The same of a record."""
    found = record.scores["miou"]
    return {"value": found.value, "low": found.low, "high": found.high}


def quarters(errors: np.ndarray, counts: np.ndarray) -> list[dict[str, Any]]:
    """Scores of the images in four parts, from the best reconstructed on."""
    parts = np.array_split(np.argsort(errors, kind="stable"), 4)
    return [{"largest_mse": float(errors[part].max()), **score(counts[part])} for part in parts]


def table(found: dict[str, Any]) -> str:
    """The table as Markdown."""
    rows = [
        ("`ours-psp` on images", found["ours_psp"]),
        *(
            (f"… of which reconstructed with a squared error up to {part['largest_mse']:.4f}", part)
            for part in found["quarters"]
        ),
        ("the mean image's mask on every image", found["mean_image"]),
    ]
    if found["samples"] is not None:
        rows.append(("the alpha network on samples, against the annotator", found["samples"]))
    lines = ["| what | mIoU |", "|---|---|"]
    for name, cell in rows:
        lines.append(f"| {name} | {cell['value']:.3f} [{cell['low']:.3f}, {cell['high']:.3f}] |")
    return "\n".join(lines) + "\n"


def miou(counts: np.ndarray) -> float:
    """Mean IoU of pooled pixels; NaN where a class is missing."""
    value = point_scores(L4F, counts)["miou"].value
    return np.nan if value is None else value


def plot(errors: np.ndarray, counts: np.ndarray, path: Path) -> None:
    """Each image's mean IoU against the squared error of its reconstruction."""
    from matplotlib.figure import Figure

    scores = np.array([miou(row[None]) for row in counts])
    known = np.isfinite(scores)
    figure = Figure(figsize=(6, 4), layout="constrained")
    panel = figure.subplots()
    panel.scatter(errors[known], scores[known], s=6, alpha=0.4, linewidths=0)
    panel.set_xscale("log")
    panel.set_xlabel("squared error of the reconstruction, colours from 0 to 1")
    panel.set_ylabel("mean IoU of the image")
    panel.grid(linewidth=0.3)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=80)


if __name__ == "__main__":
    main()
