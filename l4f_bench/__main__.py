"""Run the command line as ``python -m l4f_bench``."""

from l4f_bench.cli import app

if __name__ == "__main__":
    app(prog_name="l4f-bench")
