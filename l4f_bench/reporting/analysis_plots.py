"""Plots of analyses of generators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from l4f_bench.analysis.records import BackgroundRecord, LayersRecord
from l4f_bench.errors import MissingDependencyError
from l4f_bench.metrics.intervals import Estimate
from l4f_bench.runs import atomic_path

_PANELS = {
    "summed": "norm of the gradient, summed",
    "per_element": "norm of the gradient, per element",
    "zeroed_error": "error if zeroed",
}


def plot_layers(record: LayersRecord, path: Path) -> None:
    """Draw SSIM over the layers by each definition, with intervals, as a PNG.

    Raises:
        InputError: The file cannot be written.
        MissingDependencyError: matplotlib is not installed.
    """
    figure = _figure(6, 4)
    axes = figure.subplots()
    marks = range(len(record.rows))
    for name in record.rows[0].ssim:
        label = f"{name} (primary)" if name == record.primary else name
        _line(axes, [row.ssim[name] for row in record.rows], label)
    first = len(record.rows) - record.recommendation.levels
    axes.axvspan(first - 0.5, len(record.rows) - 0.5, alpha=0.1, label="read by the alpha network")
    axes.set_xticks(marks, [f"{row.layer}\n{row.resolution} px" for row in record.rows])
    axes.set_xlabel("RGB layer that paints noise")
    axes.set_ylabel("mean SSIM to the sample")
    axes.legend(fontsize=8)
    _save(figure, path)


def plot_background(record: BackgroundRecord, path: Path) -> None:
    """Draw each measure over the layers, beside the shuffled generator's, as a PNG.

    Gradients are drawn as shares of each generator's largest: what counts is which layer leads.

    Raises:
        InputError: The file cannot be written.
        MissingDependencyError: matplotlib is not installed.
    """
    figure = _figure(13, 4)
    panels = figure.subplots(1, len(_PANELS))
    for panel, (name, title) in zip(panels, _PANELS.items(), strict=True):
        for field, label in ((name, "generator"), (f"shuffled_{name}", "shuffled weights")):
            found = [getattr(row, field) for row in record.rows]
            largest = 1.0 if name == "zeroed_error" else max(e.value or 0 for e in found) or 1.0
            _line(panel, [_scaled(estimate, largest) for estimate in found], label)
        names = [row.name for row in record.rows]
        panel.set_xticks(range(len(names)), names, rotation=60, fontsize=8)
        panel.set_title(title, fontsize=9)
    panels[0].set_ylabel("share of the largest")
    panels[-1].set_ylabel("over that of the whole image")
    panels[0].legend(fontsize=8)
    _save(figure, path)


def _line(axes: Any, found: list[Estimate], label: str) -> None:
    """A line with its intervals; gaps where a value is not defined."""
    values = [float("nan") if e.value is None else e.value for e in found]
    low = [v if e.low is None else e.low for e, v in zip(found, values, strict=True)]
    high = [v if e.high is None else e.high for e, v in zip(found, values, strict=True)]
    axes.plot(range(len(values)), values, marker="o", markersize=3, linewidth=1, label=label)
    axes.fill_between(range(len(values)), low, high, alpha=0.2)
    axes.grid(linewidth=0.3)


def _scaled(found: Estimate, largest: float) -> Estimate:
    values = (found.value, found.low, found.high)
    return Estimate(*(None if value is None else value / largest for value in values))


def _figure(width: float, height: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            "Plots need matplotlib. Install it: pip install 'l4f-bench[plots]'."
        ) from None
    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: Any, path: Path) -> None:
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)
