"""Memory and time stay in proportion to the file, whatever it refers to over and over."""

from __future__ import annotations

import pickle
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from l4f_bench.files.errors import RefusedError
from l4f_bench.files.pickled_values import MAPPING_NAMES, NUMPY_NAMES, as_array
from l4f_bench.files.restricted_pickle import read_pickle
from l4f_bench.generators.checkpoints import (
    tensorflow_pickle,
)
from tests.generators.checkpoints.files import (
    TENSORFLOW_PICKLE,
    alpha_state_dict,
    rosinality_converted,
)
from tests.generators.checkpoints.hostile_files import (
    doubled,
    legacy,
    refusal,
    shared_bytes,
    storage,
    text,
    torch_zip,
)
from tests.goldens import ROOT


def called(name: bytes, *, state: bool = False) -> bytes:
    """A setting made by a call of a name, or given a state, of what holds itself."""
    value = b")R" + doubled() + b"b" if state else doubled() + b"\x85R"
    return b"\x80\x02}" + text("a") + b"c" + name + b"\n" + value + b"s."


SHARING = {
    "settings": b"\x80\x02}(" + text("g_ema") + b"}" + text("args") + doubled() + b"u.",
    "a tensor": b"\x80\x02}" + text("g_ema") + b"}" + text("a") + doubled() + b"ss.",
    "a mean latent": b"\x80\x02}(" + text("g_ema") + b"}" + text("latent_avg") + doubled() + b"u.",
    "arguments of a device": called(b"torch\ndevice"),
    "arguments of a shape": called(b"torch\nSize"),
    "arguments of a namespace": called(b"argparse\nNamespace"),
    "arguments of a parameter": called(b"torch._utils\n_rebuild_parameter"),
    "the state of a namespace": called(b"argparse\nNamespace", state=True),
    "the state of a dict": called(b"collections\nOrderedDict", state=True),
}


@pytest.mark.parametrize("what", sorted(SHARING))
def test_what_holds_itself_many_times_over_is_refused_at_once(what: str, tmp_path: Path) -> None:
    start = time.monotonic()
    refusal(torch_zip(tmp_path / "zip.pt", SHARING[what]))
    (tmp_path / "legacy.pt").write_bytes(legacy(SHARING[what], pickle.dumps([], 2)))
    refusal(tmp_path / "legacy.pt")
    (tmp_path / "keys.pt").write_bytes(legacy(b"\x80\x02}.", b"\x80\x02]" + doubled() + b"a."))
    refusal(tmp_path / "keys.pt")
    assert time.monotonic() - start < 20


COPYING = {
    "a tuple as shapes": (
        b"(" + b"K\x01" * 100_000 + b"tq\x010", b"ctorch\nSize\nq\x02", b"h\x02h\x01\x85R"
    ),
    "a dict as states": (
        b"}q\x01(" + b"".join(text(f"{i}") + b"N" for i in range(50_000)) + b"u0",
        b"cargparse\nNamespace\nq\x02",
        b"h\x02)Rh\x01b",
    ),
    "a text as bytes": (
        text("x" * 1_000_000) + b"q\x010" + text("latin1") + b"q\x030",
        b"c_codecs\nencode\nq\x02",
        b"h\x02h\x01h\x03\x86R",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(COPYING))
def test_one_value_is_not_copied_for_every_call(what: str, tmp_path: Path) -> None:
    value, name, call = COPYING[what]
    data = b"\x80\x02" + value + name + b"0}" + text("a") + b"](" + call * 50_000 + b"es."
    message = refusal(torch_zip(tmp_path / "calls.pt", data))
    assert "over and over" in message or "impossible shape" in message


def test_settings_together_are_bounded(tmp_path: Path) -> None:
    shared = list(range(9000))
    torch.save({"g_ema": {"a": torch.zeros(1)}, **{f"s{i}": shared for i in range(500)}},
               tmp_path / "settings.pt")  # fmt: skip
    assert "nested without end" in refusal(tmp_path / "settings.pt")


def test_a_storage_of_two_lengths_is_refused_before_the_longer_is_made(tmp_path: Path) -> None:
    content = b"\x80\x02}(" + text("a") + storage(1 << 33) + text("b") + storage(1) + b"u."
    path = tmp_path / "lengths.pt"
    path.write_bytes(legacy(content, pickle.dumps(["0"], 2), struct.pack("<q", 1) + bytes(4)))
    assert "two lengths" in refusal(path)


def test_a_storage_that_is_listed_twice_is_refused(tmp_path: Path) -> None:
    content = b"\x80\x02}" + text("a") + storage(1) + b"s."
    stored = struct.pack("<q", 1) + bytes(4)
    path = tmp_path / "twice.pt"
    path.write_bytes(legacy(content, pickle.dumps(["0", "0"], 2), 2 * stored))
    assert "not all listed" in refusal(path)


def test_one_tensor_under_many_names_is_refused(tmp_path: Path) -> None:
    tensor = torch.ones(100_000)
    many = {f"x{i}": tensor for i in range(1000)}
    torch.save({**alpha_state_dict(repro=True), **many}, tmp_path / "names.pt")
    assert "claim" in refusal(tmp_path / "names.pt")


def test_one_array_under_many_names_is_refused_before_it_is_copied(tmp_path: Path) -> None:
    names = tensorflow_pickle.NAMES | NUMPY_NAMES | MAPPING_NAMES
    networks, _ = read_pickle(memoryview(TENSORFLOW_PICKLE.read_bytes()), names)
    synthesis = networks[0].state["components"]["synthesis"].state
    name, shared = max(synthesis["variables"], key=lambda pair: as_array(pair[1]).nbytes)
    needed = sum(as_array(value).nbytes for _, value in synthesis["variables"])
    synthesis["variables"] += [(f"{name}{i}", shared) for i in range(1000)]
    with pytest.raises(RefusedError, match="claim more than"):
        tensorflow_pickle.read_tensorflow(networks, needed, meta=False)


_WITHIN_LITTLE_MEMORY = """
import resource, sys
from l4f_bench.generators.checkpoints import CheckpointError, load_generator
import l4f_bench.files.torch_file, safetensors, torch
load_generator(sys.argv[1])  # so that everything is imported
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (256 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for path in sys.argv[2:]:
    try:
        load_generator(path)
    except CheckpointError as error:
        assert "memory" not in str(error) and "llocat" not in str(error), error
    else:
        sys.exit(f"{path} was accepted")
"""


def test_files_that_ask_for_more_than_they_hold_take_little_memory(tmp_path: Path) -> None:
    (tmp_path / "bytes.pkl").write_bytes(shared_bytes(2000))
    valid = rosinality_converted()
    torch.save(valid, tmp_path / "valid.pt")
    stretched = {**valid, "latent_avg": torch.zeros(1).expand(1 << 36)}
    torch.save(stretched, tmp_path / "stretched.pt")
    wide = dict(valid["g_ema"])
    for key in wide:
        if key.startswith("convs.") and key.endswith("conv.weight"):
            wide[key] = torch.zeros(1, 1, 100_000, 1, 1)
    torch.save({"g_ema": wide}, tmp_path / "wide.pt")
    hollow = {**valid["g_ema"], "input.input": torch.zeros(1, 1 << 30, 0, 1)}
    torch.save({"g_ema": hollow}, tmp_path / "hollow.pt")
    names = ("valid.pt", "bytes.pkl", "stretched.pt", "wide.pt", "hollow.pt")
    done = subprocess.run(
        [sys.executable, "-c", _WITHIN_LITTLE_MEMORY, *(str(tmp_path / name) for name in names)],
        capture_output=True, text=True, timeout=120, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_modules_that_share_their_entries_are_refused_in_seconds(tmp_path: Path) -> None:
    entries = b"}q\x01(" + b"".join(text(f"n{i}") + b"N" for i in range(90_000)) + b"u0"
    name = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\nq\x020"

    def module(children: bytes) -> bytes:
        groups = text("_parameters") + b"h\x01" + text("_modules") + b"}(" + children + b"u"
        kind = text("type") + text("class")
        return b"h\x02}(" + kind + text("state") + b"}(" + groups + b"uu\x85R"

    modules = module(b"") + b"q\x100"
    for level in range(0x11, 0x19):
        below = b"h" + bytes([level - 1])
        children = b"".join(text(f"m{i}") + below for i in range(3))
        modules += module(children) + b"q" + bytes([level]) + b"0"
    path = tmp_path / "entries.pkl"
    path.write_bytes(b"\x80\x04" + entries + name + modules + b"}" + text("G_ema") + b"h\x18s.")
    start = time.monotonic()
    assert "nested without end" in refusal(path)
    assert time.monotonic() - start < 20
