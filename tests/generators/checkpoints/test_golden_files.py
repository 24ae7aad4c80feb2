"""Networks read from the recorded files give the recorded outputs, under the plain formulas."""

from __future__ import annotations

import torch

from l4f_bench.generators.checkpoints import read_checkpoint
from l4f_bench.generators.conversion import from_nvidia_generator
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
