"""Nothing is lost: kills, signals, damaged files and other runs in the same folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from l4f_bench.errors import BenchError, InputError, TrainingError
from l4f_bench.runs import locked_folder
from l4f_bench.training.checkpoints import Progress, load_newest, save_checkpoint
from l4f_bench.training.loop import LoopConfig, StoppedError, train


class Counter:
    """The smallest trainer: its state is a number that depends on all steps in order."""

    batch_size = 4

    def __init__(self, nan_at: int | None = None) -> None:
        self.value, self.nan_at = 1, nan_at

    def step(self, step: int) -> dict[str, float]:
        self.value = (self.value * 31 + step) % 1_000_003
        return {"loss": float("nan") if step == self.nan_at else float(step)}

    def images_after(self, num_steps: int) -> int:
        return num_steps * self.batch_size

    def state_dict(self) -> dict[str, Any]:
        return {"value": self.value}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.value = state["value"]

    def grid(self) -> dict[str, torch.Tensor]:
        return {"value": torch.full((2, 3, 4, 4), self.value % 256, dtype=torch.uint8)}

    def check(self, means: Mapping[str, float], *, last: bool) -> None:
        if means["loss"] > 1000:
            raise TrainingError("collapsed")

    def export(self, folder: Path, num_steps: int) -> list[Path]:
        (folder / "result.txt").write_text(f"{num_steps} steps to {self.value}")
        return [folder / "result.txt"]


class KilledError(Exception):
    """Stands for a process that ends at once."""


def watch_with(at: int | None = None, what: Callable[[], object] = lambda: None) -> Any:
    def watch(done: int, total: int) -> Callable[..., object]:
        return lambda images, figures: what() if images / Counter.batch_size == at else None

    return watch


def kill() -> None:
    raise KilledError


def run(folder: Path, trainer: Counter | None = None, **options: Any) -> Counter:
    trainer = trainer or Counter()
    steps = options.pop("num_steps", 20)
    settings: dict[str, Any] = {
        "identity": {"lr": 0.1},
        "resume": False,
        "watch": watch_with(),
        "warn": lambda text: None,
    }
    loop = LoopConfig(num_steps=steps, checkpoint_every=3, log_every=5, grid_every=10)
    settings |= options
    train(trainer, folder, loop, settings.pop("identity"), **settings)
    return trainer


def unbroken(num_steps: int = 20) -> int:
    trainer = Counter()
    for step in range(num_steps):
        trainer.step(step)
    return trainer.value


def test_a_run_leaves_log_grids_checkpoints_and_export(tmp_path: Path) -> None:
    trainer = run(tmp_path)
    assert trainer.value == unbroken()
    assert (tmp_path / "result.txt").read_text() == f"20 steps to {trainer.value}"
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [5, 10, 15, 20]
    assert [line["images"] for line in lines] == [20, 40, 60, 80]
    assert lines[0]["loss"] == 2
    assert sorted(p.name for p in (tmp_path / "grids").iterdir()) == [
        "step-000000010.png",
        "step-000000020.png",
    ]
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == [
        "step-000000018.ckpt",
        "step-000000020.ckpt",
    ]


def log_of(folder: Path) -> list[dict[str, float]]:
    """The lines of a log without what depends on the clock."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    for line in lines:
        assert line.pop("images_per_s") > 0
    return lines


def files_of(folder: Path) -> dict[str, bytes]:
    """Grids and what was exported."""
    paths = [*(folder / "grids").iterdir(), folder / "result.txt"]
    return {path.name: path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole")
    run(folder)
    return folder


@pytest.mark.parametrize("at", [1, 3, 4, 5, 6, 15, 17, 18, 20])
def test_a_killed_run_goes_on_to_the_same_state_and_log(
    tmp_path: Path, at: int, whole: Path
) -> None:
    with pytest.raises(KilledError):
        run(tmp_path, watch=watch_with(at, kill))
    assert run(tmp_path, resume=True).value == unbroken()
    assert log_of(tmp_path) == log_of(whole)
    assert files_of(tmp_path) == files_of(whole)


@pytest.mark.parametrize("at", [4, 5, 9, 10, 15])
def test_a_stopped_run_logs_the_means_of_an_unbroken_one(
    tmp_path: Path, at: int, whole: Path
) -> None:
    with pytest.raises(StoppedError):
        run(tmp_path, watch=watch_with(at, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    assert log_of(tmp_path) == log_of(whole)[: at // 5]
    run(tmp_path, resume=True)
    assert log_of(tmp_path) == log_of(whole)


@pytest.mark.parametrize("first", [1, 4, 5, 12, 15])
def test_an_extended_run_logs_as_if_it_had_never_ended(
    tmp_path: Path, first: int, whole: Path
) -> None:
    run(tmp_path, num_steps=first)
    assert log_of(tmp_path)[-1]["step"] == first
    run(tmp_path, resume=True)
    assert log_of(tmp_path) == log_of(whole)


def test_a_finished_run_that_is_resumed_stays_as_it_is(tmp_path: Path) -> None:
    run(tmp_path, num_steps=12)
    before = (tmp_path / "log.jsonl").read_text()
    run(tmp_path, num_steps=12, resume=True)
    assert (tmp_path / "log.jsonl").read_text().splitlines()[:2] == before.splitlines()[:2]
    assert [line["step"] for line in log_of(tmp_path)] == [5, 10, 12]


class Watchful(Counter):
    """Stops once its figures were bad for six steps in a row."""

    bad = range(7, 13)
    counted = 0

    def step(self, step: int) -> dict[str, float]:
        self.counted = self.counted + 1 if step in self.bad else 0
        return super().step(step)

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"counted": self.counted}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.counted = state["counted"]

    def check(self, means: Mapping[str, float], *, last: bool) -> None:
        if self.counted >= 3 or (last and means["loss"] > 15):
            raise TrainingError(f"collapsed at {means['loss']:g}")


@pytest.mark.parametrize("at", [3, 8, 9, 10])
def test_a_resumed_run_is_watched_as_an_unbroken_one(tmp_path: Path, at: int) -> None:
    with pytest.raises(KilledError):
        run(tmp_path, Watchful(), watch=watch_with(at, kill))
    for _ in range(2):  # what has collapsed does not go on by being resumed
        with pytest.raises(TrainingError, match="collapsed at 7"):
            run(tmp_path, Watchful(), resume=True)
        assert [line["step"] for line in log_of(tmp_path)] == [5, 10]


def test_a_run_that_ended_badly_is_not_exported_by_resuming_it(tmp_path: Path) -> None:
    class EndsBadly(Watchful):
        bad = range(0)

    for resume in (False, True):
        with pytest.raises(TrainingError, match="collapsed at 17"):
            run(tmp_path, EndsBadly(), resume=resume)
        assert not (tmp_path / "result.txt").exists()


@pytest.mark.parametrize("damage", ["", "[" * 2000, '{"step": "x"}\n[1]\n', "\xff\n", None])
def test_a_damaged_log_is_made_again(tmp_path: Path, damage: str | None, whole: Path) -> None:
    with pytest.raises(KilledError):
        run(tmp_path, watch=watch_with(14, kill))
    log = tmp_path / "log.jsonl"
    log.unlink()
    if damage is not None:
        log.write_bytes(damage.encode("latin-1"))
    run(tmp_path, resume=True)
    assert log_of(tmp_path) == log_of(whole)


@pytest.mark.parametrize("name", ["log.jsonl", "grids", "checkpoints"])
def test_a_folder_for_a_file_and_a_file_for_a_folder_are_one_line(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(KilledError):
        run(tmp_path, watch=watch_with(4, kill))
    place = tmp_path / name
    if name == "log.jsonl":
        place.unlink()
        place.mkdir()
    else:
        shutil.rmtree(place, ignore_errors=True)
        place.write_text("")
    warnings: list[str] = []
    with pytest.raises(InputError, match=f"Cannot write {place}") as refused:
        run(tmp_path, resume=True, warn=warnings.append)
    assert str(refused.value).isprintable()
    lost = f"{tmp_path} holds no checkpoint any more; beginning anew."
    assert warnings == ([lost] if name == "checkpoints" else [])


@pytest.mark.parametrize("at", [1, 3, 4, 5, 10, 18, 19, 20])
@pytest.mark.parametrize("how", ["removed", "emptied", "replaced"])
def test_a_folder_that_disappears_ends_the_run_with_an_error(
    tmp_path: Path, at: int, how: str
) -> None:
    folder = tmp_path / "run"

    def vanish() -> None:
        shutil.rmtree(folder)
        if how != "removed":
            folder.mkdir()
        if how == "replaced":
            for name in ("config.json", "log.jsonl"):
                (folder / name).write_text("{}\n")

    with pytest.raises(BenchError, match="removed or changed while the run was writing") as error:
        run(folder, watch=watch_with(at, vanish))
    assert error.value.exit_code == 1
    assert not (folder / "result.txt").exists()
    assert not (folder / "checkpoints").exists()


def test_a_folder_that_disappears_at_the_very_end_is_no_success(tmp_path: Path) -> None:
    class Vanishing(Counter):
        def export(self, folder: Path, num_steps: int) -> list[Path]:
            shutil.rmtree(folder)
            folder.mkdir()
            return super().export(folder, num_steps)

    with pytest.raises(BenchError, match="removed or changed"):
        run(tmp_path / "run", Vanishing())


class Greedy(Counter):
    """Needs more memory than any machine has, from a step on."""

    def step(self, step: int) -> dict[str, float]:
        if step == 4:
            torch.empty(1 << 60)
        return super().step(step)


def test_a_run_without_memory_says_what_to_do_and_keeps_its_checkpoints(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"4 images a step do not fit.*--set batch_size"):
        run(tmp_path, Greedy())
    assert run(tmp_path, resume=True).value == unbroken()


def test_a_finished_run_can_be_extended(tmp_path: Path) -> None:
    run(tmp_path)
    assert run(tmp_path, resume=True, num_steps=31).value == unbroken(31)


def test_a_run_cannot_be_shortened(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(InputError, match="has 20 steps already, more than 19"):
        run(tmp_path, resume=True, num_steps=19)
    assert (tmp_path / "result.txt").read_text().startswith("20 steps")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_stops(tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(StoppedError) as stopped:
        run(tmp_path, watch=watch_with(7, lambda: os.kill(os.getpid(), number)))
    assert (stopped.value.step, stopped.value.signal_number) == (7, number)
    saved = load_newest(tmp_path / "checkpoints")
    assert saved is not None
    assert saved.progress.step == 7
    assert signal.getsignal(number) == before
    assert run(tmp_path, resume=True).value == unbroken()


@pytest.mark.parametrize("kept", [0, 10, -1])
def test_a_checkpoint_cut_short_is_detected_and_the_one_before_used(
    tmp_path: Path, kept: int
) -> None:
    with pytest.raises(KilledError):
        run(tmp_path, watch=watch_with(8, kill))
    newest = tmp_path / "checkpoints/step-000000006.ckpt"
    newest.write_bytes(newest.read_bytes()[:kept])
    warnings: list[str] = []
    assert run(tmp_path, resume=True, warn=warnings.append).value == unbroken()
    assert warnings == [f"{newest} is damaged; continuing from step-000000003.ckpt."]


def test_a_changed_byte_is_detected(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, Progress(1), {"value": 1})
    path = save_checkpoint(tmp_path, Progress(2), {"value": 2})
    content = bytearray(path.read_bytes())
    content[-30] ^= 1
    path.write_bytes(content)
    saved = load_newest(tmp_path)
    assert saved is not None
    assert (saved.progress.step, saved.state, saved.damaged) == (1, {"value": 1}, (path,))


def test_damaged_checkpoints_alone_are_an_error_that_says_why(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, Progress(2), {"value": 2})
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match=r"No checkpoint .*step-000000002.ckpt: an incomplete"):
        load_newest(tmp_path)


def test_a_checkpoint_never_runs_code(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, Progress(1), {"value": threading.Event})
    with pytest.raises(InputError, match="No checkpoint"):
        load_newest(tmp_path)


def test_losses_that_are_not_numbers_stop_with_advice_and_keep_the_state(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"Step 7: loss is not a number.*lower lr") as error:
        run(tmp_path, Counter(nan_at=7))
    assert error.value.exit_code == 1
    saved = load_newest(tmp_path / "checkpoints")
    assert saved is not None
    assert saved.progress.step == 6


def test_another_configuration_is_refused(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(InputError, match=r"lr was 0.1, is 0.2"):
        run(tmp_path, resume=True, identity={"lr": 0.2})


def test_a_folder_with_a_run_needs_resume_and_a_strange_one_is_refused(tmp_path: Path) -> None:
    run(tmp_path / "run")
    with pytest.raises(InputError, match="Add --resume"):
        run(tmp_path / "run")
    with pytest.raises(InputError, match="not empty"):
        run(tmp_path)


def test_two_runs_in_one_folder_are_refused(tmp_path: Path) -> None:
    with locked_folder(tmp_path), pytest.raises(InputError, match="Another process"):
        run(tmp_path)


def test_a_full_disk_is_an_error_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Large(Counter):
        def state_dict(self) -> dict[str, Any]:
            return super().state_dict() | {"weights": [torch.zeros(1 << 20)]}

    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 12 << 20}))
    run(tmp_path / "enough", Large())
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 11 << 20}))
    trainer = Large()
    with pytest.raises(InputError, match="has 11 MiB free, but checkpoints need 12 MiB"):
        run(tmp_path / "little", trainer)
    assert trainer.value == 1
