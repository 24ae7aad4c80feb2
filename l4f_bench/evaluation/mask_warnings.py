"""What a user should know about the masks that were scored."""

from __future__ import annotations

from l4f_bench.datasets.mask_files import GreyUse
from l4f_bench.evaluation.counting import Counts
from l4f_bench.evaluation.image_scene import MaskFiles


def mask_warnings(counts: Counts, preds: MaskFiles | None, level: int) -> list[str]:
    """Sentences about pairing and grey levels; none where nothing is odd.

    Args:
        counts: With how each file uses grey levels.
        preds: The files of the predictions, if they are such.
        level: Grey level from which a pixel is foreground.
    """
    found = []
    if preds is not None and preds.paired_by_order:
        first = counts.rows[0]
        found.append(
            "File names differ, so files are paired by natural order "
            f"({first.preds_name} with {first.key}, and so on)."
        )
    uses = list(zip(*(row.grey for row in counts.rows), strict=True))
    kinds = ("predicted", "true")[-len(uses) :] if preds is None else ("predicted", "true")
    for kind, of_kind in zip(kinds, uses, strict=False):
        found += _grey_warnings(kind, list(of_kind), level)
    return found


def _grey_warnings(kind: str, uses: list[GreyUse], level: int) -> list[str]:
    found = []
    between = [use.between for use in uses if use.between]
    if between:
        found.append(
            f"{len(between)} of {len(uses)} {kind} masks have more than two grey levels; "
            f"{sum(between) / len(uses):.3%} of all pixels lie in between and are cut at level "
            f"{level}."
        )
    unreached = [use.unreached for use in uses if use.unreached]
    if unreached:
        found.append(
            f"{len(unreached)} of {len(uses)} {kind} masks have no pixel from level {level} up "
            f"(brightest: {max(unreached)}) and count as empty. Is --level right?"
        )
    return found
