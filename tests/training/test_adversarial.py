"""Which batches several processes can share."""

from __future__ import annotations

from dataclasses import replace

import pytest

from l4f_bench.errors import InputError
from l4f_bench.training import adversarial
from l4f_bench.training.adversarial import check_batch, group_warning
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
