"""A method of another package, found by its entry point alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = '''
import torch
from l4f_bench.methods.contracts import Samples


class Discs:
    """Bright discs of a random grey, on a darker background."""

    device = torch.device("cpu")
    bytes_per_image = 1 << 20

    def sample(self, indices, *, truncation, seed):
        rows = torch.arange(32) - 15.5
        alpha = (rows[:, None] ** 2 + rows ** 2 < 100).float().expand(len(indices), 1, 32, 32)
        image = (alpha * 200 + 20).expand(-1, 3, -1, -1).to(torch.uint8)
        return Samples(
            indices=tuple(indices), image=image, alpha=alpha, background=image, composite=image,
            latent=torch.zeros(len(indices), 1),
        )


def load(path, *, dataset, device):
    return Discs(), {"discs": "0" * 64}
'''


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder of packages that holds one with a method called discs."""
    about = tmp_path / "packages" / "discs-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: discs\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[l4f_bench.methods]\ndiscs = discs:load\n")
    (about.parent / "discs.py").write_text(MODULE)
    return about.parent


def command(packages: Path, *arguments: object) -> str:
    path = os.pathsep.join(filter(None, (str(packages), os.environ.get("PYTHONPATH"))))
    result = subprocess.run(
        [sys.executable, "-m", "l4f_bench", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_it_is_sampled_scored_and_reported_like_any_other(packages: Path, tmp_path: Path) -> None:
    eval_discs = ("eval", "--method", "discs", "--samples", 2, "--truncation", 1)
    output = command(packages, *eval_discs, "--out", tmp_path / "run", "--json")
    record = json.loads(output)["records"][0]
    assert (record["method"], record["n"]) == ("discs", 2)
    assert record["digests"]["discs"] == "0" * 64
    assert "discs" in command(packages, "report", tmp_path / "run", "--out", tmp_path / "tables")
    command(packages, "sample", "--method", "discs", "-n", 1, "--out", tmp_path / "samples")
    assert (tmp_path / "samples" / "masks" / "000000.png").is_file()
