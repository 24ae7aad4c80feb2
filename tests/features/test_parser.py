"""Features of the embedded annotator: what they are, and that they are never called FID."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from l4f_bench.annotators.face_parsing import preprocess
from l4f_bench.annotators.parser_file import load_parser
from l4f_bench.assets import embedded_path
from l4f_bench.cli import app
from l4f_bench.datasets.shapes import shapes_batch
from l4f_bench.features.specs import PARSER, load_extractor

CPU = torch.device("cpu")


def test_features_are_what_the_main_head_reads() -> None:
    extractor = load_extractor("annotator", None, resize="bilinear", device=CPU)
    images = torch.from_numpy(shapes_batch(range(3), resolution=64, seed=1)[0])
    seen = []
    network = load_parser(embedded_path(PARSER.weights), CPU).network
    handle = network.conv_out.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        network(preprocess(images, 128))
    handle.remove()
    found = extractor.features(images)
    assert found.shape == (3, extractor.spec.dimension) == (3, PARSER.dimension)
    np.testing.assert_allclose(found, seen[0].mean((2, 3)), rtol=1e-5, atol=1e-6)


def test_the_distance_is_not_called_fid_and_grows_with_the_difference(
    tmp_path: Path,
) -> None:
    images = shapes_batch(range(120), resolution=32, seed=1)[0].transpose(0, 2, 3, 1)
    for name, pixels in (("a", images[:60]), ("b", images[60:]), ("c", images[60:] // 2)):
        (tmp_path / name).mkdir()
        for i, one in enumerate(pixels):
            Image.fromarray(one).save(tmp_path / name / f"{i}.png")
    results = {}
    for other in "abc":
        folders = [str(tmp_path / "a"), str(tmp_path / other)]
        options = ["--features", "annotator", "--allow-small-n", "--json"]
        result = CliRunner().invoke(app, ["fid", *folders, *options])
        assert result.exit_code == 0, result.stderr
        results[other] = json.loads(result.stdout)
    assert results["b"]["distance"] == "FD (shapes)"
    assert "FID" not in json.dumps(results["b"]["distance"])
    assert results["a"]["value"] == pytest.approx(0, abs=1e-9)
    assert results["a"]["value"] < results["b"]["value"] < results["c"]["value"]
