"""Edited samples as images; a stopped run goes on where it was."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from l4f_bench.distributed import from_first, in_rounds, is_first
from l4f_bench.editing.figures import write_figure, write_images
from l4f_bench.editing.measuring import identity
from l4f_bench.editing.scene import EditedSample, Scene
from l4f_bench.progress import Progress
from l4f_bench.provenance import environment
from l4f_bench.runs import locked_folder, open_run

FIGURE = "figure.png"
NUM_SHOWN = 4
"""Samples in a figure."""


def apply_into(folder: Path, scene: Scene, *, resume: bool, progress: Progress) -> Counter[str]:
    """Write every sample and its edits into folders of their own, and a figure.

    Args:
        folder: Where they go: ``000000/input.png`` (of projected photographs their
            names stand for the number), ``background.png``, ``edit-1.png``,
            ``edit-1-alpha.png``, ``edit-1-preserved.png``, and ``figure.png``, which is a sample's
            last file; and ``figure.png`` of the first samples.
        scene: Samples and edits.
        resume: Go on where an earlier run of the same options stopped.
        progress: Told of every sample done.

    Returns:
        How many samples there was nothing to preserve in, by reason; these are not edited.

    Raises:
        InputError: The folder holds another run, or cannot be written.
        MissingDependencyError: What fills backgrounds is not installed.
    """
    left_out: Counter[str] = Counter()
    with locked_folder(folder) if is_first() else nullcontext():
        if is_first():
            open_run(folder, identity(scene), environment(), resume=resume, kind="edits")
        from_first(None)  # nobody writes before that is allowed
        advance = progress(scene.num_samples)
        for reasons in in_rounds(partial(_apply, folder, scene), range(scene.num_samples)):
            left_out.update(reason for reason in reasons if reason is not None)
            advance(len(reasons))
        if is_first():
            write_overview(folder / FIGURE, scene)
    return left_out


def _apply(folder: Path, scene: Scene, index: int) -> str | None:
    """Write one sample's images unless they are there; returns why it was not edited."""
    own = folder / scene.starts.name(index)
    if (own / FIGURE).exists():
        return None
    sample = scene.edited(index)
    write_images(own, sample)
    if sample.reason is None:
        write_figure(own / FIGURE, [sample], [edit.label for edit in scene.edits], scene.what)
    return sample.reason


def write_overview(path: Path, scene: Scene) -> None:
    """Draw the first samples that have a background; nothing where none has one.

    Raises:
        InputError: The file cannot be written.
    """
    shown: list[EditedSample] = []
    for index in range(scene.num_samples):
        if len(shown) == NUM_SHOWN:
            break
        sample = scene.edited(index)
        if sample.reason is None:
            shown.append(sample)
    if shown:
        write_figure(path, shown, [edit.label for edit in scene.edits], scene.what)
