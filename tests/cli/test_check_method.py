"""What check-method finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from l4f_bench.methods.specs import METHODS
from tests.cli.conftest import Run

IMAGE = """
import torch


class Method:
    calls = 0

    def segment(self, image):
        alpha = image.float().mean(1, keepdim=True) / 255
        self.calls += 1
        return {result}


def load():
    return Method()
"""
SAMPLE = """
import torch
from l4f_bench.methods.contracts import Samples


class Method:
    {attributes}

    def sample(self, indices, *, truncation, seed):
        each = torch.tensor([float({seed_of}) for index in indices])[:, None, None, None]
        alpha = (each / 9).expand(-1, 1, 4, 6)
        return Samples(image=(each * 9).to(torch.uint8).expand(-1, 3, 4, 6), alpha=alpha)


def load():
    return Method()
"""


def checked(run: Run, folder: Path, source: str) -> tuple[int, list[str], str]:
    """Exit code, the checks that failed, and what is said of them."""
    path = folder / "mine.py"
    path.write_text(source)
    got = run("check-method", path)
    failed = [line.split("  ")[0] for line in got.stdout.splitlines() if "  failed: " in line]
    return got.exit_code, failed, got.stderr


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        ("alpha", []),
        ("alpha[:, 0].double()", ["dtype of alpha", "shape of alpha"]),
        ("alpha * 2", ["range of alpha"]),
        ("alpha.where(alpha < 0.9, torch.tensor(float('nan'))) / 0", ["range of alpha"]),
        ("(alpha - alpha.min()) / (alpha.max() - alpha.min())", ["alpha alone"]),
        ("alpha * (torch.arange(len(alpha)) + 1)[:, None, None, None] / 2",
         ["alpha alone", "alpha in another order"]),
        ("alpha.squeeze(0)", ["shape of alpha alone"]),
        ("alpha / self.calls", ["alpha alone", "alpha in another order"]),
        ("alpha.transpose(2, 3)", ["shape of alpha"]),
    ],
)  # fmt: skip
def test_image_methods(result: str, failed: list[str], run: Run, tmp_path: Path) -> None:
    code, found, said = checked(run, tmp_path, IMAGE.format(result=result))
    assert found == failed
    assert code == (2 if failed else 0)
    assert said.count("\n") == (1 if failed else 0)


@pytest.mark.parametrize(
    ("attributes", "seed_of", "failed"),
    [
        ("device = 'cpu'", "index", []),
        ("bytes_per_image = 'many'", "index", ["bytes_per_image"]),
        ("device = 0", "index", ["type of device"]),
        ("", "index + len(indices)", ["image alone", "alpha alone"]),
        ("", "indices.index(index)", ["image alone", "alpha alone", "image in another order",
                                      "alpha in another order"]),
    ],
)  # fmt: skip
def test_generative_methods(
    attributes: str, seed_of: str, failed: list[str], run: Run, tmp_path: Path
) -> None:
    source = SAMPLE.format(attributes=attributes or "pass", seed_of=seed_of)
    code, found, _ = checked(run, tmp_path, source)
    assert found == failed
    assert code == (2 if failed else 0)


@pytest.mark.parametrize(
    ("layers", "failed"),
    [
        ("samples", []),
        ("replace(samples, background=samples.image, composite=samples.image)", []),
        ("replace(samples, alpha=1 - samples.alpha)", ["alpha of sample_layers"]),
        ("replace(samples, background=samples.alpha)", ["dtype of background of sample_layers"]),
    ],
)
def test_layers_belong_to_the_same_samples(
    layers: str, failed: list[str], run: Run, tmp_path: Path
) -> None:
    source = "from dataclasses import replace\n" + SAMPLE.format(attributes="", seed_of="index")
    more = (
        "    def sample_layers(self, indices, *, truncation, seed):\n"
        "        samples = self.sample(indices, truncation=truncation, seed=seed)\n"
        f"        return {layers}\n\n\n"
    )
    code, found, _ = checked(run, tmp_path, source.replace("def load", more + "def load"))
    assert found == failed
    assert code == (2 if failed else 0)


@pytest.mark.parametrize("name", METHODS.names())
def test_every_method_that_can_be_loaded_here_keeps_the_contract(name: str, run: Run) -> None:
    got = run("check-method", name)
    if got.exit_code in (3, 4) or METHODS.get(name).kind == "pictures":
        assert got.stderr.count("\n") == 1
        assert got.stdout == ""
    elif got.exit_code:
        assert "finds objects of COCO's classes" in got.stderr
    else:
        assert "failed" not in got.stdout
        assert "alpha in another order" in got.stdout


def test_a_network_needs_its_file(run: Run, tmp_path: Path) -> None:
    got = run("check-method", "ours", "--dataset", "ffhq")
    assert got.exit_code == 3
    assert "Give the alpha network of FFHQ" in got.stderr
    odd = tmp_path / "odd.pth"
    odd.write_text("hello")
    assert run("check-method", "ours-bisenet", "--weights", odd).exit_code == 2
