"""The program: ``l4f-bench``, or ``python -m l4f_bench``."""

from __future__ import annotations

import io
import sys

from l4f_bench import interrupts


def main() -> None:
    """Run the command line."""
    interrupts.install()
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files need not be UTF-8
        sys.stdout.reconfigure(errors="surrogateescape")
    try:
        from l4f_bench.cli import app  # takes a while, in which Ctrl-C is answered already

        app(prog_name="l4f-bench")
    finally:
        interrupts.end()


if __name__ == "__main__":
    main()
