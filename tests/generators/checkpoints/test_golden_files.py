"""Networks read from the recorded files give the recorded outputs, under the plain formulas."""

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
from l4f_bench.methods.labels4free.loading import load_alpha_network
from tests.generators.checkpoints.files import TENSORFLOW_PICKLE, labels4free
from tests.generators.checkpoints.reference import discriminate, mapping, synthesis
from tests.goldens import golden_case


def truncated(w: torch.Tensor, average: torch.Tensor, psi: float) -> torch.Tensor:
    return average + psi * (w - average)


def test_ada_pickle_gives_the_recorded_outputs() -> None:
    case = golden_case("nv_pickle")
    checkpoint = read_checkpoint(case.folder / case.meta["file"])
    g_ema, average = checkpoint.networks["g_ema"], checkpoint.latent_averages["g_ema"]
    w = mapping(g_ema, case.tensor("in_z"))
    case.check("out_w", w)
    case.check("out_image", synthesis(g_ema, w))
    case.check("out_image_trunc", synthesis(g_ema, truncated(w, average, 0.6)))
    images = case.tensor("in_images").float() / 127.5 - 1
    case.check("out_d_score", discriminate(checkpoint.networks["d"], images))


def test_tensorflow_pickle_gives_the_recorded_outputs() -> None:
    case = golden_case("tf_pickle")
    checkpoint = read_checkpoint(case.folder / case.meta["file"])
    networks, z = checkpoint.networks, case.tensor("in_z")
    average = checkpoint.latent_averages["g_ema"]
    w = mapping(networks["g_ema"], z)
    case.check("out_w", w)
    case.check("out_w_trunc", truncated(w, average, 0.7))
    image = synthesis(networks["g_ema"], w)
    case.check("out_image", image)
    case.check("out_image_trunc", synthesis(networks["g_ema"], truncated(w, average, 0.7)))
    case.check("out_image_g", synthesis(networks["g"], mapping(networks["g"], z)))
    case.check("out_d_score", discriminate(networks["d"], image))
    mirrored = torch.cat([image, image.flip(3)])
    case.check("out_d_score8", discriminate(networks["d"], mirrored))


def test_converted_nvidia_state_dict_gives_the_recorded_outputs() -> None:
    case = golden_case("nv_generator")
    net = from_nvidia_generator(case.state_dict())
    w = mapping(net, case.tensor("in_z"))
    case.check("out_w", w)
    case.check("out_image", synthesis(net, w))


@pytest.mark.parametrize("name", ["nv_pickle", "tf_pickle"])
@torch.no_grad()
def test_loaded_networks_give_the_recorded_outputs(name: str) -> None:
    case = golden_case(name)
    path = case.folder / case.meta["file"]
    generator, z = load_generator(path), case.tensor("in_z")
    average = read_checkpoint(path).latent_averages["g_ema"]
    w = generator.mapping(z)
    case.check("out_w", w)
    image = generator.synthesis(w)
    case.check("out_image", image)
    psi = 0.6 if name == "nv_pickle" else 0.7
    case.check("out_image_trunc", generator.synthesis(truncated(w, average, psi)))
    discriminator = load_discriminator(path)
    if name == "nv_pickle":
        assert generator.architecture.conv_clamp == discriminator.architecture.conv_clamp == 256
        case.check("out_d_score", discriminator(case.tensor("in_images").float() / 127.5 - 1))
        return
    case.check("out_d_score", discriminator(image))
    case.check("out_d_score8", discriminator(torch.cat([image, image.flip(3)])))
    live = load_generator(path, which="g")
    case.check("out_image_g", live.synthesis(live.mapping(z)))


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
