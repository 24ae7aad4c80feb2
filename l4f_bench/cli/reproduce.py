"""The command reproduce: the paper's tables and figures, planned first, then run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from l4f_bench.cli.console import byte_count, print_tables, say, stdout, table, warn
from l4f_bench.cli.edit import measure
from l4f_bench.cli.eval import run_part
from l4f_bench.cli.following import duration, followed, long
from l4f_bench.cli.options import AsJson, Device
from l4f_bench.errors import BenchError
from l4f_bench.runs import CONFIG
from l4f_bench.terminal import one_line

if TYPE_CHECKING:
    from l4f_bench.reproduction.plan import PlannedRow

Seconds = dict[str, float | None]


def reproduce(
    tables: Annotated[
        list[int] | None,
        typer.Option("--table", help="Table, 1 to 5; repeatable.", show_default="all"),
    ] = None,
    figures: Annotated[
        list[int] | None,
        typer.Option(
            "--figure",
            help="Rows whose images a figure shows, 4, 5 or 7; or 6, the edits; repeatable.",
            show_default="6, if no table is named",
        ),
    ] = None,
    data: Annotated[
        Path, typer.Option(help="Folder with a folder of images for each data set, by its name.")
    ] = Path("data"),
    models: Annotated[
        Path, typer.Option(help="Folder of checkpoints that no command fetches.")
    ] = Path("models"),
    out: Annotated[Path, typer.Option(help="Folder for records and page.")] = Path(
        "runs/reproduction"
    ),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan, and run nothing but its probes.")
    ] = False,
    probe: Annotated[
        bool,
        typer.Option("--probe/--no-probe", help="Measure on a few images how long rows take."),
    ] = True,
    shapes: Annotated[
        bool,
        typer.Option("--shapes/--no-shapes", help="Also every table's form on the shapes world."),
    ] = True,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Reproduce the paper's tables and figures, and their form on shapes, as far as possible here.

    The plan says for every row what is at hand, what is missing and the command that gets it, and
    how long it takes here. Then what can run runs; started again, it goes on with the rows that
    are not done. One page has every table, with the images.

    Example: l4f-bench reproduce --dry-run

    Example: l4f-bench reproduce --table 3 --data data
    """
    from dataclasses import replace

    from l4f_bench.distributed import processes
    from l4f_bench.reproduction.page import plan_json
    from l4f_bench.reproduction.plan import Places, plan
    from l4f_bench.runs import check_writable

    places = Places(data=data, models=models)
    rows = plan(tuple(tables or ()), tuple(figures or ()), places, shapes=shapes)
    rows = [replace(row, setting=replace(row.setting, device=device)) for row in rows]
    check_writable(out)
    open_rows = [row for row in rows if not row.missing and not _record_file(row, out).is_file()]
    seconds = _probe(open_rows) if probe else {}
    if as_json:
        stdout.print(json.dumps(plan_json(rows, seconds)))
    else:
        _print_plan(rows, seconds, out)
    if not dry_run:
        with processes(device):
            _run(rows, out)


def _record_file(row: PlannedRow, out: Path) -> Path:
    from l4f_bench.editing.record import EDITS_FILE
    from l4f_bench.evaluation.records import RECORD_FILE
    from l4f_bench.evaluation.setting import run_name

    if row.is_edit:
        return out / f"edits-{row.setting.dataset}" / EDITS_FILE
    return out / run_name(row.setting) / RECORD_FILE


def _probe(rows: list[PlannedRow]) -> Seconds:
    from l4f_bench.reproduction.probing import seconds_of

    with followed("Measuring", "rows") as progress:
        advance, seconds = progress(len(rows)), {}
        for row in rows:
            if row.command not in seconds:
                seconds[row.command] = seconds_of(row)
            advance(1)
    return seconds


def _print_plan(rows: list[PlannedRow], seconds: Seconds, out: Path) -> None:
    from l4f_bench.reproduction.page import needs_of

    planned = table("where", "row", "state", "time here", "command")
    for row in rows:
        state = "missing: " + ", ".join(need.what for need in row.missing)
        if not row.missing:
            state = "done" if _record_file(row, out).is_file() else "ready"
        known = seconds.get(row.command)
        time_here = "-" if known is None else duration(known)
        planned.add_row(row.shown_in, row.title, state, time_here, row.command)
    needed = table("needed", "for", "state", "bytes", "SHA-256", "licence", "get it")
    for need, used_by in needs_of(rows):
        facts = [byte_count(need.num_bytes), need.sha256 or "-", need.licence or "-"]
        state = f"at {need.place}" if need.here else "missing"
        get = "-" if need.here else need.get
        needed.add_row(need.what, ", ".join(used_by), one_line(state), *facts, one_line(get))
    print_tables(planned, needed)
    total = sum(value for value in seconds.values() if value is not None)
    ready = sum(not row.missing for row in rows)
    stdout.print(f"{ready} of {len(rows)} rows can run here.", end="" if total else "\n")
    if total:
        stdout.print(f" What is not done takes about {duration(total)}.")


def _run(rows: list[PlannedRow], out: Path) -> None:
    """Run what can run and is not done, then write the page.

    Raises:
        BenchError: Rows failed.
    """
    from l4f_bench.reproduction.page import write_page

    said: dict[str, str] = {}
    records: list[Path] = []
    failed = 0
    for row in rows:
        path = _record_file(row, out)
        if row.missing:
            missing = ", ".join(need.what for need in row.missing)
            said[row.command] = f"not run, as this is missing: {missing}"
            continue
        try:
            if not path.is_file():
                _run_row(row, path.parent)
            records.append(path)
            said[row.command] = "done"
        except BenchError as error:
            failed += 1
            said[row.command] = f"failed: {error}"
            warn(f"{row.shown_in}, {row.title}: {error}")
    say(f"Page: {write_page(out, rows, said, records)}")
    if failed:
        raise BenchError(f"{failed} rows failed; the page says why. Mend that and run this again.")


def _run_row(row: PlannedRow, folder: Path) -> None:
    if row.is_edit:
        measure(row.setting, out=folder, resume=(folder / CONFIG).is_file(), as_json=False)
    else:
        run_part(row.setting, folder)


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to a panel of the application's help."""
    app.command("reproduce", rich_help_panel=panel)(long(reproduce))
