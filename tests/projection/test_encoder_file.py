"""Encoder files: the public ones and ours; what is none is refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from l4f_bench.errors import InputError
from l4f_bench.files.errors import CheckpointError
from l4f_bench.files.safetensors_file import write_tensors
from l4f_bench.projection.codes import check_pair, codes_of
from l4f_bench.projection.encoder_file import load_encoder, write_encoder
from l4f_bench.projection.encoders import Encoder4Editing, GradualStyleEncoder
from l4f_bench.projection.frames import Frame, cars, square
from tests.networks import save_rosinality, small_generator
from tests.projection.files import SIZES, save_public, small_encoder

IMAGES = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8)


@torch.no_grad()
@pytest.mark.parametrize("namespace", [False, True])
@pytest.mark.parametrize("rows", [(), (1,), (8,)])
def test_a_file_of_psp(namespace: bool, rows: tuple[int, ...], tmp_path: Path) -> None:
    encoder, average = small_encoder(), torch.randn(*rows, 8)
    opts = {"start_from_latent_avg": True, "output_size": 32, "learn_in_w": False}
    path = save_public(tmp_path / "e.pt", encoder, opts, average=average, namespace=namespace)
    found = load_encoder(path)
    assert type(found.network) is GradualStyleEncoder
    assert (found.frame, found.num_rows, found.decoder) == (square(32), 8, None)
    expected = encoder(IMAGES / 127.5 - 1) + average
    torch.testing.assert_close(codes_of(found, IMAGES), expected)


@torch.no_grad()
def test_a_file_of_e4e_is_told_by_its_options(tmp_path: Path) -> None:
    opts = {"encoder_type": "Encoder4Editing", "stylegan_size": 32, "start_from_latent_avg": False}
    generator = small_generator()
    path = save_public(tmp_path / "e.pt", small_encoder(), opts, decoder=generator)
    found = load_encoder(path)
    assert type(found.network) is Encoder4Editing
    assert found.latent_average is None
    assert found.decoder is not None
    w = torch.randn(1, 8, 8)
    assert torch.equal(found.decoder.synthesis(w), generator.synthesis(w))


def test_cars_are_no_squares_and_rows_beyond_sixteen_are_cut(tmp_path: Path) -> None:
    sizes = SIZES.__class__(**{**_dict(SIZES), "num_styles": 18})
    opts = {"encoder_type": "Encoder4Editing", "dataset_type": "cars_encode", "stylegan_size": 512}
    path = save_public(tmp_path / "e.pt", small_encoder("Encoder4Editing", sizes), opts)
    found = load_encoder(path)
    assert found.frame == cars(32) == Frame(height=24, width=32, top=0.125)
    assert found.num_rows == 16
    assert codes_of(found, IMAGES[:, :, :24]).shape == (1, 16, 8)
    assert cars() == Frame(height=192, width=256, top=0.125)
    rows = torch.arange(512.0)[:, None].expand(512, 512)
    assert cars().picture(rows)[[0, -1], 0].tolist() == [64, 447]
    assert cars().picture_size(512) == (384, 512)
    assert cars().picture(rows[:256, :256])[[0, -1], 0].tolist() == [32, 223]


def _dict(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


@torch.no_grad()
def test_ours_comes_back(tmp_path: Path) -> None:
    encoder, average = small_encoder("Encoder4Editing"), torch.randn(1, 8)
    about, frame = {"num_steps": 3}, Frame(height=24, width=32, top=0.125)
    for name in ("a", "b"):
        write_encoder(tmp_path / name, encoder, latent_average=average, frame=frame, about=about)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    found = load_encoder(tmp_path / "a")
    assert type(found.network) is Encoder4Editing
    assert found.frame == frame
    assert found.options["num_steps"] == 3
    torch.testing.assert_close(codes_of(found, IMAGES), encoder(IMAGES / 127.5 - 1) + average)


def refusals(tmp_path: Path) -> dict[str, Path]:
    """Files that are no usable encoder, by what is said of them."""
    encoder, decoder = small_encoder(), small_generator()
    one = tmp_path
    np.save(one / "boundary.npy", np.zeros((1, 512)))
    torch.save({"state_dict": {"encoder.a": 1}}, one / "number.pt")
    torch.save({"generator.progression.0.conv1.0.conv.weight": torch.ones(1)}, one / "old.pt")
    torch.save({"state_dict": {"g_synthesis.blocks.4x4.const": torch.ones(1)}}, one / "tf.pt")
    torch.save(
        {"state_dict": {"encoder.linear.weight": torch.ones(1)}, "opts": {}}, one / "linear.pt"
    )
    write_tensors(one / "bare.safetensors", {"encoder.a": torch.ones(1)}, {})
    nan = torch.full((8,), torch.nan)
    save = {
        "W only": {"learn_in_w": True},
        "W only, BackboneEncoderUsingLastLayerIntoW": {
            "encoder_type": "BackboneEncoderUsingLastLayerIntoW"
        },
        "known are GradualStyleEncoder": {"encoder_type": "ProgressiveBackboneEncoder"},
        "style heads are for a generator of 32 pixels": {"output_size": 1024},
        "which is missing": {"start_from_latent_avg": True},
    }
    found = {
        said: save_public(one / f"{number}.pt", encoder, opts)
        for number, (said, opts) in enumerate(save.items())
    }
    return found | {
        "NaN": save_public(one / "nan.pt", encoder, {}, average=nan),
        r"latent_avg has shape \[5, 8\]": save_public(
            one / "rows.pt", encoder, {}, average=torch.ones(5, 8)
        ),
        "StyleGAN-1": one / "boundary.npy",
        "not a plain tensor": one / "number.pt",
        "holds StyleGAN-1": one / "old.pt",
        "it holds StyleGAN-1": one / "tf.pt",
        "one latent for all rows": one / "linear.pt",
        "which of the encoders": one / "bare.safetensors",
        "not a file of pSp or e4e": save_rosinality(one / "generator.pt", decoder),
        "there is no such file": one / "nothing.pt",
    }


def test_what_is_no_encoder_is_one_line(tmp_path: Path) -> None:
    for said, path in refusals(tmp_path).items():
        with pytest.raises(CheckpointError, match=said) as caught:
            load_encoder(path)
        assert "\n" not in str(caught.value)


def test_a_generator_of_another_size_is_named(tmp_path: Path) -> None:
    found = load_encoder(save_public(tmp_path / "e.pt", small_encoder(), {}))
    check_pair(found, small_generator())
    with pytest.raises(InputError, match="codes of 8 rows, but a generator of 16 pixels takes 6"):
        check_pair(found, small_generator(16, (8, 6, 5)))
