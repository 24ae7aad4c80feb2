"""The training loop of every network: counts steps, logs, saves, stops and goes on.

A trainer draws everything random from the seed and the number of the step, so the weights after
step n do not depend on how often the run was stopped before. The folder of a run holds
``config.json``, ``log.jsonl``, ``checkpoints/``, ``grids/`` and, in the end, the exported networks.
On many processes all do the steps, and the first alone reads and writes the folder.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from l4f_bench.distributed import from_first, gathered, is_first
from l4f_bench.errors import InputError, TrainingError, is_out_of_memory
from l4f_bench.provenance import provenance
from l4f_bench.runs import locked_folder, open_run
from l4f_bench.training.checkpoints import Progress, check_room, load_newest, save_checkpoint
from l4f_bench.training.grids import Grid
from l4f_bench.training.logs import LOG, RunLog
from l4f_bench.training.signals import signals_noted

CHECKPOINTS = "checkpoints"
_DIGEST = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{56}\b")
MAX_STEPS = 999_999_999
"""Most steps of a run: what the names of its checkpoints have room for."""

Report = Callable[[int, Mapping[str, float]], object]
"""Called after each step with the images done, and the step and the latest losses by name."""

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

    def grid(self) -> Grid:
        """Samples to look at, by what they show."""

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


@runtime_checkable
class Validating(Protocol):
    """A trainer that is also tried on what it does not learn from, whenever its state is saved."""

    def validate(self, num_steps: int) -> dict[str, float]:
        """Scores after ``num_steps`` steps, for a line of the log; none where nothing is held out.

        All processes call it. What it remembers is part of the state that is saved next.
        """


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
            if number > MAX_STEPS:
                raise InputError(f"{option} {number} is too large. Give {MAX_STEPS} or fewer.")


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
        BenchError: The folder was removed meanwhile.
        StoppedError: A signal stopped the run.
    """
    if not is_first():
        nothing: dict[str, Any] = {}
        progress, state = from_first((Progress(), nothing))
        trainer.load_state_dict(state)
        with signals_noted() as noted:
            _Run(trainer, folder, loop, progress, noted, None).to_the_end(watch)
        return []
    with ExitStack() as stack:
        stack.enter_context(locked_folder(folder))
        open_run(folder, identity, provenance(), resume=resume, kind="runs")
        progress = _restore(trainer, folder, loop, warn) if resume else Progress()
        check_room(folder, trainer.state_dict())
        log = RunLog(
            folder,
            progress.step,
            progress.log,
            title=_title(identity),
            tensorboard=loop.tensorboard,
        )
        stack.enter_context(log)
        from_first((progress, trainer.state_dict()))
        noted = stack.enter_context(signals_noted())
        _Run(trainer, folder, loop, progress, noted, log).to_the_end(watch)
        log.check_folder()
        files = trainer.export(folder, progress.step)
        log.check_folder()
        return files


def _title(identity: dict[str, Any]) -> str:
    """What is trained, and on what; the beginning of a digest will do."""
    words = ", ".join(str(identity[key]) for key in ("method", "data") if key in identity)
    return _DIGEST.sub(r"\1…", words)


@dataclass(slots=True)
class _Run:
    """The steps that one process does; the first process has a log."""

    trainer: Trainer
    folder: Path
    loop: LoopConfig
    progress: Progress
    noted: list[int]
    """Signals."""
    log: RunLog | None
    since: float = field(default_factory=time.monotonic)

    def to_the_end(self, watch: Watch) -> None:
        """Do what is left.

        The checkpoint of a step comes before the step's line in the log, so that a resumed run
        begins with the line, and with what the trainer makes of it.
        """
        trainer, progress, loop = self.trainer, self.progress, self.loop
        if progress.step == 0:  # there is a state to go back to, whatever happens
            self.save()
        report = watch(trainer.images_after(progress.step), trainer.images_after(loop.num_steps))
        self.summarise()
        while progress.step < loop.num_steps:
            figures = _step(trainer, progress.step)
            _refuse_nan(figures, progress.step, self.folder)
            self.count(figures)
            report(trainer.images_after(progress.step), {"step": progress.step, **figures})
            stopped = [number for numbers in gathered(self.noted) for number in numbers]
            last = progress.step == loop.num_steps
            if self.log is not None and (progress.step % loop.grid_every == 0 or last):
                self.log.write_grid(progress.step, trainer.grid())
            if progress.step % loop.checkpoint_every == 0 or last:
                self.validate()
                self.save()
            elif stopped:
                self.save()
            self.summarise()
            if stopped and not last:
                raise StoppedError(progress.step, stopped[0])

    def count(self, figures: dict[str, float]) -> None:
        """Count a step with its figures."""
        earlier = self.progress.figures
        if earlier and earlier[0].keys() != figures.keys():
            raise InputError(
                f"The checkpoints in {self.folder} hold other figures than this training has. "
                "Start again in another folder."
            )
        earlier.append(figures)
        self.progress.step += 1

    def validate(self) -> None:
        """Write a line of scores of what is held out, if anything is."""
        if not isinstance(self.trainer, Validating):
            return
        scores = self.trainer.validate(self.progress.step)
        if scores and self.log is not None:
            self.progress.log += self.log.write(self.progress.step, scores)

    def save(self) -> None:
        """Write a checkpoint."""
        if self.log is not None:
            self.stop_clock()
            self.log.check_folder()
            save_checkpoint(self.folder / CHECKPOINTS, self.progress, self.trainer.state_dict())

    def stop_clock(self) -> None:
        """Add the time since the clock was last stopped."""
        now = time.monotonic()
        self.progress.seconds += now - self.since
        self.since = now

    def summarise(self) -> None:
        """Write the line of the log that is due, if any, and let the trainer look at the means."""
        progress, window = self.progress, self.progress.figures
        last = progress.step == self.loop.num_steps
        if not window or not (progress.step % self.loop.log_every == 0 or last):
            return
        means = {key: sum(figures[key] for figures in window) / len(window) for key in window[0]}
        self.stop_clock()
        line = "" if self.log is None else self.log.write(progress.step, self.line(means))
        try:
            self.trainer.check(means, last=last)
        except TrainingError:
            self.save()
            raise
        progress.log += line
        progress.figures, progress.seconds = [], 0.0

    def line(self, means: Mapping[str, float]) -> dict[str, float]:
        """What the log says beside the number of steps."""
        progress, images_after = self.progress, self.trainer.images_after
        images = images_after(progress.step)
        new = images - images_after(progress.step - len(progress.figures))
        rate = round(new / max(progress.seconds, 1e-9), 2)
        return {"images": images, **means, "images_per_s": rate}


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


def _restore(
    trainer: Trainer, folder: Path, loop: LoopConfig, warn: Callable[[str], object]
) -> Progress:
    """Put the newest usable state into the trainer; returns where it stands."""
    saved = load_newest(folder / CHECKPOINTS, trainer.load_state_dict)
    if saved is None:
        if (folder / LOG).exists():
            warn(f"{folder} holds no checkpoint any more; beginning anew.")
        return Progress()
    done = saved.progress.step
    if done > loop.num_steps:
        raise InputError(
            f"The run in {folder} has {done} steps already, more than {loop.num_steps}. Use "
            f"--steps {done} or more, or another folder."
        )
    for path in saved.damaged:
        warn(f"{path} is damaged; continuing from {saved.path.name}.")
        path.unlink()
    return saved.progress


def _refuse_nan(figures: Mapping[str, float], step: int, folder: Path) -> None:
    bad = [key for key, value in figures.items() if not math.isfinite(value)]
    if bad:
        raise TrainingError(
            f"Step {step}: {', '.join(bad)} is not a number. The last state saved before it is in "
            f"{folder / CHECKPOINTS}. Train with a lower lr (--set lr=X) in another folder."
        )
