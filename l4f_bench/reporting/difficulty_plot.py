"""The plot of scores by how hard the images are."""

from __future__ import annotations

from pathlib import Path

from l4f_bench.errors import MissingDependencyError
from l4f_bench.reporting.difficulty import TRAITS, DifficultyRow
from l4f_bench.runs import atomic_path

PLOT_FILE = "difficulty.png"
_AXES = {
    "size": "size, share of the image",
    "offset": "distance from the centre, sides",
    "contrast": "contrast, standard deviations",
}


def write_plot(rows: list[DifficultyRow], path: Path) -> None:
    """Draw a panel for each trait, with a line for each record, as a PNG.

    Raises:
        InputError: The file cannot be written.
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            "Plots need matplotlib. Install it: pip install 'l4f-bench[plots]'."
        ) from None
    figure = Figure(figsize=(13, 4.5), layout="constrained")
    panels = figure.subplots(1, len(TRAITS), sharey=True)
    for panel, trait in zip(panels, TRAITS, strict=True):
        for row in (row for row in rows if row.trait == trait):
            marks = [float("nan") if score.value is None else score.value for score in row.scores]
            panel.plot(row.ends, marks, marker="o", markersize=3, linewidth=1, label=_name(row))
        panel.set_xlabel(_AXES[trait])
        panel.grid(linewidth=0.3)
    panels[0].set_ylabel("mean IoU")
    figure.supxlabel("points stand at the upper end of each quarter of the images", fontsize=8)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=7)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=80)


def _name(row: DifficultyRow) -> str:
    psi = "" if row.truncation is None else f", psi {row.truncation:g}"
    return f"{row.label}{psi}"
