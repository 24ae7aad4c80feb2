"""Networks read from the recorded files give the recorded outputs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from l4f_bench.generators.checkpoints import (
    CheckpointError,
    load_discriminator,
    load_generator,
    read_checkpoint,
)
from l4f_bench.generators.conversion import from_nvidia_generator
from l4f_bench.generators.stylegan2 import Generator, truncate
from l4f_bench.methods.labels4free.loading import load_alpha_network
from tests.generators.checkpoints.files import TENSORFLOW_PICKLE, labels4free
from tests.goldens import golden_case


@torch.no_grad()
def test_ada_pickle_gives_the_recorded_outputs() -> None:
    case = golden_case("nv_pickle")
    path = case.folder / case.meta["file"]
    generator, discriminator = load_generator(path), load_discriminator(path)
    assert generator.architecture.conv_clamp == discriminator.architecture.conv_clamp == 256
    average = read_checkpoint(path).latent_averages["g_ema"]
    w = generator.mapping(case.tensor("in_z"))
    case.check("out_w", w)
    case.check("out_image", generator.synthesis(w))
    case.check("out_image_trunc", generator.synthesis(truncate(w, 0.6, average)))
    case.check("out_d_score", discriminator(case.tensor("in_images").float() / 127.5 - 1))


@torch.no_grad()
def test_tensorflow_pickle_gives_the_recorded_outputs() -> None:
    case = golden_case("tf_pickle")
    path = case.folder / case.meta["file"]
    generator, discriminator = load_generator(path), load_discriminator(path)
    average = read_checkpoint(path).latent_averages["g_ema"]
    w = generator.mapping(case.tensor("in_z"))
    case.check("out_w", w)
    case.check("out_w_trunc", truncate(w, 0.7, average))
    image = generator.synthesis(w)
    case.check("out_image", image)
    case.check("out_image_trunc", generator.synthesis(truncate(w, 0.7, average)))
    live = load_generator(path, which="g")
    case.check("out_image_g", live.synthesis(live.mapping(case.tensor("in_z"))))
    case.check("out_d_score", discriminator(image))
    case.check("out_d_score8", discriminator(torch.cat([image, image.flip(3)])))


@torch.no_grad()
def test_converted_nvidia_state_dict_gives_the_recorded_outputs() -> None:
    case = golden_case("nv_generator")
    state_dict = case.state_dict()
    generator = Generator.from_state_dict(from_nvidia_generator(state_dict))
    w = generator.mapping(case.tensor("in_z"))
    pulled = truncate(w, 0.7, state_dict["mapping.w_avg"])
    case.check("out_w", w)
    case.check("out_ws_trunc", pulled)
    case.check("out_image", generator.synthesis(w))
    case.check("out_image_trunc", generator.synthesis(pulled))
    case.check("out_image_ws", generator.synthesis(case.tensor("in_ws")))
    case.check("out_image_nonoise", generator.synthesis(case.tensor("in_ws"), noise="none"))


@pytest.mark.parametrize("repro", [False, True])
def test_alpha_network_is_loaded_in_either_layout(repro: bool, tmp_path: Path) -> None:
    content = labels4free(repro=repro)
    torch.save(content, tmp_path / "alpha.pt")
    network = load_alpha_network(tmp_path / "alpha.pt")
    for key, value in network.state_dict().items():
        assert torch.equal(value, content["bg_extractor_ema"][key]), key


def test_tensors_that_do_not_fit_are_listed_with_both_shapes(tmp_path: Path) -> None:
    state_dict = dict(read_checkpoint(TENSORFLOW_PICKLE).networks["g_ema"])
    del state_dict["conv1.activate.bias"]
    state_dict["extra.weight"] = torch.zeros(2)
    state_dict["style.2.bias"] = torch.zeros(7)
    path = tmp_path / "misfit.pt"
    torch.save({"g_ema": state_dict}, path)
    with pytest.raises(CheckpointError) as caught:
        load_generator(path)
    message = str(caught.value)
    assert str(path) in message
    assert "missing: conv1.activate.bias" in message
    assert "unexpected: extra.weight" in message
    assert "style.2.bias is [7] instead of [64]" in message
