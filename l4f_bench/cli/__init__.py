"""The ``l4f-bench`` command: parse, call one function, print.

Scores go to stdout, progress and warnings to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage
or input, 3 weights or data missing, 4 an optional package missing.
"""

from __future__ import annotations

import errno
import warnings
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from l4f_bench import __version__
from l4f_bench.cli import (
    annotate,
    audit,
    convert,
    curves,
    doctor,
    eval,
    fetch,
    fid,
    inspect,
    report,
    sample,
    score,
    train,
)
from l4f_bench.cli.console import errors, silence_all_but_first
from l4f_bench.errors import BenchError, is_out_of_memory
from l4f_bench.runs import NO_ROOM

_NOT_WRITABLE = (*NO_ROOM, errno.EROFS)


class BenchGroup(TyperGroup):
    """Turns a ``BenchError`` or Ctrl-C of any command into one line on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        silence_all_but_first()
        # Pillow warns of large images from a size on that is usual here, and refuses huge ones.
        warnings.filterwarnings("ignore", message=".*decompression bomb", module="PIL")
        try:
            return super().invoke(ctx)
        except BenchError as error:
            errors.print(f"Error: {error}", style="red", markup=False, soft_wrap=True)
            raise typer.Exit(error.exit_code) from None
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            advice = "Take fewer images at a time: --batch-size 1, or train --set batch_size=N."
            errors.print(f"Error: Out of memory. {advice}", style="red", soft_wrap=True)
            raise typer.Exit(1) from None
        except OSError as error:
            if error.errno not in _NOT_WRITABLE:
                raise
            errors.print(
                f"Error: A file cannot be written: {error.strerror}. Make room or choose another "
                "folder; what was finished is kept.",
                style="red",
                markup=False,
                soft_wrap=True,
            )
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            errors.print("Interrupted. No file is half written.", style="red")
            raise typer.Exit(130) from None


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
) -> None:
    """Benchmark unsupervised foreground/background segmentation with generative models."""


for commands in (
    score,
    report,
    audit,
    eval,
    fid,
    sample,
    annotate,
    train,
    curves,
    convert,
    inspect,
    fetch,
    doctor,
):
    commands.register(app)
