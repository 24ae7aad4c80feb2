"""Steps per second of Labels4Free training: our loop against a transcription of the released one.

The transcription does what the released loop does, on the layers as the public code computes them
(``published_networks.py``): a batch of images, backgrounds and masks for the discriminator, another
for the alpha network, the gradient penalty in a step of its own, features kept until the alpha
network reads them. Ours paints one batch for both networks. To tell that apart from the faster
layers, ``published-one-batch`` is the transcription with one batch for both.

All take turns in one process on networks of the same sizes and weights. A step's time is the mean
over 16 steps, one of which has the penalty; the penalised step is timed apart, so that a round
needs few steps.

    OMP_NUM_THREADS=2 python benchmarks/training.py --size 64 --batch 8
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from published_networks import published_alpha, published_discriminator, published_generator
from timing import ratio
from torch import Tensor

from l4f_bench.generators.architecture import GeneratorArchitecture, default_channels
from l4f_bench.generators.stylegan2 import Generator
from l4f_bench.training.adversarial import real_batch
from l4f_bench.training.compute import Compute
from l4f_bench.training.images import ShapesImages
from l4f_bench.training.labels4free import FrozenGenerator, Labels4FreeTrainer
from l4f_bench.training.labels4free_config import PRESETS

TOLERANCE = 1e-4
EVERY = 16  # steps between penalties


class PublishedLoop:
    """The released loop on the networks of a trainer of ours, with weights of its own."""

    def __init__(self, ours: Labels4FreeTrainer, *, one_batch: bool) -> None:
        self.config, self.images = ours.config, ours.images
        self.mapping, self.one_batch = ours.generator.mapping, one_batch
        self.device = ours.device
        self.generator = dict(ours.generator.state_dict())
        self.alpha, self.discriminator = (
            {
                key: value.clone().requires_grad_("kernel" not in key)
                for key, value in network.state_dict().items()
            }
            for network in (ours.alpha, ours.discriminator)
        )
        self.average = {key: value.detach().clone() for key, value in self.alpha.items()}
        self.alpha_optimiser, self.discriminator_optimiser = (
            torch.optim.Adam([v for v in weights.values() if v.requires_grad], lr=1e-4)
            for weights in (self.alpha, self.discriminator)
        )

    def composite(self) -> tuple[Tensor, Tensor]:
        """Composites and alpha of new samples."""
        z = torch.randn(self.config.batch_size, 512, device=self.device)
        w = self.mapping(z)
        foreground, features = published_generator(self.generator, w)
        background, _ = published_generator(self.generator, w, background=True)
        alpha = published_alpha(self.alpha, features)
        return alpha * foreground + (1 - alpha) * background, alpha

    def step(self, step: int) -> None:
        """One step of both networks."""
        images, alpha = self.composite()
        real = real_batch(self.images, step, self.config).to(self.device).contiguous()
        loss = (
            F.softplus(-published_discriminator(self.discriminator, real)).mean()
            + F.softplus(published_discriminator(self.discriminator, images.detach())).mean()
        )
        _update(self.discriminator_optimiser, loss)
        if step % EVERY == 0:
            real.requires_grad_()
            scores = published_discriminator(self.discriminator, real)
            (gradient,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
            penalty = gradient.square().sum((1, 2, 3)).mean()
            _update(self.discriminator_optimiser, 5 * EVERY * penalty)
        if not self.one_batch:
            images, alpha = self.composite()
        frozen = {key: value.detach() for key, value in self.discriminator.items()}
        loss = F.softplus(-published_discriminator(frozen, images)).mean()
        loss = loss + torch.minimum(alpha, 1 - alpha).mean()
        loss = loss + (0.25 - alpha.mean((1, 2, 3))).relu().mean()
        _update(self.alpha_optimiser, loss)
        with torch.no_grad():
            for key, value in self.average.items():
                value.lerp_(self.alpha[key], 0.002)


def _update(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


def build(arguments: argparse.Namespace) -> Labels4FreeTrainer:
    """Our trainer on an untrained generator of channel multiplier 2."""
    torch.manual_seed(arguments.seed)
    channels = default_channels(arguments.size)
    generator = Generator(GeneratorArchitecture(size=arguments.size, channels=channels))
    levels = min(6, len(channels) - 1)
    config = replace(
        PRESETS.get("ffhq/released").config,
        r1_step="merged",
        layout="bg_extractor",  # the one that is transcribed
        batch_size=arguments.batch,
        levels=levels,
        seed=arguments.seed,
    )
    frozen = FrozenGenerator(generator, generator.mean_latent(), sha256="untrained")
    images = ShapesImages(arguments.size, arguments.seed)
    compute = Compute(device=torch.device(arguments.device), bf16=arguments.bf16)
    return Labels4FreeTrainer(config, frozen, images, compute)


@torch.no_grad()
def check_networks(ours: Labels4FreeTrainer) -> float:
    """Largest difference between both ways to composites' parts and scores, on the same inputs."""
    published = PublishedLoop(ours, one_batch=True)
    w = ours.generator.mapping(torch.randn(4, 512, device=ours.device))
    image, features = published_generator(published.generator, w)
    own_image, own_alpha = ours.alpha.paint(ours.generator, w)
    pairs = [
        (image, own_image),
        (published_alpha(published.alpha, features), own_alpha),
        (published_discriminator(published.discriminator, image), ours.discriminator(own_image)),
    ]
    return max(float((a - b).abs().max()) for a, b in pairs)


def seconds_per_step(step: Callable[[int], object], plain: int, device: torch.device) -> float:
    """Mean time of 16 steps: one with the penalty, and ``plain`` of the 15 others timed."""

    def timed(first: int, count: int) -> float:
        start = time.perf_counter()
        for number in range(first, first + count):
            step(number)
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    return (timed(0, 1) + (EVERY - 1) * timed(1, plain) / plain) / EVERY


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plain", type=int, default=2, help="unpenalised steps timed a round")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="ours only; outputs are not compared")
    return parser.parse_args()


def main() -> None:
    """Time all in turns and print steps per second and ratios as JSON."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    ours = build(arguments)
    difference = check_networks(ours)
    assert difference <= TOLERANCE, f"outputs differ by {difference:.2g}"
    loops = {
        "published": PublishedLoop(ours, one_batch=False).step,
        "published_one_batch": PublishedLoop(ours, one_batch=True).step,
        "ours": ours.step,
    }
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    for round_ in range(arguments.rounds + 1):  # the first warms up
        for name, step in loops.items():
            taken = seconds_per_step(step, arguments.plain, ours.device)
            if round_:
                seconds[name].append(taken)
    result = {
        **vars(arguments),
        **{f"{name}_s_per_step": round(statistics.median(s), 3) for name, s in seconds.items()},
        **{
            f"ratio_to_{name}": ratio(seconds[name], seconds["ours"])
            for name in ("published", "published_one_batch")
        },
        "max_difference": difference,
        "torch": torch.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
