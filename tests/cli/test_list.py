"""What there is to name, with facts; and the shell completes it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from l4f_bench.catalogue import KINDS, names
from l4f_bench.cli.names import completed
from l4f_bench.metrics.protocols import PROTOCOLS
from tests.cli.conftest import Run
from tests.plugins import offer


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_of_a_kind_is_listed(kind: str, run: Run) -> None:
    shown = run("list", kind)
    listed = json.loads(run("list", kind, "--json").stdout)
    assert shown.exit_code == 0
    assert list(dict.fromkeys(row["name"] for row in listed)) == names(kind)
    assert all(name in shown.stdout for name in names(kind))


def test_an_unknown_kind_gets_the_nearest(run: Run) -> None:
    result = run("list", "method")
    assert result.exit_code == 2
    assert "Unknown list 'method'. Did you mean 'methods'?" in result.stderr


def test_a_broken_package_is_listed_with_its_fault(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = "[l4f_bench.methods]\nbroken = no_such_module:METHOD"
    monkeypatch.syspath_prepend(offer(tmp_path, "strangers", groups))
    (row,) = [r for r in json.loads(run("list", "methods", "--json").stdout) if "unusable" in r]
    assert row["name"] == "broken"
    assert row["package"] == "strangers"
    assert "no_such_module" in row["unusable"]
    assert "broken" in run("list", "methods").stdout


def test_names_are_completed() -> None:
    assert completed("datasets")("ca") == ["cat", "car"]
    assert completed("protocols")("") == PROTOCOLS.names()
    assert completed("kinds")("p") == ["protocols", "presets"]


def test_the_shell_gets_the_names_of_an_option(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_L4F_BENCH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "l4f-bench eval samples --dataset sh")
    monkeypatch.setenv("COMP_CWORD", "4")
    assert run().stdout.split() == ["shapes"]
