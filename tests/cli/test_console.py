"""Of several processes the first alone speaks, and every one of them says why it fails."""

from __future__ import annotations

import pytest

from l4f_bench.cli import console
from tests.cli.conftest import Run


@pytest.mark.parametrize(("rank", "speaks"), [(None, True), ("0", True), ("1", False)])
def test_only_the_first_process_prints_results(
    rank: str | None, speaks: bool, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    assert bool(run("audit").stdout) == speaks
    refused = run("score", "nowhere", "nowhere")
    assert refused.exit_code == 2
    assert "nowhere" in refused.stderr


def test_unknown_sizes_are_dashes() -> None:
    assert [console.byte_count(size) for size in (None, 0, 53_289_463)] == ["-", "0", "53,289,463"]
