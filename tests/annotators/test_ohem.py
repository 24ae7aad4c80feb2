"""The training loss against a plain loop over sorted pixels."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor

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


class Exchange:
    """Two processes, each in a thread: what distributed tells one of the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._barrier, self._values = threading.Barrier(2), [torch.empty(0)] * 2
        self._place = threading.local()
        for name in ("rank", "total", "joined"):
            monkeypatch.setattr(f"l4f_bench.annotators.ohem.{name}", getattr(self, name))
        monkeypatch.setattr("l4f_bench.annotators.ohem.num_processes", lambda: 2)

    def rank(self) -> int:
        return int(self._place.rank)

    def _all(self, value: Tensor) -> list[Tensor]:
        self._values[self.rank()] = value.detach()
        self._barrier.wait()
        found = list(self._values)
        self._barrier.wait()
        return found

    def total(self, value: Tensor) -> Tensor:
        return sum(self._all(value), torch.zeros_like(value))

    def joined(self, value: Tensor) -> Tensor:
        return torch.cat(self._all(value))

    def run(self, scores: Tensor, target: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Loss and gradient of each share, every second image."""

        def one(rank: int) -> tuple[Tensor, Tensor]:
            self._place.rank = rank
            own = scores[rank::2].clone().requires_grad_()
            loss = ohem_cross_entropy(own, target[rank::2])
            loss.backward()
            assert own.grad is not None
            return loss.detach(), own.grad

        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(one, range(2)))


@pytest.mark.parametrize("ignored", [0.0, 0.98])
@pytest.mark.parametrize("confidence", [0.0, 4.0, 9.0])
def test_shares_have_the_loss_and_the_gradient_of_the_whole(
    confidence: float, ignored: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores, target = batch(confidence, ignored)
    scores, target = torch.cat([scores, scores[:1] / 2]), torch.cat([target, target[:1]])
    whole = scores.clone().requires_grad_()
    loss = ohem_cross_entropy(whole, target)
    loss.backward()
    (first, _), (second, _) = shares = Exchange(monkeypatch).run(scores, target)
    assert float(first + second) / 2 == pytest.approx(float(loss.detach()))
    assert whole.grad is not None
    for rank, (_, gradient) in enumerate(shares):
        torch.testing.assert_close(gradient / 2, whole.grad[rank::2])  # as gradients are averaged


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
