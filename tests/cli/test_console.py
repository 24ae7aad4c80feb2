"""Of several processes the first alone speaks, and every one of them says why it fails."""

from __future__ import annotations

import pytest

from l4f_bench.cli import console
from tests.cli.conftest import Run

LAUNCHED = {
    "WORLD_SIZE": "2",
    "LOCAL_RANK": "0",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29511",
    "TORCHELASTIC_RUN_ID": "none",
}


@pytest.mark.parametrize(
    ("environment", "speaks"),
    [
        ({}, True),
        ({"RANK": "1"}, True),  # a shell in a pod: nobody else speaks
        (LAUNCHED | {"RANK": "0"}, True),
        (LAUNCHED | {"RANK": "1", "LOCAL_RANK": "1"}, False),
    ],
)
def test_only_the_first_process_that_torchrun_started_prints_results(
    environment: dict[str, str], speaks: bool, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*LAUNCHED, "RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert bool(run("audit").stdout) == speaks
    refused = run("report", "nowhere")
    assert refused.exit_code == 2
    assert "nowhere" in refused.stderr


def test_unknown_sizes_are_dashes() -> None:
    assert [console.byte_count(size) for size in (None, 0, 53_289_463)] == ["-", "0", "53,289,463"]
