"""Commands on several processes, as a user starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def launch(num_processes: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run ``l4f-bench`` with these arguments, through torchrun if the processes are several."""
    return _run(num_processes, "l4f_bench", arguments)


def launch_module(num_processes: int, module: str, *arguments: object) -> None:
    """Run a module of the tests in the same way; it must succeed."""
    result = _run(num_processes, module, arguments, cwd=ROOT)
    assert result.returncode == 0, result.stderr


def _run(
    num_processes: int, module: str, arguments: tuple[object, ...], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", str(num_processes)]
    command = [sys.executable, *(launcher if num_processes > 1 else []), "-m", module]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error::FutureWarning"}
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, env=environment, cwd=cwd
    )
