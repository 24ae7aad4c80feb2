"""How long a row takes on this machine, from a few of its images."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, fields, replace
from typing import Any

from l4f_bench.editing.config import EditConfig
from l4f_bench.editing.scene import open_scene
from l4f_bench.errors import BenchError
from l4f_bench.progress import Advance, Progress
from l4f_bench.reproduction.plan import PlannedRow

PROBE_IMAGES = 8


@dataclass(slots=True)
class _Stopwatch:
    """Listens to a setting's progress and times its images, without what comes before them."""

    began: float = 0.0
    seconds: float = 0.0
    images: int = 0
    lengths: list[int] = field(default_factory=list)

    def start(self, total: int) -> Advance:
        """Begin with images."""
        self.began = time.perf_counter()
        self.lengths.append(total)

        def advance(steps: int) -> None:
            now = time.perf_counter()
            self.seconds, self.began = self.seconds + now - self.began, now
            self.images += steps

        return advance


def seconds_of(row: PlannedRow) -> float | None:
    """Seconds that a row will take, measured on a few images; None if it cannot run.

    Both sides of a comparison of image sets are counted.
    """
    watch = _Stopwatch()
    begun = time.perf_counter()
    try:
        if row.is_edit:
            _edit_few(row.setting, watch.start)
        else:
            _few(row.setting).run(watch.start)
    except BenchError:
        return None
    if not watch.images:
        return None
    each = watch.seconds / watch.images
    before = time.perf_counter() - begun - watch.seconds
    return before + each * row.num_images * len(watch.lengths)


def _edit_few(config: EditConfig, progress: Progress) -> None:
    """Edit a few samples, and keep nothing of it."""
    scene = open_scene(replace(config, num_images=PROBE_IMAGES))
    advance = progress(PROBE_IMAGES)
    for index in range(PROBE_IMAGES):
        scene.edited(index)
        advance(1)


def _few(setting: Any) -> Any:
    """The same setting with few images."""
    names = {item.name for item in fields(setting)}
    count = "samples" if "samples" in names else "limit"
    small = {"allow_small_n": True} if "allow_small_n" in names else {}
    return replace(setting, **{count: PROBE_IMAGES}, **small)
