"""Commands on several processes, as a user starts them."""

from __future__ import annotations

import os
import subprocess
import sys


def launch(num_processes: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run ``l4f-bench`` with these arguments, through torchrun if the processes are several."""
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", str(num_processes)]
    command = [sys.executable, *(launcher if num_processes > 1 else []), "-m", "l4f_bench"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error::FutureWarning"}
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, env=environment
    )
