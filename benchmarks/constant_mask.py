"""What a mask that never looks at the image would score on a method's samples.

The mask is a disc in the middle, of the one radius that scores best on all samples: a method whose
masks say something of its images must do better than that. Samples and truth are those of
``l4f-bench eval``. The method's own masks are scored beside it, at several thresholds.

    python benchmarks/constant_mask.py --method pseg --samples 1000
"""

from __future__ import annotations

import argparse
import json

import numpy as np
import numpy.typing as npt

from l4f_bench.annotators.choice import usual_annotator
from l4f_bench.annotators.loading import open_annotator
from l4f_bench.devices import choose_device
from l4f_bench.methods.loading import load_generative
from l4f_bench.methods.specs import METHODS
from l4f_bench.metrics.counts import count_pixels
from l4f_bench.metrics.intervals import estimate
from l4f_bench.metrics.protocols import PROTOCOLS

THRESHOLDS = (0.3, 0.5, 0.7, 0.9)

Masks = npt.NDArray[np.bool_]


def miou(preds: Masks, targets: Masks) -> float:
    """Mean IoU under the paper's protocol, masks ``[N, H, W]``."""
    counts = np.stack([count_pixels(p, t) for p, t in zip(preds, targets, strict=True)])
    value = estimate(PROTOCOLS.get("l4f"), counts, num_resamples=1)["miou"].value
    assert value is not None
    return round(value, 4)


def discs(side: int) -> dict[int, Masks]:
    """Discs in the middle by their radius in pixels."""
    axis = np.arange(side) + 0.5 - side / 2
    distance = np.hypot(axis[:, None], axis)
    return {radius: distance <= radius for radius in range(1, side // 2 + 1)}


def main() -> None:
    """Measure and print as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", default="ours")
    parser.add_argument("--dataset", default="shapes")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--truncation", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    method, _ = load_generative(arguments.method, arguments.dataset)
    screens = METHODS.get(arguments.method).screens
    source = usual_annotator(arguments.dataset, screens.get(arguments.dataset))
    annotator, _ = open_annotator(source, choose_device(None), dataset=arguments.dataset)
    drawn = method.sample(
        range(arguments.samples), truncation=arguments.truncation, seed=arguments.seed
    )
    targets = annotator.annotate(drawn.image).mask.cpu().numpy()
    alpha = drawn.alpha[:, 0].numpy()
    shape = targets.shape
    of_disc = {
        radius: miou(np.broadcast_to(disc, shape), targets)
        for radius, disc in discs(shape[-1]).items()
    }
    best = max(of_disc, key=lambda radius: of_disc[radius])
    result = {
        "miou": {f"{threshold:g}": miou(alpha > threshold, targets) for threshold in THRESHOLDS},
        "disc_radius": best,
        "disc_miou": of_disc[best],
        "miou_shifted": miou(np.roll(alpha > THRESHOLDS[1], 1, axis=0), targets),
    }
    print(json.dumps({**vars(arguments), **result}))


if __name__ == "__main__":
    main()
