"""Training checkpoints of wrong content: refused in one line, or the one before is used."""

from __future__ import annotations

import copy
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from l4f_bench.errors import InputError
from l4f_bench.training.bisenet import BiSeNetTrainer
from l4f_bench.training.bisenet_config import PRESETS as BISENET_PRESETS
from l4f_bench.training.checkpoints import Progress, load_newest, save_checkpoint
from l4f_bench.training.images import ShapesImages
from l4f_bench.training.labelled import LabelledShapes
from l4f_bench.training.loop import Trainer
from l4f_bench.training.unet import UNetTrainer
from l4f_bench.training.unet_config import PRESETS as UNET_PRESETS
from l4f_bench_baselines.pseg.presets import PRESETS as PSEG_PRESETS
from l4f_bench_baselines.pseg.trainer import PSegTrainer
from tests.training.small import labels4free, stylegan2

TINY_PSEG = replace(
    PSEG_PRESETS.get("debug").config, channels=(8, 8), batch_sizes=(4,), phase_images=4
)
TINY_BISENET = replace(BISENET_PRESETS.get("debug").config, side=32, width=1 / 64, batch_size=2)
TINY_UNET = replace(UNET_PRESETS.get("debug").config, channels=1, batch_size=2)
TRAINERS: dict[str, Callable[[], Trainer]] = {
    "ours": labels4free,
    "stylegan2": stylegan2,
    "bisenet": lambda: BiSeNetTrainer(TINY_BISENET, LabelledShapes(32, 0), num_steps=9),
    "unet": lambda: UNetTrainer(TINY_UNET, LabelledShapes(32, 0), num_steps=9),
    "pseg": lambda: PSegTrainer(TINY_PSEG, ShapesImages(TINY_PSEG.real_side, 0)),
}
REMOVED = object()
PUT_THERE: dict[str, Any] = {
    "nothing": REMOVED,
    "None": None,
    "a string": "x",
    "a list": [1, 2],
    "a dictionary": {"a": {"b": 1.0}},
    "another shape": torch.ones(2, 5, 7),
    "no number": torch.tensor(float("nan")),
    "a scalar": torch.tensor(1.0),
    "a huge number": 10**400,
    "an infinite number": float("inf"),
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a nest of dictionaries and lists, the inner ones as well."""
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*path, key)
            yield from places(value[key], (*path, key))


def with_change(state: Any, path: tuple[Any, ...], put: Any) -> Any:
    changed = copy.deepcopy(state)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    if put is REMOVED:
        del inner[path[-1]]
    else:
        inner[path[-1]] = put
    return changed


def refused_or_harmless(folder: Path, trainer: Trainer, state: Any) -> bool:
    """Whether a state is refused; if not, the next step must be like any other."""
    save_checkpoint(folder, Progress(2), state)
    try:
        load_newest(folder, trainer.load_state_dict)
    except InputError as error:
        message = str(error)
    else:
        message = ""
    assert message.isprintable()
    assert len(message) < 1000
    assert message or all(np.isfinite(list(trainer.step(2).values())))
    return bool(message)


@pytest.mark.parametrize("name", TRAINERS)
def test_a_state_that_does_not_fit_is_refused(name: str, tmp_path: Path) -> None:
    trainer = TRAINERS[name]()
    for step in range(2):
        trainer.step(step)
    state = trainer.state_dict()
    every = list(places(state))
    chosen = np.random.default_rng(0)
    found = [
        refused_or_harmless(tmp_path, trainer, with_change(state, every[place], put))
        for put in PUT_THERE.values()
        for place in chosen.choice(len(every), 3, replace=False)
    ]
    assert not refused_or_harmless(tmp_path, trainer, state)
    assert sum(found) > len(found) / 2


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINERS)
def test_no_change_of_a_state_stops_a_run_by_surprise(name: str, tmp_path: Path) -> None:
    trainer = TRAINERS[name]()
    for step in range(2):
        trainer.step(step)
    state, things = trainer.state_dict(), list(PUT_THERE.values())
    for number, path in enumerate(places(state)):
        put = things[number % len(things)]
        refused_or_harmless(tmp_path, trainer, with_change(state, path, put))


def deep(levels: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(levels):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    "change",
    [
        {"step": 3},
        {"step": "2"},
        {"step": None},
        {"figures": None},
        {"figures": ({"loss": 1.0},)},
        {"figures": [[1.0]]},
        {"figures": [{"loss": 1.0}, {"other": 1.0}]},
        {"figures": [{"loss": "x"}]},
        {"figures": [{"loss": float("nan")}]},
        {"figures": [{1: 1.0}]},
        {"figures": [{"loss": 1.0}] * 3},
        {"seconds": "long"},
        {"seconds": -1.0},
        {"log": None},
        {"log": b"bytes"},
        {"log": "\ud800"},
        {"format": "another"},
        {"version": 1},
        {"trainer": [1]},
        {"trainer": {"value": float("inf")}},
        {"trainer": {"value": torch.tensor([1.0, float("nan")])}},
        {"trainer": {"value": torch.tensor([1j])}},
        {"trainer": {"value": deep(300)}},
    ],
    ids=str,
)
def test_a_checkpoint_of_wrong_content_is_passed_over(
    change: dict[str, Any], tmp_path: Path
) -> None:
    save_checkpoint(tmp_path, Progress(1), {"value": 1})
    path = save_checkpoint(tmp_path, Progress(2), {"value": 2})
    torch.save(torch.load(path) | change, path)
    taken: list[Any] = []

    def take(state: dict[str, Any]) -> None:
        taken.append(float(state["value"]))

    saved = load_newest(tmp_path, take)
    assert saved is not None
    assert (saved.progress.step, taken, saved.damaged) == (1, [1.0], (path,))
    path.with_name("step-000000001.ckpt").unlink()
    with pytest.raises(InputError, match="No checkpoint of this run can be used") as refused:
        load_newest(tmp_path, take)
    assert str(refused.value).isprintable()


def test_a_file_that_is_none_is_passed_over(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, Progress(1), {"value": 1})
    other = tmp_path / "step-000000002.ckpt"
    for content in (
        b"",
        b"[" * 5000,
        b'{"format": "l4f-bench training checkpoint"}\nPK',
        b"PK\5\6",
    ):
        other.write_bytes(content)
        saved = load_newest(tmp_path)
        assert saved is not None
        assert (saved.progress.step, saved.damaged) == (1, (other,))
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + b"]" * 300_000 + b".")
    saved = load_newest(tmp_path)
    assert saved is not None
    assert saved.progress.step == 1


def test_other_files_are_no_checkpoints(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, Progress(1), {"value": 1})
    (tmp_path / "step-zzz.ckpt").write_text("junk")
    (tmp_path / "step-000000009.ckpt").mkdir()
    for step in (2, 3):
        save_checkpoint(tmp_path, Progress(step), {"value": step})
    saved = load_newest(tmp_path)
    assert saved is not None
    assert (saved.progress.step, saved.damaged) == (3, ())
    assert (tmp_path / "step-000000002.ckpt").exists()
    assert not (tmp_path / "step-000000001.ckpt").exists()
