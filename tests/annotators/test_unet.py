"""The U-Net has the public network's layout, computes what it computes, and its files are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from l4f_bench.annotators.bisenet import BiSeNet
from l4f_bench.annotators.face_parsing import FACE_CLASSES, FaceParser, preprocess
from l4f_bench.annotators.parser_file import load_bisenet, load_parser, write_parser
from l4f_bench.annotators.unet import UNet
from l4f_bench.errors import InputError
from l4f_bench.features.parser import load_parser_features
from l4f_bench.files.errors import CheckpointError

CPU = torch.device("cpu")
STEPS = ("0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var")
STEPS = (*STEPS, "1.num_batches_tracked")


def double(prefix: str) -> list[str]:
    """Keys of two convolutions with batch normalisation in the public layout."""
    second = [f"{int(step[0]) + 3}{step[1:]}" for step in STEPS]
    return [f"{prefix}.double_conv.{step}" for step in (*STEPS, *second)]


def public_keys(*, bilinear: bool) -> list[str]:
    keys = double("inc")
    for level in range(1, 5):
        keys += double(f"down{level}.maxpool_conv.1")
    for level in range(1, 5):
        keys += [] if bilinear else [f"up{level}.up.weight", f"up{level}.up.bias"]
        keys += double(f"up{level}.conv")
    return [*keys, "outc.conv.weight", "outc.conv.bias"]


def trained(num_outputs: int = 1, *, bilinear: bool = False, channels: int = 4) -> UNet:
    """A network whose running statistics and biases are not those of a new one."""
    torch.manual_seed(int(bilinear) + num_outputs)
    network = UNet(num_outputs, channels=channels, bilinear=bilinear)
    for name, value in network.state_dict().items():
        if name.endswith(("running_var", "1.weight", "4.weight")):
            value.uniform_(0.5, 2)
        elif name.endswith(("running_mean", ".bias")):
            value.normal_()
    return network.eval()


def reference(state: dict[str, Tensor], x: Tensor, *, bilinear: bool) -> Tensor:
    """The public network's forward pass, in plain functions of its state dict."""

    def convolved(x: Tensor, prefix: str) -> Tensor:
        for conv, norm in ((0, 1), (3, 4)):
            x = F.conv2d(x, state[f"{prefix}.double_conv.{conv}.weight"], padding=1)
            scale, shift, mean, var = (
                state[f"{prefix}.double_conv.{norm}.{name}"][:, None, None]
                for name in ("weight", "bias", "running_mean", "running_var")
            )
            x = ((x - mean) / (var + 1e-5).sqrt() * scale + shift).relu()
        return x

    levels = [convolved(x, "inc")]
    for level in range(1, 5):
        levels.append(convolved(F.max_pool2d(levels[-1], 2), f"down{level}.maxpool_conv.1"))
    x = levels.pop()
    for level in range(1, 5):
        if bilinear:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        else:
            weight, bias = state[f"up{level}.up.weight"], state[f"up{level}.up.bias"]
            x = F.conv_transpose2d(x, weight, bias, stride=2)
        beside = levels.pop()
        canvas = x.new_zeros(*x.shape[:2], *beside.shape[2:])
        top, left = ((beside.shape[i] - x.shape[i]) // 2 for i in (2, 3))
        canvas[:, :, top : top + x.shape[2], left : left + x.shape[3]] = x
        x = convolved(torch.cat([beside, canvas], dim=1), f"up{level}.conv")
    return F.conv2d(x, state["outc.conv.weight"], state["outc.conv.bias"])


@pytest.mark.parametrize(("bilinear", "count"), [(False, 31_037_633), (True, 17_262_977)])
def test_the_published_size_has_the_published_parameters(bilinear: bool, count: int) -> None:
    with torch.device("meta"):
        network = UNet(bilinear=bilinear)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


@pytest.mark.parametrize("bilinear", [False, True])
def test_keys_are_those_of_the_public_network_in_order(bilinear: bool) -> None:
    assert list(UNet(channels=1, bilinear=bilinear).state_dict()) == public_keys(bilinear=bilinear)


@torch.no_grad()
@pytest.mark.parametrize("size", [(32, 32), (33, 70), (16, 47)])
@pytest.mark.parametrize("bilinear", [False, True])
def test_outputs_are_those_of_the_public_network(bilinear: bool, size: tuple[int, int]) -> None:
    network, x = trained(3, bilinear=bilinear), torch.rand(2, 3, *size)
    expected = reference(network.state_dict(), x, bilinear=bilinear)
    torch.testing.assert_close(network(x), expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(network.scores(x), network(x))


@torch.no_grad()
def test_a_single_output_is_the_foregrounds() -> None:
    network, x = trained(), torch.rand(1, 3, 32, 48)
    probability = network.scores(x).softmax(dim=1)[:, 1:]
    torch.testing.assert_close(probability, network(x).sigmoid())
    assert network.num_classes == 2


@torch.no_grad()
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (7, 5), (15, 17)])
@pytest.mark.parametrize("bilinear", [False, True])
def test_images_may_be_of_any_size(bilinear: bool, size: tuple[int, int]) -> None:
    assert trained(bilinear=bilinear).scores(torch.rand(2, 3, *size)).shape == (2, 2, *size)


@pytest.mark.parametrize("bilinear", [False, True])
def test_sizes_are_read_off_the_tensors(bilinear: bool) -> None:
    network = trained(5, bilinear=bilinear, channels=3)
    state = {key: value for key, value in network.state_dict().items() if "tracked" not in key}
    loaded = UNet.from_state_dict(state)
    assert (loaded.num_classes, loaded.channels, loaded.bilinear) == (5, 3, bilinear)
    assert not loaded.training
    x = torch.rand(1, 3, 20, 20)
    assert torch.equal(loaded(x), network(x))


def test_tensors_that_do_not_fit_are_listed() -> None:
    state = UNet(channels=2).state_dict()
    del state["up3.up.bias"]
    state["inc.double_conv.0.bias"] = torch.zeros(2)
    state["down4.maxpool_conv.1.double_conv.3.weight"] = torch.zeros(5)
    with pytest.raises(InputError) as caught:
        UNet.from_state_dict(state)
    message = str(caught.value)
    assert "missing: up3.up.bias" in message
    assert "unexpected: inc.double_conv.0.bias" in message
    assert "double_conv.3.weight is [5] instead of [32, 32, 3, 3]" in message


def test_a_network_of_grey_images_is_refused() -> None:
    state = UNet(channels=2).state_dict()
    state["inc.double_conv.0.weight"] = torch.zeros(2, 1, 3, 3)
    with pytest.raises(InputError, match=r"is \[2, 1, 3, 3\] instead of \[2, 3, 3, 3\]"):
        UNet.from_state_dict(state)


def test_a_small_file_cannot_name_a_huge_network() -> None:
    one = torch.zeros(1)
    state = UNet(channels=1).state_dict()
    state["inc.double_conv.0.weight"] = one.expand(100_000, 3, 3, 3)
    with pytest.raises(InputError, match="1 to 256 channels; got 100000"):
        UNet.from_state_dict(state)
    state["inc.double_conv.0.weight"] = one.expand(256, 3, 3, 3)
    with pytest.raises(InputError, match="do not fit"):
        UNet.from_state_dict(state)


@pytest.mark.parametrize("sizes", [{"channels": 0}, {"num_outputs": 0}, {"num_outputs": 256}])
def test_impossible_sizes_are_refused(sizes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="A U-Net has 1 to"):
        UNet(**sizes)


@pytest.mark.parametrize("kind", ["public", "distributed", "safetensors"])
def test_a_public_file_is_a_parser(tmp_path: Path, kind: str) -> None:
    network, path = trained(), tmp_path / "checkpoint_epoch5.pth"
    state: dict[str, Any] = dict(network.state_dict())
    if kind == "safetensors":
        from safetensors.torch import save_file

        save_file(state, path)
    elif kind == "distributed":
        torch.save({f"module.{key}": value for key, value in state.items()}, path)
    else:
        torch.save(state | {"mask_values": [[0, 0, 0], [255, 255, 255]]}, path)
    parser = load_parser(path, CPU)
    assert (parser.classes, parser.side) == (("background", "object"), 512)
    image = torch.randint(0, 256, (1, 3, 512, 512), dtype=torch.uint8)
    with torch.no_grad():
        expected = network(image / 255)[:, 0] > 0
    assert (parser.annotate(image).mask == expected).float().mean() > 0.999


def test_files_of_several_classes_number_them(tmp_path: Path) -> None:
    torch.save(trained(4).state_dict(), tmp_path / "u.pth")
    parser = load_parser(tmp_path / "u.pth", CPU, foreground=["class-3"])
    assert parser.classes == ("background", "class-1", "class-2", "class-3")


@pytest.mark.parametrize("network", [trained(), BiSeNet(2, width=0.125).eval()])
def test_what_is_written_is_read_as_described(network: UNet | BiSeNet, tmp_path: Path) -> None:
    path = tmp_path / "parser.safetensors"
    write_parser(path, network, classes=("ground", "bird"), side=48, about={"num_steps": 3})
    parser = load_parser(path, CPU)
    assert type(parser.network) is type(network)
    assert (parser.classes, parser.foreground, parser.side) == (("ground", "bird"), ("bird",), 48)
    assert parser.normalisation == ("unit" if isinstance(network, UNet) else "imagenet")
    image = torch.randint(0, 256, (2, 3, 50, 60), dtype=torch.uint8)
    again = FaceParser(network, classes=("ground", "bird"), side=48)
    assert torch.equal(parser.annotate(image).mask, again.annotate(image).mask)
    assert torch.equal(parser.prepared(image), preprocess(image, 48, parser.normalisation))


def test_pixels_are_parts_of_255_where_a_file_says_so(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    image, path = torch.full((1, 3, 4, 4), 51, dtype=torch.uint8), tmp_path / "u.safetensors"
    assert torch.allclose(preprocess(image, 4, "unit"), torch.tensor(0.2))
    for text, normalisation in (('{"normalisation": "imagenet"}', "imagenet"), ("{}", "unit")):
        save_file(trained().state_dict(), path, metadata={"l4f_bench_parser": text})
        assert load_parser(path, CPU).normalisation == normalisation
    for text in ('{"normalisation": "bgr"}', '{"normalisation": []}'):
        save_file(trained().state_dict(), path, metadata={"l4f_bench_parser": text})
        with pytest.raises(CheckpointError, match="unknown normalisation"):
            load_parser(path, CPU)


def test_networks_are_told_apart(tmp_path: Path) -> None:
    unet, bisenet, other = (tmp_path / f"{name}.pth" for name in ("u", "b", "o"))
    torch.save(trained().state_dict(), unet)
    torch.save(BiSeNet(19, width=0.125).state_dict(), bisenet)
    torch.save({"fc.weight": torch.zeros(1)}, other)
    assert isinstance(load_parser(unet, CPU).network, UNet)
    assert load_parser(bisenet, CPU).classes == FACE_CLASSES
    with pytest.raises(CheckpointError, match=r"o\.pth.*neither a BiSeNet nor a UNet.*fc\.weight"):
        load_parser(other, CPU)
    with pytest.raises(CheckpointError, match=r"b\.pth.*not a U-Net"):
        load_parser(bisenet, CPU, network=UNet)
    with pytest.raises(CheckpointError, match=r"u\.pth.*not a BiSeNet"):
        load_bisenet(unet)
    with pytest.raises(CheckpointError, match=r"u\.pth.*not a BiSeNet"):
        load_parser_features(unet, resize="bilinear", device=CPU)
