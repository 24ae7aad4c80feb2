"""The command doctor: what this machine has and lacks, and the state of a data set's images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from l4f_bench.cli.console import byte_count, print_tables, table
from l4f_bench.cli.following import followed, long
from l4f_bench.cli.names import completed
from l4f_bench.cli.options import AsJson
from l4f_bench.errors import InputError
from l4f_bench.terminal import one_line

if TYPE_CHECKING:
    from l4f_bench.doctor import Diagnosis

_ABOUT_IMAGES = (
    "Images are not looked for: l4f-bench fetch NAME says how to get those of a data set, and "
    "l4f-bench doctor --dataset NAME --data DIR what state they are in."
)


def doctor(
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Look at the images of this data set instead.",
            show_default=False,
            autocompletion=completed("datasets"),
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="The data set's folder.", show_default=False)
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Look at the names of its files, and open none.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show versions, devices, optional packages, cached weights, and what data sets lack.

    With a data set, show the state of its folder: how many images and masks, and what is wrong.

    Example: l4f-bench doctor --dataset celebamask --data CelebAMask-HQ
    """
    if dataset is not None:
        _examine(dataset, data, quick=quick, as_json=as_json)
        return
    if data is not None or quick:
        raise InputError("--data and --quick are about one data set: name it with --dataset.")
    from dataclasses import asdict

    from l4f_bench.doctor import diagnose

    diagnosis = diagnose()
    if as_json:
        typer.echo(json.dumps(asdict(diagnosis), indent=2))
    else:
        _print_diagnosis(diagnosis)
    if diagnosis.broken:
        raise typer.Exit(1)


def _examine(dataset: str, data: Path | None, *, quick: bool, as_json: bool) -> None:
    """Show the state of a data set's images; the exit code is 1 if something is wrong."""
    from dataclasses import asdict

    from l4f_bench.datasets.examining import examine
    from l4f_bench.datasets.specs import DATASETS

    spec = DATASETS.get(dataset)
    with followed(f"doctor: {dataset}") as progress:
        found = examine(spec, data, progress, quick=quick)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        facts = table(found.title, "")
        for name, value in found.facts.items():
            facts.add_row(name, one_line(value))
        print_tables(facts)
        for title, sentences in (("Fault", found.faults), ("Note", found.notes)):
            for sentence in sentences:
                typer.echo(f"{title}: {one_line(sentence)}")
        if not found.faults:
            typer.echo("No fault was found.")
    if found.faults:
        raise typer.Exit(1)


def _print_diagnosis(diagnosis: Diagnosis) -> None:
    packages = table("package", "version", "state", "used for", "install")
    for state in diagnosis.packages:
        packages.add_row(
            state.package.name,
            state.version or "-",
            state.problem or "ok",
            state.package.used_for,
            state.package.install if state.problem else "",
        )
    devices = table("device", "what")
    for device in diagnosis.devices:
        devices.add_row(device.name, device.title)
    weights = table("weights", "state", "bytes", "get it")
    for weight in diagnosis.weights:
        size = byte_count(weight.num_bytes)
        weights.add_row(weight.name, weight.state, size, weight.command or "")
    datasets = table("data set", "weights it lacks", "get them")
    for dataset in diagnosis.datasets:
        lacks = ", ".join(dataset.missing) or "nothing"
        datasets.add_row(dataset.name, lacks, dataset.command or "")
    typer.echo(", ".join(f"{name} {version}" for name, version in diagnosis.versions.items()))
    typer.echo(f"cache {diagnosis.cache}")
    print_tables(packages, devices, weights, datasets)
    typer.echo(_ABOUT_IMAGES)


def register(app: typer.Typer, panel: str) -> None:
    """Add this command to a panel of the application's help."""
    app.command("doctor", rich_help_panel=panel)(long(doctor))
