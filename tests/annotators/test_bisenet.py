"""BiSeNet gives the tensors that the public implementation gave, and reads its own sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from l4f_bench.annotators.bisenet import BiSeNet
from l4f_bench.annotators.face_parsing import preprocess
from l4f_bench.errors import InputError
from tests.goldens import GoldenCase, golden_case


@pytest.fixture(scope="module")
def case() -> GoldenCase:
    return golden_case("bisenet_128")


@pytest.fixture(scope="module")
def network(case: GoldenCase) -> BiSeNet:
    return BiSeNet.from_state_dict(case.state_dict())


@pytest.fixture(scope="module")
def normalised(case: GoldenCase) -> Tensor:
    return preprocess(case.tensor("in_image").permute(2, 0, 1)[None], 128)


def test_keys_are_those_of_the_public_network_in_order(case: GoldenCase, network: BiSeNet) -> None:
    assert list(network.state_dict()) == list(case.state_dict())


def test_sizes_are_read_off_the_tensors(case: GoldenCase, network: BiSeNet) -> None:
    assert (network.num_classes, network.width) == (case.meta["constructor"]["n_classes"], 1.0)
    narrow = BiSeNet.from_state_dict(BiSeNet(2, width=0.25).state_dict())
    assert (narrow.num_classes, narrow.width) == (2, 0.25)


@torch.no_grad()
def test_features_match_the_public_network(
    case: GoldenCase, network: BiSeNet, normalised: Tensor
) -> None:
    features = network.cp(normalised)
    case.check("out_feat8", features.backbone8)
    case.check("out_feat_cp8", features.context8)
    case.check("out_feat_cp16", features.context16)


@torch.no_grad()
def test_heads_and_classes_match_the_public_network(
    case: GoldenCase, network: BiSeNet, normalised: Tensor
) -> None:
    heads = network(normalised)
    for name, full in zip(("logits", "logits16", "logits32"), heads, strict=True):
        case.check(f"out_{name}", full)
        stats = torch.stack([full.mean(), full.std(unbiased=False), full.min(), full.max()])
        case.check(f"out_{name}_stats", stats)
    classes = heads.main.argmax(1)[0].numpy()
    assert np.array_equal(classes, case.arrays["out_parsing"])
    counts = np.bincount(classes.ravel(), minlength=19)
    assert np.array_equal(counts, case.arrays["out_class_counts"])
    best = heads.main.topk(2, dim=1).values
    near_ties = (best[:, 0] - best[:, 1] < 1e-3).float().mean()
    case.check("out_margin_below_1e-3", near_ties)
    assert torch.equal(network.scores(normalised), heads.main)


@pytest.mark.parametrize("size", [(32, 32), (64, 64), (1, 1), (33, 70)])
def test_heads_have_the_size_of_the_input(size: tuple[int, int]) -> None:
    network = BiSeNet(3, width=0.125)
    assert all(head.shape == (2, 3, *size) for head in network(torch.randn(2, 3, *size)))


def test_every_parameter_is_trained() -> None:
    torch.manual_seed(0)
    network = BiSeNet(2, width=0.25)
    sum(head.square().mean() for head in network(torch.randn(4, 3, 64, 64))).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("width", [0.0, 0.3, 5.0, -1.0])
def test_an_impossible_width_is_refused(width: float) -> None:
    with pytest.raises(InputError, match=r"multiples of 1/64 up to 4"):
        BiSeNet(2, width=width)


def test_tensors_that_do_not_fit_are_listed() -> None:
    state = BiSeNet(2, width=0.125).state_dict()
    del state["ffm.conv1.weight"]
    state["fc.weight"] = torch.zeros(3)
    state["conv_out32.conv.bn.bias"] = torch.zeros(5)
    with pytest.raises(InputError) as caught:
        BiSeNet.from_state_dict(state)
    message = str(caught.value)
    assert "missing: ffm.conv1.weight" in message
    assert "unexpected: fc.weight" in message
    assert "conv_out32.conv.bn.bias is [5] instead of [8]" in message


def test_another_network_is_named_by_its_keys() -> None:
    with pytest.raises(InputError, match=r"not a BiSeNet.*backbone\.weight"):
        BiSeNet.from_state_dict({"backbone.weight": torch.zeros(1)})


def test_files_without_batch_counters_load() -> None:
    state = BiSeNet(2, width=0.125).state_dict()
    old = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    assert BiSeNet.from_state_dict(old).num_classes == 2
