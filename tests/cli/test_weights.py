"""``convert`` and ``inspect`` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from l4f_bench.cli import app
from l4f_bench.generators.checkpoints import read_checkpoint
from l4f_bench.provenance import sha256_of
from tests.generators.checkpoints.files import (
    ADA_PICKLE,
    HOSTILE,
    TENSORFLOW_PICKLE,
    alpha_state_dict,
    labels4free,
    write_all,
)

run = CliRunner().invoke
FORMATS = ("ada-pickle", "tensorflow-pickle", "rosinality", "labels4free", "bare", "legacy")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_all(tmp_path_factory.mktemp("files"))


@pytest.mark.parametrize("name", FORMATS)
def test_converted_file_holds_equal_tensors(
    name: str, files: dict[str, Path], tmp_path: Path
) -> None:
    target = tmp_path / "out" / "network.safetensors"
    result = run(app, ["convert", str(files[name]), str(target)])
    assert result.exit_code == 0, result.output
    before, after = read_checkpoint(files[name]), read_checkpoint(target)
    assert set(after.networks) == set(before.networks)
    for network, state_dict in before.networks.items():
        assert set(after.networks[network]) == set(state_dict)
        for key, value in state_dict.items():
            assert torch.equal(after.networks[network][key], value), key
    assert set(after.latent_averages) == set(before.latent_averages)
    for network, average in before.latent_averages.items():
        assert torch.equal(after.latent_averages[network], average)
    assert after.conv_clamps == before.conv_clamps
    assert after.metadata == before.metadata
    assert after.source_sha256 == before.source_sha256


def test_sidecar_names_source_and_architecture(tmp_path: Path) -> None:
    target = tmp_path / "network.safetensors"
    result = run(app, ["convert", str(ADA_PICKLE), str(target), "--json"])
    sidecar = json.loads((tmp_path / "network.json").read_text())
    assert json.loads(result.stdout) == sidecar
    assert sidecar["format_version"] == 1
    assert sidecar["source"] == {"name": ADA_PICKLE.name, "sha256": sha256_of(ADA_PICKLE)}
    assert sidecar["networks"]["g_ema"]["kind"] == "generator"
    assert sidecar["networks"]["g_ema"]["architecture"]["size"] == 32


def test_keys_carry_the_name_of_the_network(tmp_path: Path) -> None:
    from safetensors import safe_open

    target = tmp_path / "network.safetensors"
    run(app, ["convert", str(TENSORFLOW_PICKLE), str(target)])
    with safe_open(target, framework="pt") as file:
        keys = set(file.keys())
    assert {"g_ema/style.1.weight", "g/input.input", "d/convs.0.0.weight", "latent_avg"} <= keys
    assert "latent_avg/g" in keys


def test_conversion_is_byte_identical_when_repeated(tmp_path: Path) -> None:
    digests = set()
    for name in ("a", "b"):
        run(app, ["convert", str(TENSORFLOW_PICKLE), str(tmp_path / f"{name}.safetensors")])
        digests.add(sha256_of(tmp_path / f"{name}.safetensors"))
    assert len(digests) == 1


@pytest.mark.parametrize("existing", ["network.safetensors", "network.json"])
def test_existing_file_is_kept_without_force(existing: str, tmp_path: Path) -> None:
    (tmp_path / existing).write_text("mine")
    command = ["convert", str(TENSORFLOW_PICKLE), str(tmp_path / "network.safetensors")]
    result = run(app, command)
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert (tmp_path / existing).read_text() == "mine"
    assert run(app, [*command, "--force"]).exit_code == 0
    assert read_checkpoint(tmp_path / "network.safetensors").format == "l4f-bench"


def test_other_suffix_is_refused(tmp_path: Path) -> None:
    result = run(app, ["convert", str(TENSORFLOW_PICKLE), str(tmp_path / "network.pt")])
    assert result.exit_code == 2
    assert ".safetensors" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["convert", "inspect"])
def test_hostile_file_ends_with_one_line_and_code_2(command: str, tmp_path: Path) -> None:
    target = [str(tmp_path / "out.safetensors")] if command == "convert" else []
    for path in sorted(HOSTILE.iterdir()):
        result = run(app, [command, str(path), *target])
        assert result.exit_code == 2, path
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert path.name in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_inspect_shows_every_network(tmp_path: Path) -> None:
    path = tmp_path / "alpha.pt"
    torch.save(labels4free(), path)
    result = run(app, ["inspect", str(path)])
    assert result.exit_code == 0
    for line in ("format: labels4free", "g: generator", "d: discriminator", "alpha: alpha"):
        assert line in result.stdout


@pytest.mark.parametrize("repro", [False, True])
def test_inspect_reads_the_sizes_of_either_alpha_layout(repro: bool, tmp_path: Path) -> None:
    path = tmp_path / "alpha.pt"
    torch.save(alpha_state_dict(repro=repro, features=(9, 9, 7, 7, 5, 5)), path)
    result = run(app, ["inspect", str(path), "--json"])
    (network,) = json.loads(result.stdout)["networks"].values()
    layout = "bg_extractor_repro" if repro else "bg_extractor"
    assert network["architecture"] == {"layout": layout, "channels": [9, 7, 5]}


def test_inspect_counts_parameters_without_buffers() -> None:
    result = run(app, ["inspect", str(TENSORFLOW_PICKLE), "--json"])
    description = json.loads(result.stdout)
    manifest = json.loads((TENSORFLOW_PICKLE.parent / "manifest.json").read_text())
    others = ("Gs/lod", "Gs/dlatent_avg")
    expected = sum(
        torch.Size(entry["shape"]).numel()
        for key, entry in manifest.items()
        if key.startswith("Gs/") and key not in others and "synthesis/noise" not in key
    )
    assert description["networks"]["g_ema"]["parameters"] == expected
    assert description["bytes"] == TENSORFLOW_PICKLE.stat().st_size
