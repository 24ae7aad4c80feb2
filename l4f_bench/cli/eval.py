"""The command eval: one subcommand for each setting, whose fields are its options."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from l4f_bench.cli.console import say, stdout, warn
from l4f_bench.cli.following import followed, long
from l4f_bench.cli.lazy import LazyGroup
from l4f_bench.cli.options import AsJson, field_parameter
from l4f_bench.errors import BenchError, InputError
from l4f_bench.registry import unknown_name

if TYPE_CHECKING:
    from l4f_bench.evaluation.setting import Setting

Out = Annotated[Path | None, typer.Option(help="Run folder (runs/<name>)")]
OLD_NAMES = {"sampled": "samples", "custom": "images", "real": "images"}
"""Settings as they were called before."""
_CHECKPOINT = ("--weights", "--student", "--generator")
_BY_KIND = {"generative": "samples", "image": "images", "pictures": "quality"}


class EvalGroup(LazyGroup):
    """Finds the setting where none is named, and says which setting has an option."""

    def application(self) -> typer.Typer:
        """A command for every setting."""
        return _settings()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the setting in front of its options."""
        self.make_commands()
        if not args or args[0] not in (*self.commands, "--help", "-h"):
            args = _with_setting(args, list(self.commands))
        if args[0] in self.commands:
            self._refuse_options_of_others(args[0], args[1:])
        return super().parse_args(ctx, args)

    def _refuse_options_of_others(self, key: str, args: Sequence[str]) -> None:
        takers: dict[str, list[str]] = {}
        for name, command in self.commands.items():
            for flag in (flag for parameter in command.params for flag in parameter.opts):
                takers.setdefault(flag, []).append(name)
        for flag in (arg.partition("=")[0] for arg in args if arg.startswith("--")):
            having = takers.get(flag, [])
            if having and key not in having:
                settings = " and ".join(f"`eval {name}`" for name in having)
                raise InputError(
                    f"No such option of `eval {key}`: {flag}. {settings} "
                    f"{'has' if len(having) == 1 else 'have'} it."
                )


def _with_setting(args: list[str], known: list[str]) -> list[str]:
    """Arguments that name no setting, after the one that follows from them.

    It is that of ``--on``, else ``images`` for masks on disk, else what the method makes.

    Raises:
        InputError: No setting or method has that name, or something else stands in front.
    """
    if args and not args[0].startswith("-"):
        raise InputError(unknown_name("setting", args[0], known))
    named = _value_of("--on", args)
    if named is not None:
        if named not in (*known, *OLD_NAMES):
            raise InputError(unknown_name("setting", named, [*known, *OLD_NAMES]))
        return [OLD_NAMES.get(named, named), *_without("--on", args)]
    if _value_of("--masks", args) is not None:
        return ["images", *args]
    from l4f_bench.methods.loading import kind_of
    from l4f_bench.methods.specs import method_named

    kind = kind_of(
        method_named(_value_of("--method", args) or "ours"),
        _value_of("--dataset", args) or "shapes",
        weights=next((Path(name) for flag in _CHECKPOINT if (name := _value_of(flag, args))), None),
        device=_value_of("--device", args),
    )
    return [_BY_KIND[kind], *args]


def _value_of(flag: str, args: Sequence[str]) -> str | None:
    """The last value that is given to an option."""
    found = None
    for arg, following in pairwise([*args, ""]):
        if arg == flag:
            found = following
        elif arg.startswith(f"{flag}="):
            found = arg.partition("=")[2]
    return found


def _without(flag: str, args: Sequence[str]) -> list[str]:
    """Arguments without an option and its values."""
    kept, skip = [], False
    for arg in args:
        if not skip and arg != flag and not arg.startswith(f"{flag}="):
            kept.append(arg)
        skip = arg == flag and not skip
    return kept


def _evaluate(setting: Setting, out: Path | None, *, as_json: bool) -> None:
    """Run every part one after the other; each record is safe before the next begins."""
    from l4f_bench.distributed import processes
    from l4f_bench.evaluation.records import RECORD_FILE
    from l4f_bench.evaluation.setting import run_name
    from l4f_bench.reporting.lines import record_lines
    from l4f_bench.runs import check_file, check_writable

    parts = setting.parts()
    check_writable(out or Path("runs"))
    outcomes = []
    with processes(getattr(setting, "device", None)):
        for part in parts:
            folder = out or Path("runs") / run_name(part)
            if out is not None and len(parts) > 1:
                folder = out / part.folder()
            check_file(folder / RECORD_FILE)
            outcomes.append(run_part(part, folder))
    records = [outcome.record for outcome in outcomes]
    if as_json:
        stdout.print(json.dumps({"records": [record.to_json() for record in records]}))
    else:
        stdout.print("\n\n".join(record_lines(record) for record in records))
    for failure in (outcome.failure for outcome in outcomes if outcome.failure):
        raise BenchError(failure)


def run_part(part: Setting, folder: Path) -> Any:
    """Evaluate, and write the record with its examples."""
    from l4f_bench.distributed import is_first
    from l4f_bench.evaluation.records import RECORD_FILE
    from l4f_bench.reporting.figures import EXAMPLES_FILE, write_examples

    with followed(f"eval {part.key}: {folder.name}") as progress:
        outcome = part.run(progress)
    if is_first():
        outcome.save(folder)
        if outcome.examples:
            write_examples(folder / EXAMPLES_FILE, outcome.examples, outcome.record)
    for message in outcome.record.warnings:
        warn(message)
    say(f"Record: {folder / RECORD_FILE}")
    return outcome


def _command(setting: Any) -> Callable[..., None]:
    """The command of a setting: a parameter for each field, with its help and default."""

    def command(*, out: Path | None, as_json: bool, **options: Any) -> None:
        given = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in options.items()
            if value is not None
        }
        _evaluate(setting(**given), out, as_json=as_json)

    hints = get_type_hints(setting)
    first = [item for item in fields(setting) if item.name in ("method", "dataset")]
    others = [item for item in fields(setting) if item not in first]
    parameters = [field_parameter(item, hints[item.name]) for item in (*first, *others)]
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters += [
        inspect.Parameter("out", keyword, default=None, annotation=Out),
        inspect.Parameter("as_json", keyword, default=False, annotation=AsJson),
    ]
    signature = inspect.Signature(parameters)
    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__doc__ = setting.__doc__
    return command


def _settings() -> typer.Typer:
    """The settings as an application, which is what makes typer read their parameters."""
    from l4f_bench.evaluation.settings import SETTINGS

    settings = typer.Typer()
    for setting in SETTINGS:
        settings.command(setting.key)(long(_command(setting)))
    return settings


def describe() -> None:
    """Score one method on one data set and write records.

    The setting may be left out: a method that makes samples gives samples; one that segments
    images, or --masks, gives images.

    Example: l4f-bench eval --method ours --dataset car

    Example: l4f-bench eval images --dataset car --data custom-dataset

    Example: l4f-bench eval quality --method stylegan2 --dataset ffhq --data ffhq.npz
    """


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to a panel of the application's help."""
    app.add_typer(typer.Typer(cls=EvalGroup, callback=describe), name="eval", rich_help_panel=panel)
