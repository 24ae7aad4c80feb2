"""The training loop of every network: counts steps, logs, saves, stops and goes on.

A trainer draws everything random from the seed and the number of the step, so the weights after
step n do not depend on how often the run was stopped before. The folder of a run holds
``config.json``, ``log.jsonl``, ``checkpoints/``, ``grids/`` and, in the end, the exported networks.
On many processes all do the steps, and the first alone reads and writes the folder.
"""

from __future__ import annotations

import math
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from l4f_bench.distributed import from_first, gathered, is_first
from l4f_bench.errors import InputError, TrainingError, is_out_of_memory
from l4f_bench.provenance import provenance
from l4f_bench.runs import locked_folder, open_run
from l4f_bench.training.checkpoints import load_newest, save_checkpoint
from l4f_bench.training.logs import RunLog

CHECKPOINTS = "checkpoints"

Report = Callable[[int, Mapping[str, float]], object]
"""Called after each step with the images done and the latest losses."""

Watch = Callable[[int, int], Report]
"""Given the images done and the images in all, returns what to report to."""


class Trainer(Protocol):
    """What the loop needs to know of a trainer."""

    @property
    def batch_size(self) -> int:
        """Images of the next step."""

    def images_after(self, num_steps: int) -> int:
        """Images of the first ``num_steps`` steps together."""

    def step(self, step: int) -> dict[str, float]:
        """Do step number ``step``, counted from 0; returns losses and other figures by name."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that changes in training: tensors and plain values."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state."""

    def grid(self) -> npt.NDArray[np.uint8]:
        """Samples side by side, ``[H, W, 3]``."""

    def check(self, means: Mapping[str, float], *, last: bool) -> None:
        """Stop a collapsed run, given the mean figures since the last line of the log.

        Args:
            means: Figures by name.
            last: No step will follow, so that what says nothing now is what would be exported.

        Raises:
            TrainingError: Going on is useless; the message says what to change.
        """

    def export(self, folder: Path, num_steps: int) -> list[Path]:
        """Write the networks, trained for ``num_steps``, for use elsewhere; returns the files."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopConfig:
    """How long to train, and how often to do what."""

    num_steps: int
    """Steps in all, those of earlier runs included."""
    checkpoint_every: int = 250
    """Steps between checkpoints."""
    log_every: int = 25
    """Steps between lines of the log."""
    grid_every: int = 250
    """Steps between sample grids."""
    tensorboard: bool = False
    """Also log to TensorBoard, in the run's folder."""

    def __post_init__(self) -> None:
        for option, number in (("--steps", self.num_steps), ("--every", self.checkpoint_every)):
            if number < 1:
                raise InputError(f"{option} {number} is too small. Give 1 or more.")


class StoppedError(Exception):
    """A signal asked the run to stop; its state is saved."""

    def __init__(self, step: int, signal_number: int) -> None:
        super().__init__(f"stopped after step {step}")
        self.step, self.signal_number = step, signal_number


def train(
    trainer: Trainer,
    folder: Path,
    loop: LoopConfig,
    identity: dict[str, Any],
    *,
    resume: bool,
    watch: Watch,
    warn: Callable[[str], object],
) -> list[Path]:
    """Train to the end and export; or stop on SIGTERM or Ctrl-C with everything saved.

    Args:
        trainer: Does the steps.
        folder: The run's folder; one process at a time.
        loop: How long, and how often to save and log.
        identity: What must be the same for a resumed run: configuration and digests. JSON data.
        resume: Go on where an earlier run of the same identity stopped.
        watch: Shows the progress.
        warn: Given one-line warnings.

    Returns:
        The exported files.

    Raises:
        InputError: The folder holds another run or a longer one, or cannot be written.
        TrainingError: Losses are not numbers, or the trainer saw a collapse.
        StoppedError: A signal stopped the run.
    """
    if not is_first():
        done = _restore_others(trainer)
        with signals_noted() as noted:
            _run(trainer, folder, loop, done, watch, noted, None)
        return []
    with ExitStack() as stack:
        stack.enter_context(locked_folder(folder))
        open_run(folder, identity, provenance(), resume=resume, kind="runs")
        done = _restore(trainer, folder, resume, warn)
        if done > loop.num_steps:
            raise InputError(
                f"The run in {folder} has {done} steps already, more than {loop.num_steps}. Use "
                f"--steps {done} or more, or another folder."
            )
        _check_room(folder, trainer)
        log = stack.enter_context(RunLog(folder, done, tensorboard=loop.tensorboard))
        from_first((done, trainer.state_dict()))
        noted = stack.enter_context(signals_noted())
        done = _run(trainer, folder, loop, done, watch, noted, log)
        return trainer.export(folder, done)


def _restore_others(trainer: Trainer) -> int:
    """Take over the first process's state; returns the steps done."""
    start: tuple[int, dict[str, Any]] = from_first((0, {}))
    trainer.load_state_dict(start[1])
    return start[0]


def _run(
    trainer: Trainer,
    folder: Path,
    loop: LoopConfig,
    done: int,
    watch: Watch,
    noted: list[int],
    log: RunLog | None,
) -> int:
    """Do the steps; ``log`` is None on all processes but the first. Returns the steps done."""
    if done == 0:  # there is a state to go back to, whatever happens
        _save(trainer, folder, 0)
    report = watch(trainer.images_after(done), trainer.images_after(loop.num_steps))
    window: list[dict[str, float]] = []
    began = time.monotonic()
    for step in range(done, loop.num_steps):
        figures = _step(trainer, step)
        _refuse_nan(figures, step, folder)
        window.append(figures)
        done, last = step + 1, step + 1 == loop.num_steps
        report(trainer.images_after(done), figures)
        stopped = [number for numbers in gathered(noted) for number in numbers]
        if done % loop.log_every == 0 or last:
            means = {key: sum(f[key] for f in window) / len(window) for key in figures}
            images = trainer.images_after(done)
            new = images - trainer.images_after(done - len(window))
            rate = round(new / (time.monotonic() - began), 2)
            if log is not None:
                log.write(done, {"images": images, **means, "images_per_s": rate})
            _check(trainer, means, folder, done, last=last)
            window, began = [], time.monotonic()
        if log is not None and (done % loop.grid_every == 0 or last):
            log.write_grid(done, trainer.grid())
        if done % loop.checkpoint_every == 0 or last or stopped:
            _save(trainer, folder, done)
        if stopped and not last:
            raise StoppedError(done, stopped[0])
    return done


def _save(trainer: Trainer, folder: Path, done: int) -> None:
    if is_first():
        save_checkpoint(folder / CHECKPOINTS, done, trainer.state_dict())


def _step(trainer: Trainer, step: int) -> dict[str, float]:
    try:
        return trainer.step(step)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise TrainingError(
            f"Step {step}: {trainer.batch_size} images a step do not fit the device's memory; "
            "the checkpoints before it are kept. Use fewer (--set batch_size=N) or more processes."
        ) from None


def _check(
    trainer: Trainer, means: Mapping[str, float], folder: Path, done: int, *, last: bool
) -> None:
    """Let the trainer look at the figures; the state of a run that it stops is saved."""
    try:
        trainer.check(means, last=last)
    except TrainingError:
        _save(trainer, folder, done)
        raise


@contextmanager
def signals_noted() -> Iterator[list[int]]:
    """Yield a list that the first SIGTERM or Ctrl-C is put into; a second one acts as usual."""
    noted: list[int] = []
    usual = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in usual.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)
        restore()

    for number in usual:
        signal.signal(number, note)
    try:
        yield noted
    finally:
        restore()


def _restore(trainer: Trainer, folder: Path, resume: bool, warn: Callable[[str], object]) -> int:
    """Put the newest usable state into the trainer; returns the steps done."""
    (folder / CHECKPOINTS).mkdir(exist_ok=True)
    saved = load_newest(folder / CHECKPOINTS) if resume else None
    if saved is None:
        return 0
    for path in saved.damaged:
        warn(f"{path} is damaged; continuing from {saved.path.name}.")
        path.unlink()
    trainer.load_state_dict(saved.state)
    return saved.step


def _check_room(folder: Path, trainer: Trainer) -> None:
    """Refuse a disk that three checkpoints would fill."""
    needed = 3 * _num_bytes(trainer.state_dict())
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"{folder} has {free >> 20} MiB free, but checkpoints need {needed >> 20} MiB. Make "
            "room, or choose another folder."
        )


def _num_bytes(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(_num_bytes(part) for part in value.values())
    if isinstance(value, (list, tuple)):
        return sum(_num_bytes(part) for part in value)
    return int(getattr(value, "nbytes", 8))


def _refuse_nan(figures: Mapping[str, float], step: int, folder: Path) -> None:
    bad = [key for key, value in figures.items() if not math.isfinite(value)]
    if bad:
        raise TrainingError(
            f"Step {step}: {', '.join(bad)} is not a number. The last state saved before it is in "
            f"{folder / CHECKPOINTS}. Train with a lower lr (--set lr=X) in another folder."
        )
