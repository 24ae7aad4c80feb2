"""The ``l4f-bench`` command: parse, call one function, print.

Scores go to stdout, progress and warnings to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage
or input, 3 weights or data missing, 4 an optional package missing.
"""

from __future__ import annotations

import errno
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from l4f_bench import __version__, interrupts
from l4f_bench.cli import (
    analyze,
    annotate,
    audit,
    check_method,
    convert,
    curves,
    doctor,
    edit,
    eval,
    fetch,
    fid,
    inspect,
    list,
    merge,
    project,
    report,
    reproduce,
    sample,
    score,
    synthesize,
    train,
)
from l4f_bench.cli.console import errors
from l4f_bench.cli.flowing import FlowingGroup
from l4f_bench.errors import BenchError, is_out_of_memory
from l4f_bench.runs import NO_ROOM
from l4f_bench.terminal import one_line

_NO_NAMES = (errno.ENAMETOOLONG, errno.ELOOP)
"""Errors of names that can be no file's: wrong usage."""


class BenchGroup(FlowingGroup):
    """Turns what goes wrong in any command, or Ctrl-C, into one line on stderr and an exit code."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the command line."""
        with _failures_shown():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        # Pillow warns of large images from a size on that is usual here, and refuses huge ones. Of
        # damaged files we say ourselves what matters.
        warnings.filterwarnings("ignore", module="PIL")
        with _failures_shown(debug=ctx.params["debug"]):
            return super().invoke(ctx)


@contextmanager
def _failures_shown(*, debug: bool = False) -> Iterator[None]:
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        if isinstance(error, KeyboardInterrupt) or interrupts.is_pending():
            interrupts.ignore()
            errors.print(interrupts.MESSAGE, style="red")
            raise typer.Exit(interrupts.EXIT_CODE) from None
        message, exit_code = _explained(error)
        if message is None:
            raise
        if debug and error.__cause__ is not None:
            for line in "".join(traceback.format_exception(error.__cause__)).splitlines():
                errors.print(one_line(line), markup=False, soft_wrap=True)
        errors.print(f"Error: {one_line(message)}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(exit_code) from None


def _explained(error: Exception) -> tuple[str | None, int]:
    """What to say about an error, and the exit code; None for a mistake of our own."""
    if isinstance(error, BenchError):
        return str(error), error.exit_code
    if is_out_of_memory(error):
        advice = "Take fewer images at a time: --batch-size 1, or train --set batch_size=N."
        return f"Out of memory. {advice}", 1
    # EPIPE: whoever reads stdout has enough, and Typer ends quietly.
    if isinstance(error, OSError) and error.errno not in {None, errno.EPIPE}:
        named = f"{error.filename}: " if error.filename else ""
        advice = " Make room; what was finished is kept." if error.errno in NO_ROOM else ""
        return f"{named}{error.strerror}.{advice}", 2 if error.errno in _NO_NAMES else 1
    return None, 1


app = typer.Typer(
    name="l4f-bench",
    cls=BenchGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where the code of a plug-in failed.")
    ] = False,
) -> None:
    """Benchmark unsupervised foreground/background segmentation with generative models."""


PANELS = {
    "Evaluate": (eval, score, merge, fid, check_method),
    "Report": (report, reproduce, audit),
    "Make masks and images": (sample, synthesize, project, annotate, edit),
    "Train and analyse": (train, curves, analyze),
    "Files and this machine": (fetch, convert, inspect, doctor, list),
}
for panel, commands in PANELS.items():
    for command in commands:
        command.register(app, panel)
