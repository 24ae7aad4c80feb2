"""Groups whose commands are made when they are first needed: other commands start without them."""

from __future__ import annotations

from typing import Any

import typer

from l4f_bench.cli.flowing import FlowingGroup


class LazyGroup(FlowingGroup):
    """A group of commands that :meth:`application` makes."""

    def application(self) -> typer.Typer:
        """The commands."""
        raise NotImplementedError

    def make_commands(self) -> None:
        """Make the commands unless they are there."""
        if not self.commands:
            made: Any = typer.main.get_command(self.application())
            self.commands = made.commands

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the commands."""
        self.make_commands()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One of them."""
        self.make_commands()
        return super().get_command(ctx, cmd_name)
