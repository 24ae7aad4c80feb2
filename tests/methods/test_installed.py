"""A method of another package, found by its entry point alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins import offer

MODULE = '''
import torch
from l4f_bench.methods.contracts import Samples
from l4f_bench.methods.specs import MethodSpec


class Discs:
    """Bright discs on a darker background."""

    def sample(self, indices, *, truncation, seed):
        rows = torch.arange(32) - 15.5
        alpha = (rows[:, None] ** 2 + rows ** 2 < 100).float().expand(len(indices), 1, 32, 32)
        image = (alpha * 200 + 20).expand(-1, 3, -1, -1).to(torch.uint8)
        return Samples(image=image, alpha=alpha)


def load(path, *, dataset, device):
    return Discs(), {"discs": "0" * 64}


def bare():
    return Discs()


SPEC = MethodSpec(name="titled", title="Discs of a stranger", load="discs:bare")
'''
POINTS = "[l4f_bench.methods]\ndiscs = discs:load\nbare = discs:bare\ntitled = discs:SPEC"


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder of packages that holds one with a method under three names."""
    return offer(tmp_path / "packages", "discs", POINTS, discs=MODULE)


def command(packages: Path | None, *arguments: object) -> str:
    folders = [str(packages) if packages else None, os.environ.get("PYTHONPATH")]
    result = subprocess.run(
        [sys.executable, "-m", "l4f_bench", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, folders))},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize(
    ("name", "title", "digests"),
    [
        ("discs", "discs", {"discs"}),
        ("bare", "bare", set()),
        ("titled", "Discs of a stranger", set()),
    ],
)
def test_it_is_sampled_scored_and_reported_even_where_it_is_gone(
    name: str, title: str, digests: set[str], packages: Path, tmp_path: Path
) -> None:
    evaluate = ("eval", "--method", name, "--samples", 2, "--truncation", 1)
    output = command(packages, *evaluate, "--out", tmp_path / "run", "--json")
    record = json.loads(output)["records"][0]
    assert (record["method"], record["method_title"], record["n"]) == (name, title, 2)
    assert set(record["digests"]) == digests | {"annotator"}
    tables = [
        command(found, "report", tmp_path / "run", "--out", tmp_path / "tables")
        for found in (packages, None)
    ]
    assert tables[0] == tables[1]
    assert f"| {title} " in tables[1]


def test_what_it_does_not_make_is_not_written(packages: Path, tmp_path: Path) -> None:
    out = tmp_path / "samples"
    command(packages, "sample", "--method", "discs", "-n", 3, "--out", out)
    kinds = {path.name for path in out.iterdir() if path.is_dir()}
    assert kinds == {"images", "alpha", "masks"}
    assert [len(list((out / kind).iterdir())) for kind in sorted(kinds)] == [3, 3, 3]
