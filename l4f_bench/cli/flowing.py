"""Help of commands as paragraphs that fill the terminal."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

from typer.core import TyperGroup


class FlowingGroup(TyperGroup):
    """A group in the help of whose commands a line ends where the terminal does.

    Typer keeps the line breaks of a docstring, which are too long for 80 columns.
    """

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One of the commands."""
        command = super().get_command(ctx, cmd_name)
        if command is not None and command.help:
            paragraphs = cleandoc(command.help).split("\n\n")
            command.help = "\n\n".join(" ".join(lines.split()) for lines in paragraphs)
        return command
