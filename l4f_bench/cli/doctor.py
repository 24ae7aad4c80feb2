"""The command doctor: what this machine has, and what it lacks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from l4f_bench.cli.console import byte_count
from l4f_bench.cli.options import AsJson

if TYPE_CHECKING:
    from rich.table import Table

    from l4f_bench.doctor import Diagnosis

_ABOUT_IMAGES = (
    "Images are not looked for: l4f-bench fetch NAME says how to get those of a data set."
)


def doctor(as_json: AsJson = False) -> None:
    """Show versions, devices, optional packages, cached weights, and what data sets lack."""
    from dataclasses import asdict

    from l4f_bench.doctor import diagnose

    diagnosis = diagnose()
    if as_json:
        typer.echo(json.dumps(asdict(diagnosis), indent=2))
    else:
        _print_diagnosis(diagnosis)
    if diagnosis.broken:
        raise typer.Exit(1)


def _print_diagnosis(diagnosis: Diagnosis) -> None:
    packages = _table("package", "version", "state", "used for", "install")
    for state in diagnosis.packages:
        packages.add_row(
            state.package.name,
            state.version or "-",
            state.problem or "ok",
            state.package.used_for,
            state.package.install if state.problem else "",
        )
    devices = _table("device", "what")
    for device in diagnosis.devices:
        devices.add_row(device.name, device.title)
    weights = _table("weights", "state", "bytes", "get it")
    for weight in diagnosis.weights:
        size = byte_count(weight.num_bytes)
        weights.add_row(weight.name, weight.state, size, weight.command or "")
    datasets = _table("data set", "weights it lacks", "get them")
    for dataset in diagnosis.datasets:
        lacks = ", ".join(dataset.missing) or "nothing"
        datasets.add_row(dataset.name, lacks, dataset.command or "")
    typer.echo(", ".join(f"{name} {version}" for name, version in diagnosis.versions.items()))
    typer.echo(f"cache {diagnosis.cache}")
    _print_tables(packages, devices, weights, datasets)
    typer.echo(_ABOUT_IMAGES)


def _table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _print_tables(*tables: Table) -> None:
    from rich.console import Console

    # Commands and addresses are there to be copied: away from a terminal they are never folded.
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 400
    for table in tables:
        console.print(table)


def register(app: typer.Typer) -> None:
    """Add this command to the application."""
    app.command("doctor")(doctor)
