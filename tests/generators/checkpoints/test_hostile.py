"""No hostile file is accepted, executed, or allowed to take memory or time."""

from __future__ import annotations

import io
import pickle
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from l4f_bench.generators.checkpoints import (
    CheckpointError,
    load_generator,
    read_checkpoint,
)
from tests.generators.checkpoints.files import (
    HOSTILE,
    alpha_state_dict,
)
from tests.generators.checkpoints.hostile_files import (
    refusal,
    torch_zip,
)
from tests.goldens import SHARED

REFUSALS = {
    "reduce_system.pkl": "name not allowed: posix.system",
    "reduce_dotted_name.pkl": "name not allowed: torch.storage.torch.os.system",
    "network_state.pkl": "name not allowed: numpy.testing._private.utils.runstring",
    "persistence_source.pkl": "tensors of G_ema are missing",
    "nested_storage.pkl": "nested bytes that are not a tensor storage",
    "torch_zip_reduce.pt": "name not allowed: posix.system",
    "torch_zip_truncated.pt": "incomplete",
    "html_page.pt": "a web page, not a checkpoint",
    "empty.pt": "the file is empty",
    "huge_length.pkl": "1152921504606846976 bytes announced where 5 are left",
    "header_beyond_file.safetensors": "its header should take 1000000 bytes",
}

CARELESS = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))"
MEASURE = """
import resource, sys
from l4f_bench.generators.checkpoints import CheckpointError, read_checkpoint
import l4f_bench.files.torch_file, safetensors, torch
read_checkpoint(sys.argv[1])  # so that everything is imported
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (256 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[2:]:
    try:
        read_checkpoint(path)
    except CheckpointError:
        continue
    sys.exit(f"{path} was accepted")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_every_hostile_file_has_an_expected_refusal() -> None:
    assert {path.name for path in HOSTILE.iterdir()} == {*REFUSALS, "README.md"}


@pytest.mark.parametrize("name", sorted(REFUSALS))
def test_hostile_file_is_refused_and_not_executed(name: str, empty_folder: Path) -> None:
    assert REFUSALS[name] in refusal(HOSTILE / name)
    assert list(empty_folder.iterdir()) == []


def test_armed_files_are_armed(empty_folder: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", CARELESS, str(HOSTILE / "reduce_system.pkl")],
        check=True,
    )
    assert (empty_folder / "OWNED").exists()


@pytest.mark.slow
def test_hostile_files_take_little_memory(empty_folder: Path) -> None:
    valid = empty_folder / "valid.pt"
    torch.save(alpha_state_dict(repro=True), valid)
    files = [str(HOSTILE / name) for name in REFUSALS]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(valid), *files],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=empty_folder,
        env={"PYTHONPATH": str(HOSTILE.parents[2]), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 64 << 10  # kB
    assert not (empty_folder / "OWNED").exists()


def test_bytearray_bomb_that_torch_would_allocate_is_refused(tmp_path: Path) -> None:
    bomb = b"\x80\x02cbuiltins\nbytearray\n\x8a\x06" + struct.pack("<Q", 1 << 40)[:6] + b"\x85R."
    assert "builtins.bytearray" in refusal(torch_zip(tmp_path / "bomb.pt", bomb))


def test_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = torch_zip(tmp_path / "bomb.pt", b"\x80\x02" + b"}" * (8 << 20), zipfile.ZIP_DEFLATED)
    assert "claim more bytes" in refusal(path)


def test_endless_pickle_is_refused_in_seconds(tmp_path: Path) -> None:
    path = tmp_path / "endless.pkl"
    path.write_bytes(b"\x80\x04" + b"}" * (8 << 20) + b".")
    start = time.monotonic()
    assert "steps" in refusal(path)
    assert time.monotonic() - start < 20


def test_deeply_nested_pickle_is_refused(tmp_path: Path) -> None:
    nested = b"\x80\x02}X\x01\x00\x00\x00a" + b")" + b"\x85" * 50_000 + b"s."
    refusal(torch_zip(tmp_path / "nested.pt", nested))
    key = b"\x80\x02}" + b")" + b"\x85" * 50_000 + b"Ns."
    assert "dict key" in refusal(torch_zip(tmp_path / "key.pt", key))


def test_shared_settings_do_not_multiply(tmp_path: Path) -> None:
    laughs: list[object] = []
    for _ in range(100):
        laughs = [laughs, laughs]
    path = tmp_path / "laughs.pt"
    torch.save({"g_ema": {"a": torch.zeros(1)}, "args": laughs}, path)
    assert "nested without end" in refusal(path)


def test_cyclic_modules_are_refused(tmp_path: Path) -> None:
    module = (
        b"\x80\x04}X\x05\x00\x00\x00G_emactorch_utils.persistence\n_reconstruct_persistent_obj\n"
        b"}\x94(X\x04\x00\x00\x00typeX\x05\x00\x00\x00classX\x05\x00\x00\x00state}(X\x08\x00\x00\x00"
        b"_modules}\x94uu\x85R\x940h\x01X\x01\x00\x00\x00ah\x02s0h\x02s."
    )
    path = tmp_path / "cycle.pkl"
    path.write_bytes(module)
    assert "nested without end" in refusal(path)


def test_stretched_tensor_is_refused(tmp_path: Path) -> None:
    state_dict = alpha_state_dict(repro=True)
    state_dict["conv_n.bias"] = torch.zeros(1).expand(1 << 35)
    torch.save(state_dict, tmp_path / "stretched.pt")
    assert "repeats the numbers of its storage" in refusal(tmp_path / "stretched.pt")


def test_class_of_a_library_is_refused(tmp_path: Path) -> None:
    torch.save({"g_ema": torch.nn.Linear(2, 2)}, tmp_path / "module.pt")
    assert "name not allowed: torch.nn.modules.linear.Linear" in refusal(tmp_path / "module.pt")


def test_pickle_of_plain_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plain.pkl"
    path.write_bytes(pickle.dumps({"a": [1, 2.5, b"x", {3}, None]}))
    assert "not a StyleGAN2 network file" in refusal(path)


def test_safetensors_with_a_huge_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.safetensors"
    path.write_bytes(struct.pack("<Q", 32 << 20) + b"{" + b" " * (32 << 20))
    assert "a header of" in refusal(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"  <HTML>", "web page"),
        (b"hello, world", "not a checkpoint of a known format"),
        (b"PK\x03\x04", "zip"),
    ],
)
def test_other_files_are_named_for_what_they_are(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "file.pt"
    path.write_bytes(content)
    assert reason in refusal(path)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(tmp_path / "absent.pt")
    assert "not a regular file" in refusal(tmp_path)


def test_file_without_a_network_of_ours_is_refused(tmp_path: Path) -> None:
    torch.save({"conv.weight": torch.zeros(2)}, tmp_path / "other.pt")
    assert "its keys: conv.weight" in refusal(tmp_path / "other.pt")
    save_file({"conv.weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    assert "its keys: conv.weight" in refusal(tmp_path / "other.safetensors")


def test_numpy_zip_is_not_taken_for_a_checkpoint(tmp_path: Path) -> None:
    np.savez(tmp_path / "arrays.npz", a=np.zeros(3))
    assert "torch.save did not write" in refusal(tmp_path / "arrays.npz")


def test_control_characters_of_a_file_do_not_reach_the_terminal(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save({"\x1b[31mred\n": torch.zeros(2)}, buffer)
    path = tmp_path / "escape.pt"
    path.write_bytes(buffer.getvalue())
    assert "?[31mred" in refusal(path)


def test_flipped_bit_in_a_tensor_of_a_zip_is_found(tmp_path: Path) -> None:
    state_dict = alpha_state_dict(repro=True)
    torch.save(state_dict, tmp_path / "flipped.pt")
    data = bytearray((tmp_path / "flipped.pt").read_bytes())
    data[data.index(state_dict["conv1.weight"].numpy().tobytes())] ^= 1
    (tmp_path / "flipped.pt").write_bytes(data)
    with pytest.raises(CheckpointError, match="checksum"):
        read_checkpoint(tmp_path / "flipped.pt")


@pytest.mark.parametrize("legacy", [False, True])
def test_tensor_beyond_its_storage_is_refused(legacy: bool, tmp_path: Path) -> None:
    path = tmp_path / "beyond.pt"
    torch.save({"conv_n.weight": torch.zeros(77)}, path, _use_new_zipfile_serialization=not legacy)
    shape, larger = b"K\x4d\x85", b"K\xfd\x85"  # the tuples (77,) and (253,)
    assert path.read_bytes().count(shape) == 1
    if not legacy:
        with zipfile.ZipFile(path) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in entries.items():
                archive.writestr(name, content.replace(shape, larger))
    else:
        path.write_bytes(path.read_bytes().replace(shape, larger))
    assert "reaches beyond its storage" in refusal(path)


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ({"archive/DATA.PKL": b""}, "two entries of one name"),
        ({"archive/Version": b""}, "two entries of one name"),
        ({"other/version": b""}, "more than one folder"),
    ],
)
def test_zip_names_that_two_readers_take_differently_are_refused(
    others: dict[str, bytes], reason: str, tmp_path: Path
) -> None:
    assert reason in refusal(torch_zip(tmp_path / "names.pt", b"\x80\x02}.", **others))


def test_a_zip_with_data_around_it_is_refused(tmp_path: Path) -> None:
    valid = torch_zip(tmp_path / "valid.pt", b"\x80\x02}.").read_bytes()
    before = tmp_path / "before.pt"
    before.write_bytes(valid + valid)  # Python reads the second, others may read the first
    assert "other data around it" in refusal(before)
    with zipfile.ZipFile(tmp_path / "valid.pt", "a") as archive:
        archive.comment = b"PK\x05\x06"
    refusal(tmp_path / "valid.pt")


FIELD = SHARED / "hostile-2"


@pytest.mark.skipif(not FIELD.exists(), reason="the hostile files are not beside the checkout")
@pytest.mark.parametrize("name", ["legacy_keys_dag40.pt", "ada_shared_bytes.pkl", "lat_stride0.pt"])
def test_files_of_the_field_are_refused_at_once(name: str) -> None:
    start = time.monotonic()
    refusal(FIELD / name)
    assert time.monotonic() - start < 20


@pytest.mark.skipif(not FIELD.exists(), reason="the hostile files are not beside the checkout")
def test_the_mean_latent_of_the_field_is_refused() -> None:
    with pytest.raises(CheckpointError, match="NaN"):
        load_generator(FIELD / "lat_nan.pt")
