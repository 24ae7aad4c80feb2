"""Rows of the paper's tables as evaluations, with what they need; and their form on shapes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.editing.config import EditConfig
from l4f_bench.errors import InputError
from l4f_bench.evaluation.setting import Setting
from l4f_bench.evaluation.settings.images import Images
from l4f_bench.evaluation.settings.quality import Quality
from l4f_bench.evaluation.settings.samples import Samples
from l4f_bench.methods.specs import method_named
from l4f_bench.reporting.published import published_fid, published_rows
from l4f_bench.reporting.report import NUMBERS
from l4f_bench.reproduction import needs
from l4f_bench.reproduction.needs import Need

FIGURES = {4: ("Table 1", "ours"), 5: ("Table 2", "ours"), 7: ("Table 1", "pseg")}
"""Figures that show images of a table's rows: table and method."""
EDITS = 6
"""The figure that shows edits, which are in no table."""
WORLD = "shapes"
CUSTOM, FACES = "labels4free-custom", "celebamask"
_OURS, _PSEG = "ours", "pseg"
_DETECTOR = "mask-rcnn"
"""What runs where the paper says Detectron 2."""
_SMALL = 1000
"""Images of a row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where files are looked for that no command fetches."""

    data: Path = Path("data")
    """A folder with one of each data set, by its name."""
    models: Path = Path("models")
    """A folder of checkpoints."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedRow:
    """One row of a table or figure, or its form on shapes."""

    shown_in: str
    """``Table 3`` or ``Figure 6``."""
    title: str
    setting: Any
    """A part of a setting, or an :class:`EditConfig`."""
    num_images: int
    """Images that it takes."""
    needs: tuple[Need, ...] = ()

    @property
    def missing(self) -> tuple[Need, ...]:
        """What is not here."""
        return tuple(need for need in self.needs if not need.here)

    @property
    def command(self) -> str:
        """The command that gives the same record."""
        return command_of(self.setting)

    @property
    def is_edit(self) -> bool:
        """Whether edits are measured, not masks."""
        return isinstance(self.setting, EditConfig)


def plan(
    tables: tuple[int, ...], figures: tuple[int, ...], places: Places, *, shapes: bool = True
) -> list[PlannedRow]:
    """The rows of tables and figures, all five tables and the edits if none is named.

    Raises:
        InputError: The paper has no such table, or none of its rows is in such a figure.
    """
    for table in tables:
        if table not in NUMBERS:
            raise InputError(f"--table {table} is not one of the paper's. Give 1 to {NUMBERS[-1]}.")
    known = sorted([*FIGURES, EDITS])
    for figure in figures:
        if figure not in known:
            raise InputError(
                f"--figure {figure} shows no results that can be reproduced: give "
                f"{', '.join(map(str, known))}."
            )
    every = not (tables or figures)
    wanted = {f"Table {number}" for number in (NUMBERS if every else tables)}
    wanted |= {f"Figure {EDITS}"} if every or EDITS in figures else set()
    shown = {FIGURES[figure] for figure in figures if figure in FIGURES}
    return [
        row
        for row in _all_rows(places)
        if (shapes or row.setting.dataset != WORLD)
        and (
            row.shown_in in wanted or (row.shown_in, getattr(row.setting, "method", None)) in shown
        )
    ]


def command_of(setting: Setting | EditConfig) -> str:
    """The command of a setting or of edits: its options that are not as usual."""
    start = ("edit", "measure") if isinstance(setting, EditConfig) else ("eval", setting.key)
    words = ["l4f-bench", *start]
    for item in fields(setting):  # type: ignore[arg-type]
        value = getattr(setting, item.name)
        if value == item.default:
            continue
        said = item.metadata["option"]
        flag = (said.names or (f"--{item.name.replace('_', '-')}",))[0]
        for one in value if isinstance(value, tuple) else (value,):
            words += [flag] if one is True else [flag, str(one)]
    return shlex.join(words)


def _all_rows(places: Places) -> Iterator[PlannedRow]:
    for table in NUMBERS[:2]:
        yield from _sampled(table, places)
    yield from _on_custom_masks(places)
    yield from _on_faces(places)
    yield from _quality(places)
    yield from _edits(places)


def _sampled(table: int, places: Places) -> Iterator[PlannedRow]:
    """Tables 1 and 2: samples against an annotator."""
    for row in published_rows(table):
        spec, psi = DATASETS.get(row.dataset), row.truncation or 1.0
        if row.method == _OURS:
            alpha = needs.alpha_network(row.dataset, places.models)
            own = [*needs.generator(row.dataset), alpha]
            options: dict[str, Any] = {"alpha": Path(alpha.place)}
        else:
            model = _pseg_model(row.dataset, places)
            screen = method_named(row.method).screens.get(row.dataset)
            own = [model, *([] if screen is None else needs.annotator(screen))]
            options = {"generator": Path(model.place)}
        yield PlannedRow(
            shown_in=f"Table {table}",
            title=f"{spec.title}, {row.method_title}, psi {psi:g}",
            setting=Samples(method=row.method, dataset=row.dataset, truncation=(psi,), **options),
            num_images=_SMALL,
            needs=(*own, *needs.annotator(spec.annotator or "")),
        )
    psis = DATASETS.get(WORLD).truncations if table == 1 else (1.0,)
    for method in (_PSEG, _OURS):
        for psi in psis:
            yield PlannedRow(
                shown_in=f"Table {table}",
                title=f"Shapes, {method}, psi {psi:g}",
                setting=Samples(method=method, truncation=(psi,)),
                num_images=_SMALL,
            )


def _on_custom_masks(places: Places) -> Iterator[PlannedRow]:
    """Table 3: the custom set, whose published masks of ours are part of it."""
    folder = places.data / CUSTOM
    for row in published_rows(3):
        method = _DETECTOR if row.method == "detectron2" else row.method
        part = folder / (DATASETS.get(row.dataset).folder or "")
        own = [] if method == _OURS else needs.annotator(method)
        yield PlannedRow(
            shown_in="Table 3",
            title=f"{row.dataset_title}, {row.method_title}",
            setting=Images(method=method, dataset=row.dataset, data=folder),
            num_images=100,
            needs=(needs.images(DATASETS.get(CUSTOM), part), *own),
        )
    for method in ("bisenet", "border-colour", "centre-disc"):
        yield _shapes_images(3, method)


def _on_faces(places: Places) -> Iterator[PlannedRow]:
    """Table 4: photographs of faces."""
    folder, spec = places.data / FACES, DATASETS.get(FACES)
    for row in published_rows(4):
        options: dict[str, Any] = {}
        if row.method == "bisenet":
            own = needs.annotator(row.method)
        elif row.method == "ours-psp":
            alpha = needs.alpha_network("ffhq", places.models)
            own = [needs.weights(spec.encoder_weights or ""), alpha]
            options = {"alpha": Path(alpha.place)}
        else:
            path = places.models / f"{row.method}-ffhq.safetensors"
            train = f"l4f-bench train --method {row.method} --dataset ffhq, then copy it to {path}"
            own = [needs.own_file(path, f"student {row.method}", train)]
            options = {"weights": path}
        yield PlannedRow(
            shown_in="Table 4",
            title=f"{spec.title}, {row.method_title}",
            setting=Images(method=row.method, dataset=FACES, data=folder, **options),
            num_images=_SMALL,
            needs=(needs.images(spec, folder), *own),
        )
    for method in ("bisenet", "ours-psp", "ours-unet", "ours-bisenet"):
        yield _shapes_images(4, method)


def _quality(places: Places) -> Iterator[PlannedRow]:
    """Table 5: FID of 50,000 samples, and the embedded distance on shapes."""
    for method, dataset in published_fid():
        spec = DATASETS.get(dataset)
        real = places.data / dataset
        options: dict[str, Any] = {"data": real}
        own = needs.generator(dataset)
        if method == _PSEG:
            own = [_pseg_model(dataset, places)]
            options["generator"] = Path(own[0].place)
        yield PlannedRow(
            shown_in="Table 5",
            title=f"{spec.title}, {method}",
            setting=Quality(method=method, dataset=dataset, truncation=(1.0,), **options),
            num_images=spec.quality_samples,
            needs=(*own, needs.weights("fid-inception"), needs.images(spec, real)),
        )
    for method in (_PSEG, "stylegan2"):
        yield PlannedRow(
            shown_in="Table 5",
            title=f"Shapes, {method}",
            setting=Quality(method=method, truncation=(1.0,)),
            num_images=DATASETS.get(WORLD).quality_samples,
        )


def _edits(places: Places) -> Iterator[PlannedRow]:
    """Figure 6: edits that keep the background, along the generators' own directions."""
    for dataset in ("ffhq", WORLD):
        own: list[Need] = []
        options: dict[str, Any] = {}
        if dataset != WORLD:
            alpha = needs.alpha_network(dataset, places.models)
            own, options = [*needs.generator(dataset), alpha], {"alpha": Path(alpha.place)}
        setting = EditConfig(dataset=dataset, **options)
        yield PlannedRow(
            shown_in=f"Figure {EDITS}",
            title=f"{DATASETS.get(dataset).title}, background-preserving edits",
            setting=setting,
            num_images=setting.num_images,
            needs=tuple(own),
        )


def _shapes_images(table: int, method: str) -> PlannedRow:
    return PlannedRow(
        shown_in=f"Table {table}",
        title=f"Shapes, {method}",
        setting=Images(method=method, dataset=WORLD, limit=_SMALL),
        num_images=_SMALL,
    )


def _pseg_model(dataset: str, places: Places) -> Need:
    path = places.models / f"pseg-{dataset}.model"
    get = f"no weights are published by name: see docs/pseg.md, and put a model at {path}"
    return needs.own_file(path, f"PSeg of {dataset}", get)
