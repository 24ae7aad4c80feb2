"""The command check-method: whether a method keeps the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l4f_bench.cli.console import stdout
from l4f_bench.cli.names import completed
from l4f_bench.errors import InputError


def check_method(
    method: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE.py",
            help="A method, or a Python file with one.",
            autocompletion=completed("methods"),
        ),
    ],
    dataset: Annotated[
        str,
        typer.Option(help="Data set that it is loaded for.", autocompletion=completed("datasets")),
    ] = "shapes",
    weights: Annotated[
        Path | None, typer.Option(help="Its checkpoint.", show_default="the usual one")
    ] = None,
) -> None:
    """Try a method on two images or two samples, and say what breaks the contract.

    It is run on both together, on each alone, and on both the other way round. How methods are
    written: docs/extending.md.

    Example: l4f-bench check-method examples/otsu_method.py
    """
    from tabulate import tabulate

    from l4f_bench.methods.trial import try_method

    checks = try_method(method, dataset, weights=weights)
    rows = [
        [check.what, check.contract, f"failed: {check.fault}" if check.fault else "ok"]
        for check in checks
    ]
    headers = ["check", "contract", "result"]
    stdout.print(tabulate(rows, headers, tablefmt="plain", disable_numparse=True))
    failed = [check for check in checks if check.fault]
    if failed:
        raise InputError(
            f"{method} fails {len(failed)} of {len(checks)} checks: the {failed[0]}. "
            "See docs/extending.md."
        )


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to a panel of the application's help."""
    app.command("check-method", rich_help_panel=panel)(check_method)
