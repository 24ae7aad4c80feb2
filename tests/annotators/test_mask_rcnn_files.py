"""Mask R-CNN files: every format loads, everything else is refused by name."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from l4f_bench.annotators.mask_rcnn import MaskRCNN, load_mask_rcnn
from l4f_bench.errors import InputError
from tests.goldens import FOLDERS
from tests.toy_detector import TOY, toy_weights, write_pickle, write_toy_pickle


def same(first: MaskRCNN, second: MaskRCNN) -> bool:
    pair = (first.state_dict(), second.state_dict())
    return pair[0].keys() == pair[1].keys() and all(
        torch.equal(value, pair[1][key]) for key, value in pair[0].items()
    )


@pytest.mark.parametrize("kind", ["pkl", "trainer", "bare", "distributed", "safetensors"])
def test_weights_load_from_every_format(tmp_path: Path, kind: str) -> None:
    path, state = tmp_path / "model_final", toy_weights()
    if kind == "pkl":
        write_pickle(path, state)
    elif kind == "safetensors":
        save_file(state, path)
    elif kind == "trainer":
        torch.save({"model": state, "iteration": 269_999}, path)
    else:
        prefix = "module." if kind == "distributed" else ""
        torch.save({prefix + key: value for key, value in state.items()}, path)
    loaded = load_mask_rcnn(path)
    assert loaded.architecture == TOY
    assert not loaded.training
    assert same(loaded, MaskRCNN.from_state_dict(state))


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_every_pickle_protocol_is_read(tmp_path: Path, protocol: int) -> None:
    path = write_pickle(tmp_path / "model.pkl", toy_weights(), protocol=protocol)
    assert same(load_mask_rcnn(path), MaskRCNN.from_state_dict(toy_weights()))


def test_ordered_and_half_precision_weights_load(tmp_path: Path) -> None:
    state = OrderedDict((key, value.half().numpy()) for key, value in toy_weights().items())
    (tmp_path / "half.pkl").write_bytes(pickle.dumps({"model": state}))
    loaded = load_mask_rcnn(tmp_path / "half.pkl")
    assert {value.dtype for value in loaded.state_dict().values()} == {torch.float32}


def test_constants_of_older_files_are_ignored(tmp_path: Path) -> None:
    state = toy_weights() | {
        "pixel_mean": torch.zeros(3, 1, 1),
        "pixel_std": torch.ones(3, 1, 1),
        "proposal_generator.anchor_generator.cell_anchors.0": torch.zeros(3, 4),
    }
    assert load_mask_rcnn(write_pickle(tmp_path / "old.pkl", state)).architecture == TOY


def test_normalisation_is_folded_without_changing_the_features() -> None:
    torch.manual_seed(0)
    network = MaskRCNN(TOY).eval()
    for key, value in network.state_dict().items():
        if ".norm." in key:
            value.copy_(torch.rand(value.shape) + 0.5)
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        expected = network.features(x)
        folded = MaskRCNN.from_state_dict(network.state_dict()).features(x)
    for ours, theirs in zip(folded, expected, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_keys_that_do_not_fit_are_listed(tmp_path: Path) -> None:
    state = toy_weights()
    del state["roi_heads.box_head.fc2.bias"], state["backbone.fpn_output3.weight"]
    state["roi_heads.mask_head.extra"] = torch.zeros(1)
    state["proposal_generator.rpn_head.conv.bias"] = torch.zeros(5)
    path = write_pickle(tmp_path / "wrong.pkl", state)
    with pytest.raises(InputError, match=r"Cannot read .*wrong\.pkl") as caught:
        load_mask_rcnn(path)
    message = str(caught.value)
    assert "missing: backbone.fpn_output3.weight, roi_heads.box_head.fc2.bias" in message
    assert "unexpected: roi_heads.mask_head.extra" in message
    assert "rpn_head.conv.bias is [5] instead of [2]" in message


def test_sizes_that_contradict_each_other_cost_no_memory(tmp_path: Path) -> None:
    state = toy_weights()
    state["backbone.fpn_lateral2.weight"] = torch.zeros(1_000_000, 1, 1, 1)
    with pytest.raises(InputError, match="misshapen"):
        load_mask_rcnn(write_pickle(tmp_path / "wide.pkl", state))


def _shared_many_times() -> dict[str, object]:
    array = np.zeros(10_000, np.float32)
    return {"model": {str(number): array for number in range(100)}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"blobs": {}}, "Detectron1"),
        ({"model": [1]}, "'model' is not a dict"),
        ([1, 2], "not a dict"),
        ({"model": {1: np.zeros(1)}}, "not a string"),
        ({"model": {"a": "text"}}, "neither a number nor a NumPy array"),
        ({"model": {"a": np.array([True])}}, "does not hold numbers"),
        ({"model": {"conv_out.conv_out.weight": np.zeros(1)}}, "not a Mask R-CNN of detectron2"),
        (_shared_many_times(), "more than the file holds"),
        ({"model": {"a": np.array([{}], dtype=object)}}, "not numeric"),
        ({"model": Path("x")}, "not allowed|names"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_pickle_is_refused_by_name(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "other.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(InputError, match=rf"Cannot read .*other\.pkl.*({message})"):
        load_mask_rcnn(path)


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "resnet.pth")
    with pytest.raises(InputError, match=r"resnet\.pth.*not a Mask R-CNN.*conv1\.weight"):
        load_mask_rcnn(tmp_path / "resnet.pth")
    with pytest.raises(InputError, match="there is no such file"):
        load_mask_rcnn(tmp_path / "absent.pkl")


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = write_toy_pickle(tmp_path / "cut.pkl")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError, match=r"Cannot read .*cut\.pkl"):
        load_mask_rcnn(path)


def hostile_files() -> list[Path]:
    folder = next(folder / "hostile" for folder in FOLDERS if (folder / "hostile").exists())
    return sorted(path for path in folder.iterdir() if path.suffix not in (".md", ".json"))


@pytest.mark.parametrize("path", hostile_files(), ids=lambda path: path.name)
def test_hostile_files_are_refused_and_run_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="Cannot read"):
        load_mask_rcnn(path)
    assert not list(tmp_path.iterdir())


def test_code_inside_a_model_zoo_file_is_refused(tmp_path: Path) -> None:
    class Armed:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "OWNED",)

    model: dict[str, Tensor | Armed] = {**toy_weights(), "armed": Armed()}
    (tmp_path / "armed.pkl").write_bytes(pickle.dumps({"model": model}))
    with pytest.raises(InputError, match="Cannot read"):
        load_mask_rcnn(tmp_path / "armed.pkl")
    assert not (tmp_path / "OWNED").exists()
