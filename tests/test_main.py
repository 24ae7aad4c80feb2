from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_a_name_that_is_no_utf8_is_printed_as_it_is(tmp_path: Path) -> None:
    cache = os.fsencode(tmp_path) + b"/\xff-cache"
    done = subprocess.run(
        [sys.executable, "-m", "l4f_bench", "doctor"],
        cwd=ROOT,
        env={**os.environb, b"L4F_CACHE": cache, b"PYTHONIOENCODING": b"utf-8"},
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert b"cache " + cache + b"\n" in done.stdout
