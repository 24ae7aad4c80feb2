"""The training loss against a plain loop over sorted pixels."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from l4f_bench.annotators.bisenet import BiSeNet, Heads
from l4f_bench.annotators.ohem import bisenet_loss, ohem_cross_entropy


def naive(scores: Tensor, target: Tensor) -> float:
    """All losses in falling order; the hard ones, or the first sixteenth."""
    losses = []
    for pixels, labels in zip(scores.tolist(), target.tolist(), strict=True):
        for y, row in enumerate(labels):
            for x, label in enumerate(row):
                logits = [plane[y][x] for plane in pixels]
                total = math.log(sum(math.exp(value) for value in logits))
                losses.append(0.0 if label == 255 else total - logits[label])
    losses.sort(reverse=True)
    num_kept = len(losses) // 16
    if losses[num_kept] > -math.log(0.7):
        kept = [loss for loss in losses if loss > -math.log(0.7)]
    else:
        kept = losses[:num_kept]
    return sum(kept) / len(kept)


def batch(confidence: float, ignored: float = 0.0) -> tuple[Tensor, Tensor]:
    """Scores that are right with ``confidence`` (in logits), and targets partly ignored."""
    generator = torch.Generator().manual_seed(3)
    target = torch.randint(0, 4, (3, 8, 12), generator=generator)
    scores = torch.randn(3, 4, 8, 12, generator=generator, dtype=torch.float64)
    scores += confidence * torch.nn.functional.one_hot(target, 4).permute(0, 3, 1, 2)
    target[torch.rand(target.shape, generator=generator) < ignored] = 255
    return scores, target


@pytest.mark.parametrize("ignored", [0.0, 0.3, 0.98, 1.0])
@pytest.mark.parametrize("confidence", [0.0, 2.0, 4.0, 9.0])
def test_loss_equals_a_plain_loop(confidence: float, ignored: float) -> None:
    scores, target = batch(confidence, ignored)
    assert float(ohem_cross_entropy(scores, target)) == pytest.approx(naive(scores, target))


def test_only_hard_pixels_count_while_there_are_many() -> None:
    # One row of 16 pixels: 4 undecided (loss ln 2), 12 right beyond doubt; more than 1 is hard.
    scores = torch.zeros(1, 2, 1, 16)
    scores[:, 0, :, 4:] = 20.0
    target = torch.zeros(1, 1, 16, dtype=torch.int64)
    assert float(ohem_cross_entropy(scores, target)) == pytest.approx(math.log(2))


def test_a_sixteenth_counts_where_all_pixels_are_easy() -> None:
    scores = torch.zeros(1, 2, 1, 32)
    scores[:, 0] = 3.0
    scores[:, 0, :, 0] = 2.0  # two of 32 are kept: this one and one of the rest
    target = torch.zeros(1, 1, 32, dtype=torch.int64)
    expected = (math.log1p(math.exp(-2)) + math.log1p(math.exp(-3))) / 2
    assert float(ohem_cross_entropy(scores, target)) == pytest.approx(expected)


def test_easy_pixels_get_no_gradient() -> None:
    scores, target = batch(2.0)
    scores.requires_grad_()
    (gradient,) = torch.autograd.grad(ohem_cross_entropy(scores, target), scores)
    probability = scores.softmax(1).gather(1, target[:, None])[:, 0]
    assert torch.equal(gradient.abs().sum(1) > 0, probability < 0.7)


def test_the_three_heads_weigh_the_same() -> None:
    scores, target = batch(1.0)
    single = ohem_cross_entropy(scores, target)
    heads = Heads(scores, scores, 2 * scores)
    expected = 2 * single + ohem_cross_entropy(2 * scores, target)
    assert float(bisenet_loss(heads, target)) == pytest.approx(float(expected))


def test_a_small_network_learns_bright_from_dark() -> None:
    torch.manual_seed(0)
    network = BiSeNet(2, width=0.125)
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    target = torch.zeros(4, 32, 32, dtype=torch.int64)
    for index in range(4):
        target[index, 4 * index : 4 * index + 16, 8:24] = 1
    image = (2.0 * target[:, None] - 1).expand(-1, 3, -1, -1)
    for _ in range(60):
        optimiser.zero_grad()
        bisenet_loss(network(image), target).backward()
        optimiser.step()
    correct = (network(image).main.argmax(1) == target).float().mean()
    assert correct > 0.95
