"""What is trained in which step: the resolution, how far it has faded in, how many images."""

from __future__ import annotations

import math
from dataclasses import dataclass

from l4f_bench_baselines.pseg.architecture import resolution_of
from l4f_bench_baselines.pseg.config import PSegConfig

# Learning rates over that of the small resolutions.
# Source: the released code, 0.0015 at 128 pixels, 0.002 at 256, 0.003 beyond.
_FASTER = {128: 1.5, 256: 2.0, 512: 3.0, 1024: 3.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """What one step does."""

    level: int
    """Level that is trained; its images have ``4 << level`` pixels."""
    fade: float
    """Share of the level in the mix with the one below, in (0, 1]."""
    first_image: int
    """Real images used before this step."""
    batch_size: int
    lr: float

    @property
    def resolution(self) -> int:
        """Side of the images in pixels."""
        return resolution_of(self.level)


@dataclass(frozen=True, slots=True)
class _Span:
    """The steps of one resolution."""

    level: int
    batch_size: int
    first_step: int
    first_image: int


class Schedule:
    """Steps of a configuration: twice ``phase_images`` for each resolution, then the rest."""

    def __init__(self, config: PSegConfig) -> None:
        self._config = config
        first_level = len(config.channels) - len(config.batch_sizes)
        self._spans: list[_Span] = []
        step = image = 0
        for level, batch_size in enumerate(config.batch_sizes, first_level):
            self._spans.append(_Span(level, batch_size, step, image))
            num_steps = math.ceil(2 * config.phase_images / batch_size)
            step, image = step + num_steps, image + num_steps * batch_size
        self.num_steps = step + math.ceil(config.final_images / config.batch_sizes[-1])
        """Steps in all."""

    def at(self, step: int) -> Stage:
        """What step number ``step`` does, counted from 0; beyond the end, what the last does."""
        span = self._span(step)
        done = (step - span.first_step) * span.batch_size
        fade = 1.0 if span is self._spans[0] else min(1.0, (done + 1) / self._config.phase_images)
        return Stage(
            level=span.level,
            fade=fade,
            first_image=span.first_image + done,
            batch_size=span.batch_size,
            lr=self._config.lr * _FASTER.get(resolution_of(span.level), 1.0),
        )

    def _span(self, step: int) -> _Span:
        return next(span for span in reversed(self._spans) if span.first_step <= step)
