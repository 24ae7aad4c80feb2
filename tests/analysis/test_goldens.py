"""The analyses give the numbers of the golden cases."""

from __future__ import annotations

import pytest
import torch

from l4f_bench.analysis.crops import cut_background
from l4f_bench.analysis.gradients import background_gradients
from l4f_bench.analysis.layers import layer_ssim, partial_images, with_layer_replaced
from l4f_bench.analysis.rule import drops, mean_ssim
from l4f_bench.generators.stylegan2 import Generator, truncate
from tests.goldens import golden_case


@pytest.fixture(scope="module")
def generator() -> Generator:
    state = golden_case("stylegan2_g32").state_dict()
    return Generator.from_state_dict(state).requires_grad_(False)


def test_layers(generator: Generator) -> None:
    case = golden_case("layer_analysis_g32")
    w = generator.mapping(case.tensor("in_z"))
    w = truncate(w, 0.7, w.mean(dim=0, keepdim=True))
    noise = [case.tensor(f"in_noise_{side}") for side in (4, 8, 16, 32)]
    found, images = layer_ssim(generator, w, noise), partial_images(generator, w)
    case.check("out_image", images[-1])
    case.check("out_ssim", torch.from_numpy(found.ssim["torchmetrics"]))
    case.check("out_ssim_skimage", torch.from_numpy(found.ssim["scikit-image"]))
    means = mean_ssim(found.ssim["torchmetrics"])
    case.check("out_mean_ssim", torch.from_numpy(means))
    case.check("out_drop", torch.from_numpy(drops(means)))
    for level, side in enumerate(found.resolutions):
        replaced = with_layer_replaced(generator, images, level, noise[level][0])
        case.check(f"out_image_{side}", replaced)
        case.check(f"out_rgb_std_{side}", torch.from_numpy(found.rgb_std[level]))


def test_background(generator: Generator) -> None:
    case = golden_case("background_gradients_g32")
    source = generator.synthesis(generator.mapping(case.tensor("in_z_source")))
    row, column, side = case.tensor("in_box").tolist()
    target = cut_background(source, (row, column, side))
    found = background_gradients(generator, generator.mapping(case.tensor("in_z")), target)
    case.check("out_target", target)
    case.check("out_loss", found.loss)
    case.check("out_measure", found.summed())
    case.check("out_measure_mean", found.summed().mean(dim=0))
    case.check("out_measure_rgb", found.rgb_summed())
    for name, layer in (("input", 0), ("conv1", 1), ("convs_5", 7)):
        case.check(f"out_channels_{name}", found.layers[layer])
