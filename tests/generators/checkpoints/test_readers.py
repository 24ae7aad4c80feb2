"""Every format gives the tensors that its own library wrote."""

from __future__ import annotations

import json
import pickle
import sys
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from l4f_bench.files.restricted_pickle import read_pickle
from l4f_bench.generators.checkpoints import (
    Checkpoint,
    CheckpointError,
    read_checkpoint,
    read_outline,
    select_network,
)
from l4f_bench.generators.checkpoints.nvidia_pickle import NAMES
from l4f_bench.generators.conversion import from_nvidia_generator
from l4f_bench.provenance import sha256_of
from tests.generators.checkpoints.files import (
    ADA_PICKLE,
    TENSORFLOW_PICKLE,
    StateDict,
    alpha_state_dict,
    labels4free,
    rosinality_converted,
    rosinality_trained,
)
from tests.goldens import golden_case


def assert_equal(actual: StateDict, expected: StateDict) -> None:
    assert set(actual) == set(expected)
    for key, value in expected.items():
        assert torch.equal(actual[key], value), key


def save(folder: Path, content: Any, *, legacy: bool = False) -> Path:
    path = folder / "file.pt"
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def test_ada_pickle_holds_the_recorded_tensors() -> None:
    recorded = json.loads((ADA_PICKLE.parent / "tensors.json").read_text())
    checkpoint = read_checkpoint(ADA_PICKLE)
    assert checkpoint.format == "stylegan2-ada-pickle"
    for name, key in (("g", "G"), ("d", "D"), ("g_ema", "G_ema")):
        kept = {k: e for k, e in recorded[key].items() if not k.endswith(("_filter", "w_avg"))}
        found = [v.double() for k, v in checkpoint.networks[name].items() if "kernel" not in k]
        assert len(found) == len(kept)
        sums = sorted((float(v.sum()), float(v.norm())) for v in found)
        wanted = sorted((entry["sum"], entry["l2"]) for entry in kept.values())
        assert sums == [pytest.approx(pair, rel=1e-9, abs=1e-9) for pair in wanted]


def test_ada_pickle_gives_settings_clamps_and_mean_latents() -> None:
    recorded = json.loads((ADA_PICKLE.parent / "tensors.json").read_text())
    checkpoint = read_checkpoint(ADA_PICKLE)
    assert checkpoint.conv_clamps == {"g": 256.0, "d": 256.0, "g_ema": 256.0}
    assert checkpoint.metadata["training_set_kwargs"]["max_size"] == 1000
    assert checkpoint.metadata["d"]["init_kwargs"]["epilogue_kwargs"] == {"mbstd_group_size": 4}
    for name, key in (("g", "G"), ("g_ema", "G_ema")):
        total = float(checkpoint.latent_averages[name].double().sum())
        assert total == pytest.approx(recorded[key]["mapping.w_avg"]["sum"], rel=1e-9)
    assert checkpoint.source_sha256 == sha256_of(ADA_PICKLE)
    assert checkpoint.source_name == ADA_PICKLE.name


def test_embedded_source_text_stays_text() -> None:
    content, end = read_pickle(memoryview(ADA_PICKLE.read_bytes()), NAMES)
    assert end == ADA_PICKLE.stat().st_size
    assert isinstance(content["G_ema"].args[0]["module_src"], str)


def test_tensorflow_pickle_holds_the_values_of_the_rule() -> None:
    variable = golden_case("tf_pickle").state_dict().__getitem__
    checkpoint = read_checkpoint(TENSORFLOW_PICKLE)
    g_ema, g, d = (checkpoint.networks[name] for name in ("g_ema", "g", "d"))
    conv = variable("Gs/synthesis/16x16/Conv0_up/weight").permute(3, 2, 0, 1).flip(2, 3)
    assert torch.equal(g_ema["convs.2.conv.weight"], conv[None])
    conv = variable("Gs/synthesis/16x16/Conv1/weight").permute(3, 2, 0, 1)
    assert torch.equal(g_ema["convs.3.conv.weight"], conv[None])
    bias = variable("G/synthesis/4x4/ToRGB/mod_bias") + 1
    assert torch.equal(g["to_rgb1.conv.modulation.bias"], bias)
    assert torch.equal(g_ema["noises.noise_5"], variable("Gs/synthesis/noise5"))
    assert torch.equal(g_ema["style.3.weight"], variable("Gs/mapping/Dense2/weight").T)
    skip = variable("D/16x16/Skip/weight").permute(3, 2, 0, 1)
    assert torch.equal(d["convs.2.skip.1.weight"], skip)
    assert checkpoint.latent_average is not None
    assert torch.equal(checkpoint.latent_average, variable("Gs/dlatent_avg"))
    assert torch.equal(checkpoint.latent_averages["g"], variable("G/dlatent_avg"))


@pytest.mark.parametrize("legacy", [False, True])
def test_trained_rosinality_file_gives_networks_and_arguments(legacy: bool, tmp_path: Path) -> None:
    content = rosinality_trained()
    checkpoint = read_checkpoint(save(tmp_path, content, legacy=legacy))
    assert checkpoint.format == "rosinality"
    assert set(checkpoint.networks) == {"g", "d", "g_ema"}
    for name in checkpoint.networks:
        assert_equal(checkpoint.networks[name], content[name])
    assert checkpoint.metadata["args"]["n_mlp"] == 3
    assert checkpoint.metadata["ada_aug_p"] == 0.0
    assert checkpoint.latent_average is None


def test_converted_rosinality_file_gives_the_mean_latent(tmp_path: Path) -> None:
    content = rosinality_converted()
    checkpoint = read_checkpoint(save(tmp_path, content))
    assert_equal(checkpoint.networks["g_ema"], content["g_ema"])
    assert checkpoint.latent_average is not None
    assert torch.equal(checkpoint.latent_average, content["latent_avg"])


def test_a_mean_latent_saved_as_one_row_is_a_vector(tmp_path: Path) -> None:
    content = rosinality_converted()
    row = content | {"latent_avg": content["latent_avg"][None]}
    average = read_checkpoint(save(tmp_path, row)).latent_average
    assert torch.equal(average, content["latent_avg"])


@pytest.mark.parametrize("repro", [False, True])
def test_labels4free_file_gives_the_alpha_network(repro: bool, tmp_path: Path) -> None:
    content = labels4free(repro=repro)
    checkpoint = read_checkpoint(save(tmp_path, content))
    assert checkpoint.format == "labels4free"
    assert_equal(checkpoint.networks["alpha"], content["bg_extractor_ema"])
    live = {key.removeprefix("module."): v for key, v in content["bg_extractor"].items()}
    assert_equal(checkpoint.networks["alpha_train"], live)
    assert checkpoint.metadata["args"]["size"] == 32


def test_live_alpha_network_stands_in_for_an_absent_average(tmp_path: Path) -> None:
    content = {"bg_extractor": alpha_state_dict(repro=True)}
    checkpoint = read_checkpoint(save(tmp_path, content))
    assert set(checkpoint.networks) == {"alpha"}


@pytest.mark.parametrize("name", ["g_ema", "d", "alpha"])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_bare_state_dict_is_known_by_its_keys(name: str, suffix: str, tmp_path: Path) -> None:
    state_dict = {**rosinality_trained(), "alpha": alpha_state_dict(repro=False)}[name]
    path = tmp_path / f"bare{suffix}"
    if suffix == ".pt":
        torch.save(state_dict, path)
    else:
        save_file({key: value.contiguous() for key, value in state_dict.items()}, path)
    checkpoint = read_checkpoint(path)
    assert set(checkpoint.networks) == {name}
    assert_equal(checkpoint.networks[name], state_dict)


def test_half_precision_and_parameters_survive(tmp_path: Path) -> None:
    state_dict = alpha_state_dict(repro=True)
    halves = {k: torch.nn.Parameter(v.bfloat16()) for k, v in state_dict.items()}
    networks = read_checkpoint(save(tmp_path, {"bg_extractor_ema": halves})).networks
    assert_equal(networks["alpha"], {k: v.bfloat16() for k, v in state_dict.items()})


def test_outline_has_the_shapes_of_the_tensors(valid_files: dict[str, Path]) -> None:
    for name, path in valid_files.items():
        whole, outline = read_checkpoint(path), read_outline(path)
        assert whole.format == outline.format
        for network, state_dict in whole.networks.items():
            for key, value in state_dict.items():
                other = outline.networks[network][key]
                assert (value.shape, value.dtype) == (other.shape, other.dtype), key
                assert other.is_meta or name == "legacy"


def tensorflow_with(old: bytes, new: bytes, folder: Path) -> Path:
    data = TENSORFLOW_PICKLE.read_bytes()
    assert old in data
    path = folder / "network.pkl"
    path.write_bytes(data.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"K\x04\x8c\x04name", b"K\x03\x8c\x04name", "version 3"),
        (b"label_size\x94K\x00", b"label_size\x94K\x05", "label_size = 5"),
        (b"noise1", b"noisex", "variable synthesis/noisex is not one of"),
        (b"dlatent_avg", b"dlatent_avx", "variable dlatent_avx is not one of"),
        (b"4x4/Const/const", b"4x4/Const_lod0_", "configurations A to D"),
    ],
)
def test_tensorflow_file_of_another_kind_is_refused(
    old: bytes, new: bytes, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=reason):
        read_checkpoint(tensorflow_with(old, new, tmp_path))


def test_version_of_the_ada_code_is_read(tmp_path: Path) -> None:
    path = tensorflow_with(b"version\x94K\x04", b"version\x94K\x05", tmp_path)
    assert isinstance(read_checkpoint(path), Checkpoint)


def test_swapped_networks_are_refused(tmp_path: Path) -> None:
    content = rosinality_trained()
    content["g_ema"] = content["d"]
    with pytest.raises(CheckpointError, match="g_ema lacks the tensors of a StyleGAN2 generator"):
        read_checkpoint(save(tmp_path, content))


def persistent(tensors: StateDict, reconstruct: Any) -> Any:
    """A module tree as the NVIDIA code pickles it, from flat keys."""

    class Persistent:
        def __init__(self, state: dict[str, Any]) -> None:
            self.meta = {"type": "class", "version": 6, "module_src": "#", "class_name": "X"}
            self.meta["state"] = state

        def __reduce__(self) -> Any:
            return reconstruct, (self.meta,)

    children: dict[str, StateDict] = {}
    parameters = OrderedDict()
    for key, value in tensors.items():
        name, _, rest = key.partition(".")
        if rest:
            children.setdefault(name, {})[rest] = value
        else:
            parameters[name] = torch.nn.Parameter(value, requires_grad=False)
    modules = OrderedDict((n, persistent(part, reconstruct)) for n, part in children.items())
    return Persistent(
        {
            "_parameters": parameters,
            "_buffers": OrderedDict(bias=None),
            "_non_persistent_buffers_set": set(),
            "_modules": modules,
        }
    )


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_ada_pickle_of_every_protocol_is_read(
    protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def _reconstruct_persistent_obj(meta: Any) -> None:
        raise AssertionError("executed")

    module = types.ModuleType("torch_utils.persistence")
    _reconstruct_persistent_obj.__module__ = module.__name__
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    module._reconstruct_persistent_obj = _reconstruct_persistent_obj  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch_utils", types.ModuleType("torch_utils"))
    monkeypatch.setitem(sys.modules, "torch_utils.persistence", module)
    tensors = golden_case("nv_generator").state_dict()
    network = persistent(tensors, _reconstruct_persistent_obj)
    path = tmp_path / "network.pkl"
    path.write_bytes(pickle.dumps({"G": None, "D": None, "G_ema": network}, protocol))
    checkpoint = read_checkpoint(path)
    assert_equal(checkpoint.networks["g_ema"], from_nvidia_generator(tensors))
    assert torch.equal(checkpoint.latent_averages["g_ema"], tensors["mapping.w_avg"])


def test_bare_nvidia_state_dict_is_brought_to_our_layout(tmp_path: Path) -> None:
    tensors = golden_case("nv_generator").state_dict()
    checkpoint = read_checkpoint(save(tmp_path, tensors))
    assert_equal(checkpoint.networks["g_ema"], from_nvidia_generator(tensors))
    assert checkpoint.latent_average is not None
    assert torch.equal(checkpoint.latent_average, tensors["mapping.w_avg"])


def test_network_is_selected_with_what_belongs_to_it() -> None:
    checkpoint = read_checkpoint(ADA_PICKLE)
    network = select_network(ADA_PICKLE, "alpha", "g")
    assert network.name == "g"
    assert_equal(network.state_dict, checkpoint.networks["g"])
    assert network.latent_average is not None
    assert torch.equal(network.latent_average, checkpoint.latent_averages["g"])
    assert network.conv_clamp == 256.0
    assert network.source_sha256 == sha256_of(ADA_PICKLE)


def test_absent_network_is_named_with_those_present() -> None:
    with pytest.raises(CheckpointError, match="holds no alpha, only g, d, g_ema"):
        select_network(TENSORFLOW_PICKLE, "alpha")


def test_statistics_group_is_read_from_the_settings(tmp_path: Path) -> None:
    assert select_network(TENSORFLOW_PICKLE, "d").statistics_group == 4
    data = ADA_PICKLE.read_bytes()
    setting = b"\x8c\ngroup_size\x94K\x04"
    assert data.count(setting) == 1
    path = tmp_path / "network.pkl"
    path.write_bytes(data.replace(setting, b"\x8c\ngroup_size\x94K\x08"))
    assert select_network(path, "d").statistics_group == 8
