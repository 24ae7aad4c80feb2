"""Inception's features are those of the public network; its weights are read safely."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.features.inception import load_inception
from l4f_bench.features.resizing import RESIZES, resized_floats
from l4f_bench.features.specs import INCEPTION, load_extractor
from l4f_bench.provenance import sha256_of
from tests.goldens import GoldenCase, golden_case

CPU = torch.device("cpu")
pytest.importorskip("pytorch_fid.inception")


@pytest.fixture(scope="module")
def golden() -> GoldenCase:
    return golden_case("fid_inception_a")


@pytest.fixture(scope="module")
def weights(golden: GoldenCase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rule's weights as the published file holds them: without counters."""
    path = tmp_path_factory.mktemp("inception") / "pt_inception.pth"
    state = {k: v for k, v in golden.state_dict().items() if "num_batches" not in k}
    torch.save(state, path)
    return path


def test_features_of_every_block_are_the_recorded_ones(golden: GoldenCase, weights: Path) -> None:
    network = load_inception(weights, resize="bilinear", device=CPU)
    for size in ("small", "large"):
        means = network.block_means(golden.tensor(f"in_images_{size}"))
        for block, name in enumerate(("block0", "block1", "block2", "pool3")):
            golden.check(f"out_{name}_{size}", means[block])
    unresized = load_extractor("inception", weights, resize="none", device=CPU)
    features = unresized.features(golden.tensor("in_images_large"))
    golden.check("out_pool3_noresize", torch.from_numpy(features))
    with pytest.raises(InputError, match="53x37 pixels are too small"):
        unresized.features(golden.tensor("in_images_small"))
    spec = network.spec
    assert (spec.name, spec.dimension, spec.resize) == ("inception", features.shape[1], "bilinear")
    assert spec.dimension == INCEPTION.dimension
    assert spec.weights_sha256 == sha256_of(weights)


def test_bilinear_is_what_pytorch_fid_does() -> None:
    image = torch.randint(0, 256, (2, 3, 40, 31), dtype=torch.uint8)
    expected = F.interpolate(image / 255, (299, 299), mode="bilinear", align_corners=False)
    assert torch.equal(resized_floats(image, 299, "bilinear"), expected)


@pytest.mark.parametrize("size", [(400, 350), (64, 80)])
def test_bicubic_is_pillows_on_floats_as_clean_fid_uses_it(size: tuple[int, int]) -> None:
    image = torch.randint(0, 256, (1, 3, *size), dtype=torch.uint8)
    channels = [Image.fromarray(c.numpy().astype(np.float32)) for c in image[0]]
    resized = [np.asarray(c.resize((299, 299), Image.Resampling.BICUBIC)) for c in channels]
    ours = resized_floats(image, 299, "bicubic-antialias")[0].numpy() * 255
    assert np.abs(ours - np.stack(resized)).max() < 1e-2


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'bilinear'"):
        load_extractor("inception", None, resize="bilinea", device=CPU)
    with pytest.raises(InputError, match="Did you mean 'inception'"):
        load_extractor("inceptionn", None, resize="none", device=CPU)
    assert RESIZES[-1] == "none"


def test_missing_weights_name_the_command_that_gets_them(cache_folder: Path) -> None:
    with pytest.raises(MissingAssetError, match="l4f-bench fetch fid-inception"):
        load_extractor("inception", None, resize="bilinear", device=CPU)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"Conv2d_1a_3x3.conv.weight": torch.zeros(1)}, "missing: "),
        ([torch.zeros(1)], "not a state dict"),
        ({"a": "text"}, "not a plain tensor"),
    ],
)
def test_another_file_is_refused_by_name(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "other.pth"
    torch.save(content, path)
    with pytest.raises(InputError, match=rf"other\.pth.*{message}"):
        load_extractor("inception", path, resize="bilinear", device=CPU)
