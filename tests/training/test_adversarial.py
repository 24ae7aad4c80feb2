"""Which batches several processes can share, and how the discriminator learns."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from l4f_bench.errors import InputError
from l4f_bench.training import adversarial
from l4f_bench.training.adversarial import check_batch, group_warning, train_discriminator
from l4f_bench.training.labels4free_config import PRESETS, Labels4FreeConfig


def of(batch_size: int) -> Labels4FreeConfig:
    return replace(PRESETS.get("ffhq/paper").config, batch_size=batch_size)


def test_the_papers_batch_runs_on_the_papers_gpus_with_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert PRESETS.get("ffhq/paper").config.batch_size == 8
    monkeypatch.setattr(adversarial, "num_processes", lambda: 4)
    check_batch(of(8))
    message = group_warning(of(8))
    assert message is not None
    assert "over 2 images instead of 4" in message
    check_batch(of(32))
    assert group_warning(of(32)) is None


@pytest.mark.parametrize(("batch_size", "count"), [(8, 3), (12, 2), (2, 4), (24, 4)])
def test_torn_groups_are_refused(
    batch_size: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adversarial, "num_processes", lambda: count)
    with pytest.raises(InputError, match=f"{batch_size} does not divide among {count}"):
        check_batch(of(batch_size))


def test_one_process_is_warned_of_nothing() -> None:
    for batch_size in (1, 2, 4, 8):
        check_batch(of(batch_size))
        assert group_warning(of(batch_size)) is None


class Linear(nn.Module):
    """Scores w . x: the gradient by an image is w, so the squared one is |w|^2."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.5, -1.0]))

    def forward(self, images: Tensor) -> Tensor:
        return (images.flatten(1) @ self.weight)[:, None]


REAL = torch.tensor([[1.0, 2.0], [3.0, -1.0]])
FAKE = torch.tensor([[-2.0, 1.0], [0.5, 0.5]])


def trained(**options: object) -> Tensor:
    """The weights after one call, with plain gradient descent at rate 1."""
    network = Linear()
    optimiser = torch.optim.SGD(network.parameters(), lr=1.0)
    real, fake = (images.reshape(2, 1, 1, 2).clone() for images in (REAL, FAKE))
    train_discriminator(network, optimiser, real, fake, **options)  # type: ignore[arg-type]
    return network.weight.detach()


def logistic_slope(w: Tensor) -> Tensor:
    on_real, on_fake = REAL @ w, FAKE @ w
    return (FAKE.T @ on_fake.sigmoid() - REAL.T @ (-on_real).sigmoid()) / 2


def test_a_merged_penalty_is_part_of_the_one_step() -> None:
    w = Linear().weight.detach()
    torch.testing.assert_close(trained(r1=0.0), w - logistic_slope(w))
    torch.testing.assert_close(trained(r1=0.3), w - logistic_slope(w) - 0.3 * w)


def test_a_separate_penalty_is_a_second_step_that_lowers_the_first_real_score() -> None:
    w = Linear().weight.detach()
    after_loss = w - logistic_slope(w)
    expected = after_loss - 0.3 * after_loss - REAL[0]
    torch.testing.assert_close(trained(r1=0.3, separate=True), expected)
    torch.testing.assert_close(trained(r1=0.0, separate=True), after_loss)
