"""What every adversarial trainer does: real batches, the discriminator's loss, frozen networks.

On many processes each works on its share of the global batch (:mod:`l4f_bench.distributed`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l4f_bench.distributed import mean, num_processes, shard
from l4f_bench.errors import InputError
from l4f_bench.seeds import random_numbers
from l4f_bench.training.images import RealImages


class AdversarialConfig(Protocol):
    """The settings that every adversarial trainer has."""

    @property
    def batch_size(self) -> int:
        """Images a step."""

    @property
    def seed(self) -> int:
        """Seed of the run."""

    @property
    def flips(self) -> bool:
        """Mirror half of the real images."""

    @property
    def r1(self) -> float:
        """Weight of the gradient penalty."""

    @property
    def r1_every(self) -> int:
        """Steps between penalties."""


GROUP = 4
"""Images of a group of the discriminator's batch statistic."""


def check_batch(config: AdversarialConfig) -> None:
    """Refuse a batch that the processes cannot share.

    Shares must be of whole groups of the discriminator's statistic, or smaller than one: the
    paper's batch of 8 on four GPUs has groups of 2.

    Raises:
        InputError: The batch size does not divide so.
    """
    count = num_processes()
    share, rest = divmod(config.batch_size, count)
    if rest or (share > GROUP and share % GROUP):
        raise InputError(
            f"A batch of {config.batch_size} does not divide among {count} processes: each needs "
            f"the same number of images, fewer than {GROUP} or a multiple of {GROUP}. Choose "
            "another with --set batch_size=N."
        )


def group_warning(config: AdversarialConfig) -> str | None:
    """What to say where a share is smaller than a group, so that one process computes otherwise."""
    count = num_processes()
    share = config.batch_size // count
    if count == 1 or share >= GROUP:
        return None
    return (
        f"Each of {count} processes has {share} images a step, so the discriminator's statistic is "
        f"over {share} images instead of {GROUP}. A single process would give another result."
    )


def real_batch(images: RealImages, step: int, config: AdversarialConfig) -> Tensor:
    """This process's real images of a step, float ``[N, 3, H, W]`` in [-1, 1].

    With flips, half are mirrored.
    """
    first = step * config.batch_size
    indices = range(first, first + config.batch_size)
    return real_images(images, indices, step=step, seed=config.seed, flips=config.flips)


def real_images(
    images: RealImages, indices: Sequence[int], *, step: int, seed: int, flips: bool
) -> Tensor:
    """This process's share of some real images, as for :func:`real_batch`.

    Args:
        images: Where they come from.
        indices: Which ones, over all processes.
        step: Number of the step, which decides with the seed which are mirrored.
        seed: Seed of the run.
        flips: Mirror half of them.
    """
    pixels = images.batch(shard(indices))
    if flips:
        source = random_numbers(seed=seed, index=step, stream=0)
        flipped = shard(source.random(len(indices)) < 0.5)
        pixels = np.where(flipped[:, None, None, None], pixels[..., ::-1], pixels)
    batch = torch.from_numpy(np.ascontiguousarray(pixels)).float() / 127.5 - 1
    return batch.contiguous(memory_format=torch.channels_last)  # what convolutions are fastest on


def lazy_r1(config: AdversarialConfig, step: int) -> float:
    """Weight of the penalty in a step: 0 in most, and as much more in the others."""
    return config.r1 * config.r1_every if step % config.r1_every == 0 else 0.0


def train_discriminator(
    discriminator: nn.Module,
    optimiser: torch.optim.Optimizer,
    real: Tensor,
    fake: Tensor,
    *,
    r1: float,
    separate: bool = False,
) -> dict[str, Tensor]:
    """One step of the logistic loss, with the gradient penalty on real images if ``r1`` is not 0.

    Args:
        discriminator: The network to train.
        optimiser: Its optimiser.
        real: Real images ``[N, 3, H, W]`` in [-1, 1].
        fake: Made images, without gradients.
        r1: Weight of half the penalty.
        separate: Take the penalty in a second step, as the released loop does.

    Returns:
        ``loss_d`` (without the penalty), and the mean scores.
    """
    merged = r1 > 0 and not separate
    real = real.requires_grad_(merged)
    on_real, on_fake = discriminator(real).float(), discriminator(fake).float()
    loss = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
    losses = {"loss_d": loss, "score_real": on_real.mean(), "score_fake": on_fake.mean()}
    if merged:
        loss = loss + r1 / 2 * _squared_gradient(on_real, real)
    _descend(optimiser, loss)
    if r1 > 0 and separate:
        real = real.requires_grad_()
        on_real = discriminator(real).float()
        # The released loop adds the score of the first real image, at full weight.
        _descend(optimiser, r1 / 2 * _squared_gradient(on_real, real) + on_real[0].sum())
    return losses


def _squared_gradient(scores: Tensor, images: Tensor) -> Tensor:
    """Squared norm of each score's gradient by its image, averaged; to be differentiated."""
    (gradient,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


def mean_figures(losses: Mapping[str, Tensor]) -> dict[str, float]:
    """The mean of every process's losses, by name."""
    values = mean(torch.stack([value.detach().float() for value in losses.values()])).tolist()
    return dict(zip(losses, values, strict=True))


@contextmanager
def gradients_pass(network: nn.Module) -> Iterator[None]:
    """Let gradients pass a network without computing those of its weights."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
