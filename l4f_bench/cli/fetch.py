"""The command fetch: weights and data sets by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from l4f_bench import interrupts
from l4f_bench.cli.console import byte_count, say, somebody_there
from l4f_bench.cli.following import download_followed, long
from l4f_bench.cli.names import completed
from l4f_bench.cli.options import AsJson
from l4f_bench.errors import InputError, MissingAssetError

if TYPE_CHECKING:
    from l4f_bench.datasets.specs import DatasetSpec
    from l4f_bench.fetching import Fetched
    from l4f_bench.weight_spec import WeightSpec

_SHA256_DIGITS = 64


def fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="What to fetch; see --list.",
            show_default=False,
            autocompletion=completed("weights"),
        ),
    ] = None,
    list_all: Annotated[
        bool, typer.Option("--list", help="List all weights and data sets, and what is here.")
    ] = False,
    mirror: Annotated[
        str | None,
        typer.Option(help="Look only here: an http(s) address or folder with the files."),
    ] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Accept non-commercial terms unasked.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be fetched, and from where.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch weights by name into the cache, verified; an unfinished download is resumed.

    The cache is the platform's cache folder, or the folder that L4F_CACHE names.

    Example: l4f-bench fetch stylegan2-car --accept-licence
    """
    if list_all:
        return _print_list(as_json=as_json)
    if not names:
        raise InputError("Name what to fetch, or see the names with: l4f-bench fetch --list")
    specs = _weights(names)
    if dry_run:
        return _print_plan(specs, mirror, as_json=as_json)
    _ask_licences(specs, accepted=accept_licence)
    try:
        fetched = [_fetch_one(spec, mirror) for spec in specs]
    except KeyboardInterrupt:
        interrupts.ignore()
        say("Stopped. What was downloaded is kept: run the same command again to resume.")
        raise typer.Exit(interrupts.EXIT_CODE) from None
    return _print_fetched(fetched, as_json=as_json)


def _weights(names: list[str]) -> list[WeightSpec]:
    """The weights of these names.

    Raises:
        InputError: A name is unknown, or stands for what is drawn.
        MissingAssetError: Some are data sets; the message says how to get them.
    """
    from l4f_bench.datasets.specs import DATASETS
    from l4f_bench.registry import unknown_name
    from l4f_bench.weights import WEIGHTS

    for name in names:
        if name not in WEIGHTS and name not in DATASETS:
            known = [*WEIGHTS.names(), *DATASETS.names()]
            raise InputError(unknown_name("weights or data set", name, known))
    data = [DATASETS.get(name) for name in dict.fromkeys(names) if name in DATASETS]
    if data:
        error = InputError if all(spec.drawn for spec in data) else MissingAssetError
        raise error(" ".join(spec.steps for spec in data))
    return [WEIGHTS.get(name) for name in dict.fromkeys(names)]


def _ask_licences(specs: list[WeightSpec], *, accepted: bool) -> None:
    """Show each licence that still needs acceptance and ask, once for all files under it."""
    from l4f_bench.cache import accept_licence, licence_accepted

    for licence in dict.fromkeys(spec.licence for spec in specs):
        if licence_accepted(licence):
            continue
        covered = ", ".join(spec.name for spec in specs if spec.licence == licence)
        say(f"{covered}: {licence.name}. Text: {licence.url}")
        if not accepted and not somebody_there():
            raise InputError(
                f"The terms of {covered} forbid commercial use and must be accepted once. Read "
                f"{licence.url} and run the command again with --accept-licence."
            )
        if not accepted and not typer.confirm("Do you accept these terms?", err=True):
            raise InputError(f"Without accepted terms {covered} cannot be fetched.")
        accept_licence(licence)


def _fetch_one(spec: WeightSpec, mirror: str | None) -> Fetched:
    from l4f_bench.fetching import fetch_weight

    def waiting() -> None:
        say(f"Another process is fetching {spec.name}: waiting for it.")

    with download_followed(spec.name) as progress:
        fetched = fetch_weight(spec, mirror=mirror, progress=progress, on_wait=waiting)
    how = f"from {fetched.source}" if fetched.source else "was in the cache"
    line = f"{spec.name}: {fetched.num_bytes:,} bytes {how}, SHA-256 {fetched.sha256}"
    if spec.sha256 is None and fetched.source:
        line += " (none is published: kept, and required from now on)"
    say(line)
    return fetched


def _print_fetched(fetched: list[Fetched], *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        entries = [{**asdict(entry), "path": str(entry.path)} for entry in fetched]
        return typer.echo(json.dumps(entries, indent=2))
    for entry in fetched:
        typer.echo(entry.path)
    return None


def _print_plan(specs: list[WeightSpec], mirror: str | None, *, as_json: bool) -> None:
    from l4f_bench.cache import licence_accepted, weight_path
    from l4f_bench.fetching import sources_of

    plan = [
        {
            **_spec_json(spec),
            "sources": sources_of(spec, mirror),
            "path": str(weight_path(spec)),
            "licence_accepted": licence_accepted(spec.licence),
        }
        for spec in specs
    ]
    if as_json:
        return typer.echo(json.dumps(plan, indent=2))
    for spec, entry in zip(specs, plan, strict=True):
        lead = f"{spec.name} ({byte_count(spec.num_bytes)}, {entry['state']})"
        way = f"{entry['sources'][0]} -> {entry['path']}"
        typer.echo(f"{lead}: {way}; {spec.licence.name}")
    return None


def _print_list(*, as_json: bool) -> None:
    from l4f_bench.datasets.specs import DATASETS
    from l4f_bench.weights import WEIGHTS

    if as_json:
        entries = [*map(_spec_json, WEIGHTS), *map(_data_json, DATASETS)]
        return typer.echo(json.dumps(entries, indent=2))
    for spec in WEIGHTS:
        _print_entry(spec.name, _spec_json(spec)["state"], spec.title, _facts(spec))
    for data in DATASETS:
        _print_entry(data.name, _state(data), data.title, _data_facts(data))
    return None


def _print_entry(name: str, state: str, title: str, facts: dict[str, str]) -> None:
    typer.echo(f"{name} ({state}): {title}")
    for key, value in facts.items():
        typer.echo(f"    {key:<9}{value}")


def _facts(spec: WeightSpec) -> dict[str, str]:
    """The lines of one file of weights in the list."""
    licence = spec.licence
    digest = spec.sha256 or "not published: kept on first use and required afterwards"
    if spec.sha256 is not None and len(spec.sha256) < _SHA256_DIGITS:
        digest = f"{spec.sha256}… (only these digits are published)"
    urls = {f"URL {n}" if n > 1 else "URL": url for n, url in enumerate(spec.urls, start=1)}
    md5 = {"MD5": f"{spec.md5_prefix}…"} if spec.md5_prefix else {}
    return {
        "for": spec.used_for,
        "licence": f"{licence.name}{f', {licence.url}' if licence.url else ''}",
        "source": spec.source,
        **urls,
        "bytes": byte_count(spec.num_bytes) if spec.num_bytes else "not published",
        "SHA-256": digest,
        **md5,
    }


def _spec_json(spec: WeightSpec) -> dict[str, Any]:
    from dataclasses import asdict

    from l4f_bench.doctor import weight_state

    return {**asdict(spec), "state": weight_state(spec).state}


def _state(data: DatasetSpec) -> str:
    return "drawn" if data.drawn else "get it by hand"


def _data_facts(data: DatasetSpec) -> dict[str, str]:
    """The lines of one data set in the list."""
    facts = {"licence": data.licence, "source": data.source}
    if data.instructions:
        facts["how"] = data.instructions
    if data.layout:
        facts["layout"] = ", ".join(data.layout)
    return facts


def _data_json(data: DatasetSpec) -> dict[str, Any]:
    keys = ("name", "title", "licence", "source", "instructions", "layout")
    return {**{key: getattr(data, key) for key in keys}, "state": None}


def register(app: typer.Typer, panel: str) -> None:
    """Add this command to a panel of the application's help."""
    app.command("fetch", rich_help_panel=panel)(long(fetch))
