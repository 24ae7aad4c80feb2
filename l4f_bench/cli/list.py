"""The command list: what can be named on the command line."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from l4f_bench.cli.console import print_tables, table
from l4f_bench.cli.names import completed
from l4f_bench.cli.options import AsJson
from l4f_bench.terminal import one_line


def list_names(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="methods, datasets, annotators, protocols, weights, trainers or presets.",
            autocompletion=completed("kinds"),
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """List the methods, data sets, annotators, protocols, weights, trainers or presets there are.

    Those of installed packages are among them. `l4f-bench --install-completion` lets the shell
    complete their names.

    Example: l4f-bench list datasets
    """
    from l4f_bench.catalogue import rows

    found = rows(kind)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    columns = list(dict.fromkeys(column for row in found for column in row))
    listed = table(*columns)
    for row in found:
        listed.add_row(*(_cell(row.get(column)) for column in columns))
    print_tables(listed)


def _cell(value: Any) -> str:
    return (
        "-" if value is None else f"{value:,}" if isinstance(value, int) else one_line(str(value))
    )


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to a panel of the application's help."""
    app.command("list", rich_help_panel=panel)(list_names)
