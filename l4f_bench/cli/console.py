"""The two consoles: results on stdout, progress and warnings on stderr."""

from __future__ import annotations

from rich.console import Console

stdout = Console(highlight=False, soft_wrap=True)
stderr = Console(stderr=True, highlight=False)


def warn(message: str) -> None:
    """Print one warning line to stderr."""
    stderr.print(f"Warning: {message}", style="yellow", markup=False, soft_wrap=True)
