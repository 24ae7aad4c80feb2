"""``convert`` and ``inspect`` as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
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
from tests.goldens import ROOT

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


def test_texts_of_a_file_are_no_control_sequences_on_the_terminal(tmp_path: Path) -> None:
    name = "\x1b[2J\x9b31m\u202eevil\n.pt\ud800"
    document = {
        "format_version": 1, "source": {"name": name, "sha256": ""}, "conv_clamps": {},
        "metadata": {"args": "\x1b]0;title\x07"},
    }  # fmt: skip
    tensors = {f"alpha/{key}": value for key, value in alpha_state_dict(repro=True).items()}
    path = tmp_path / "own.safetensors"
    save_file(tensors, path, metadata={"l4f_bench": json.dumps(document)})
    shown = run(app, ["inspect", str(path)]).stdout
    assert "source: ?[2J?31m?evil .pt?" in shown
    assert all(char.isprintable() or char == "\n" for char in shown)
    as_json = run(app, ["inspect", str(path), "--json"]).stdout
    assert as_json.isascii()
    assert "\x1b" not in as_json
    assert json.loads(as_json)["source"]["name"] == name


def test_names_of_files_are_no_control_sequences_on_the_terminal(tmp_path: Path) -> None:
    result = run(app, ["inspect", str(tmp_path / "\x1b[2Jabsent\n.pt")])
    assert result.exit_code == 2
    assert "?[2Jabsent .pt: there is no such file" in result.stderr
    assert "\x1b" not in result.stderr


def test_a_device_or_fifo_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "out.safetensors")
    (tmp_path / "null.safetensors").symlink_to("/dev/null")
    (tmp_path / "sidecar.json").mkdir()
    for name in ("out", "null", "sidecar"):
        target = str(tmp_path / f"{name}.safetensors")
        result = run(app, ["convert", str(TENSORFLOW_PICKLE), target, "--force"])
        assert result.exit_code == 2
        assert "Choose another name" in result.stderr
    assert (tmp_path / "out.safetensors").is_fifo()


_ON_A_FULL_DISK = """
import resource, signal, sys
from l4f_bench.cli import app

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
app(sys.argv[2:])
"""


@pytest.mark.parametrize("room", [100, 2000, 100_000])
def test_a_full_disk_is_one_line_and_nothing_half_written(room: int, tmp_path: Path) -> None:
    command = ["convert", str(TENSORFLOW_PICKLE), str(tmp_path / "out.safetensors")]
    done = subprocess.run(
        [sys.executable, "-c", _ON_A_FULL_DISK, str(room), *command],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"Error: Cannot write {tmp_path}/out.")
    assert list(tmp_path.iterdir()) == []
