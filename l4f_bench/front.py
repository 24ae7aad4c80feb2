"""The front door for notebooks: what ``import l4f_bench as lb`` offers.

Paths may be strings. Nothing here does more than the commands do; it says less to the terminal.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from l4f_bench.errors import InputError
from l4f_bench.evaluation.records import RECORD_FILE, Record, find_records
from l4f_bench.evaluation.records import load_record as _load_record
from l4f_bench.evaluation.setting import Setting
from l4f_bench.evaluation.settings import SETTINGS
from l4f_bench.progress import Progress, silent
from l4f_bench.registry import unknown_name

if TYPE_CHECKING:
    import pandas as pd

    from l4f_bench.annotators.contracts import Annotator
    from l4f_bench.generators.stylegan2 import Generator
    from l4f_bench.methods.contracts import GenerativeMethod, ImageMethod
    from l4f_bench.reporting.report import Report

AnyPath = str | Path
_FACTS = (
    "method", "dataset", "setting", "truth", "subset", "truncation", "threshold", "protocol", "n",
)  # fmt: skip


class Records(Sequence[Record]):
    """Records of evaluations; a notebook shows them as a table."""

    def __init__(self, records: Iterable[Record]) -> None:
        """Keep ``records`` in their order."""
        self._records = tuple(records)

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> Records: ...

    def __getitem__(self, index: int | slice) -> Record | Records:
        """One record, or some of them."""
        found = self._records[index]
        return found if isinstance(found, Record) else Records(found)

    def __len__(self) -> int:
        return len(self._records)

    def to_frame(self) -> pd.DataFrame:
        """A row for each record: what was evaluated, and its scores by metric in [0, 1]."""
        import pandas as pd

        return pd.DataFrame([_row(record) for record in self])

    def __repr__(self) -> str:
        return "\n".join(_line(record) for record in self) or "no records"

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False, float_format="{:.4f}".format, na_rep=""))


class Tables:
    """A report; a notebook shows its tables."""

    def __init__(self, report: Report) -> None:
        """Show ``report``."""
        self.report = report

    def to_frame(self, name: str | None = None) -> pd.DataFrame:
        """The rows of a table at full precision.

        Args:
            name: Name of the table, such as ``table3``; None for the first.

        Raises:
            InputError: There is no such table.
        """
        import pandas as pd

        sections = {section.name: section for section in self.report.sections}
        if name is not None and name not in sections:
            raise InputError(unknown_name("table", name, list(sections)))
        chosen = self.report.sections[0] if name is None else sections[name]
        return pd.json_normalize(chosen.rows)

    def __repr__(self) -> str:
        from l4f_bench.reporting.writers import markdown

        return "\n".join(markdown(section) for section in self.report.sections)

    def _repr_html_(self) -> str:
        from tabulate import tabulate

        parts = []
        for section in self.report.sections:
            headers = [html.escape(header) for header in section.headers]
            lines = [[html.escape(cell) for cell in line] for line in section.lines]
            table = tabulate(lines, headers, tablefmt="unsafehtml", disable_numparse=True)
            notes = "".join(f"<li>{html.escape(note)}</li>" for note in section.notes)
            parts.append(f"<h3>{html.escape(section.title)}</h3>{table}<ul>{notes}</ul>")
        return "".join(parts)


def score(preds: AnyPath, target: AnyPath, **options: Any) -> Records:
    """Score a folder of predicted masks against one of true masks.

    Args:
        preds: Folder of predicted masks.
        target: Folder of true masks.
        options: Fields of :class:`l4f_bench.evaluation.scoring.MaskFolders`, such as ``protocol``.

    Returns:
        One record.

    Raises:
        InputError: A folder or file cannot be used, or an option is unknown.
    """
    from l4f_bench.evaluation.scoring import MaskFolders

    chosen = _made(MaskFolders, {"preds": Path(preds), "target": Path(target), **options})
    return Records([chosen.run(silent).record])


def evaluate(
    setting: str | Setting = "samples",
    *,
    out: AnyPath | None = None,
    progress: Progress = silent,
    **options: Any,
) -> Records:
    """Evaluate a method.

    Args:
        setting: ``samples``, ``images``, ``trust`` or ``quality``, or such a value.
        out: Folder for the records; None writes none.
        progress: Given the number of images, returns what to call with each number done.
        options: Fields of the setting, as the options of ``l4f-bench eval``.

    Returns:
        One record for each part.

    Raises:
        InputError: A name or option is unknown, or a file or folder cannot be used.
        MissingAssetError: Data or weights are missing; the message says how to get them.
    """
    if isinstance(setting, str):
        known = {entry.key: entry for entry in SETTINGS}
        if setting not in known:
            raise InputError(unknown_name("setting", setting, list(known)))
        chosen: Setting = _made(known[setting], options)
    elif options:
        raise InputError(f"A setting has its options already; leave out {', '.join(options)}.")
    else:
        chosen = setting
    parts, records = chosen.parts(), []
    for part in parts:
        records.append(part.run(progress).record)
        if out is not None:
            folder = Path(out) / part.folder() if len(parts) > 1 else Path(out)
            records[-1].save(folder / RECORD_FILE)
    return Records(records)


def load_method(
    name: str, *, dataset: str = "shapes", weights: AnyPath | None = None, device: str | None = None
) -> GenerativeMethod | ImageMethod:
    """A method by name, ready to ``sample`` or to ``segment``.

    Args:
        name: Key of the method, or the path of a method file.
        dataset: Key of the data set.
        weights: Its checkpoint; None takes the data set's, embedded or in the cache.
        device: Where to compute; None takes a GPU if there is one.

    Raises:
        InputError: The method is unknown, or the file cannot be used.
        MissingAssetError: Weights are missing; the message says how to get them.
    """
    from l4f_bench.methods.loading import kind_of, load_generative, load_image_method
    from l4f_bench.methods.specs import method_named

    path = None if weights is None else Path(weights)
    load: Any = load_image_method
    if kind_of(method_named(name), dataset, weights=path, device=device) == "generative":
        load = load_generative
    method: GenerativeMethod | ImageMethod
    method, _ = load(name, dataset, weights=path, device=device)
    return method


def load_generator(path: AnyPath) -> Generator:
    """The averaged StyleGAN2 generator of a checkpoint of any readable format.

    Raises:
        CheckpointError: The file cannot be read or holds no generator.
    """
    from l4f_bench.generators.checkpoints import load_generator as load

    return load(path)


def load_annotator(
    name: str, *, dataset: str = "shapes", weights: AnyPath | None = None, device: str | None = None
) -> Annotator:
    """An annotator with the rejection rule of a data set.

    Args:
        name: Key of the annotator.
        dataset: Key of the data set.
        weights: Its checkpoint; None takes an embedded or cached one.
        device: Where to compute; None takes a GPU if there is one.

    Raises:
        InputError: The annotator is unknown, or the file cannot be used.
        MissingAssetError: Weights are missing; the message says how to get them.
    """
    from dataclasses import replace

    from l4f_bench.annotators.choice import annotator_config
    from l4f_bench.annotators.loading import open_annotator
    from l4f_bench.devices import choose_device

    path = None if weights is None else Path(weights)
    config = replace(annotator_config(name, dataset), weights=path)
    return open_annotator(config, choose_device(device), dataset=dataset)[0]


def load_records(*paths: AnyPath) -> Records:
    """The records of files, or of folders and those below them.

    Raises:
        InputError: A path does not exist, or a file is not a record.
    """
    return Records(_load_record(path) for path in find_records([Path(path) for path in paths]))


def report(records: Iterable[Record] | AnyPath, *, table: int | None = None) -> Tables:
    """Tables from records, published numbers beside measured ones.

    Args:
        records: Records, or a file or folder of them.
        table: Only this table of the paper, 1 to 5.

    Raises:
        InputError: No record has anything to say there.
    """
    from l4f_bench.reporting.report import build_report

    found = load_records(records) if isinstance(records, str | Path) else records
    return Tables(build_report(list(found), table))


def _made(setting: Any, options: dict[str, Any]) -> Any:
    """A setting with options, paths given as strings included."""
    known = {item.name: item for item in fields(setting)}
    given = {}
    for name, value in options.items():
        if name not in known:
            raise InputError(unknown_name(f"option of {setting.key}", name, list(known)))
        kind = str(known[name].type)
        is_path = kind.startswith("Path") and isinstance(value, str)
        is_list = kind.startswith("tuple") and not isinstance(value, str)
        if is_list:
            value = tuple(value) if isinstance(value, Iterable) else (value,)
        given[name] = Path(value) if is_path else value
    return setting(**given)


def _row(record: Record) -> dict[str, Any]:
    facts = {name: getattr(record, name) for name in _FACTS}
    facts["protocol"] = record.protocol_name
    return facts | {key: estimate.value for key, estimate in record.scores.items()}


def _line(record: Record) -> str:
    key = "miou" if "miou" in record.scores else next(iter(record.scores))
    found = record.scores[key]
    value = "n/a" if found.value is None else f"{found.value:.4f}"
    interval = "" if found.low is None else f" [{found.low:.4f}, {found.high:.4f}]"
    psi = "" if record.truncation is None else f", psi {record.truncation:g}"
    return f"{record.label} on {record.dataset_title}{psi}: {key} {value}{interval}, n {record.n}"
