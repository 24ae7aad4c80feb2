"""Thousands of damaged files of every readable kind: each is read, or refused in one line.

Checkpoints of every format, statistics, and the files of a run folder are damaged in ways that
depend on the number of the attempt alone. Where a file is read after all, what it leads to is used
too: networks are built, and a folder of samples that is resumed must end as it was. Prints JSON,
and fails at the first file that does anything else:

    python benchmarks/mutations.py --count 10000 --golden ../shared/golden
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from l4f_bench.errors import BenchError
from l4f_bench.evaluation.distance.statistics_files import (
    SetStatistics,
    read_statistics,
    write_statistics,
)
from l4f_bench.evaluation.sample_folder import METADATA, SampleConfig, identity_of, sample_folder
from l4f_bench.generators.architecture import DiscriminatorArchitecture, GeneratorArchitecture
from l4f_bench.generators.checkpoints import load_discriminator, load_trained, read_checkpoint
from l4f_bench.generators.checkpoints.convert import convert_checkpoint, inspect_checkpoint
from l4f_bench.generators.checkpoints.description import lines
from l4f_bench.generators.discriminator import Discriminator
from l4f_bench.generators.stylegan2 import BACKGROUND_MODES, Generator
from l4f_bench.methods.labels4free.alpha import alpha_network
from l4f_bench.methods.labels4free.loading import load_alpha_network
from l4f_bench.methods.labels4free.method import Labels4Free
from l4f_bench.metrics.moments import Gaussian
from l4f_bench.runs import CONFIG

PICKLES = {"ada-pickle": "nv_pickle/*.pkl", "tensorflow-pickle": "tf_pickle/network.pkl"}
NASTY = (
    b"\xff" * 8, b"\x00" * 8, b"\x7f\xff\xff\xff", b"\n", b"\x1b[2J", b"\xe2\x80\xa8", b"[" * 3000,
    b'{"a":' * 3000, b"null", b"NaN", b"1e999", b"-1", b'""', b"[]", b"{}", b"9" * 5000,
)  # fmt: skip
NUM_SAMPLES = 3

Attempt = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: a valid one, and what is done with a damaged one in its place."""

    source: Path
    attempt: Attempt


def main() -> None:
    """Damage files of every kind in turn, and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--golden", type=Path, help="Folder with the pickles of the golden cases.")
    args = parser.parse_args()
    counts: dict[str, Counter[str]] = {}
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        kinds = all_kinds(Path(folder), args.golden)
        for number in range(args.count):
            name = list(kinds)[number % len(kinds)]
            started = time.perf_counter()
            result = outcome(kinds[name], Path(folder) / "work", number)
            slowest = max(slowest, time.perf_counter() - started)
            counts.setdefault(name, Counter())[result] += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    total = sum(counts.values(), Counter[str]())
    report = {"files": args.count, **total, "slowest_s": round(slowest, 2), "peak_mib": peak}
    print(json.dumps({**report, "kinds": counts}, indent=2))


def outcome(kind: Kind, folder: Path, number: int) -> str:
    """Damage a file in a folder of its own and try it; anything unforeseen is raised."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / kind.source.name
    path.write_bytes(damaged(kind.source.read_bytes(), random.Random(number)))
    try:
        kind.attempt(path)
    except BenchError as error:
        message = str(error)
        if not message.isprintable():
            raise SystemExit(f"attempt {number}: not one printable line: {message!r}") from error
        return "refused"
    except BaseException as error:
        raise SystemExit(
            f"attempt {number}, {path.name}: {type(error).__name__}: {error}"
        ) from error
    return "read"


def damaged(data: bytes, rng: random.Random) -> bytes:
    """``data`` with some of its bytes changed, removed, moved or put in."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        edge = min(4000, len(changed) // 2)  # structure sits at the two ends, tensors in between
        at = rng.choice((rng.randrange(edge + 1), len(changed) - rng.randrange(edge + 1)))
        at = rng.choice((at, rng.randrange(len(changed) + 1)))
        end = at + rng.choice((1, 8, 100, len(changed)))
        way = rng.randrange(6)
        if way == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif way == 1:
            del changed[at:end]
        elif way == 2:
            changed[at:at] = rng.choice((rng.choice(NASTY), rng.randbytes(rng.randrange(1, 17))))
        elif way == 3:
            changed[at : at + 8] = rng.choice(NASTY)
        elif way == 4:
            changed[at:at] = changed[at:end][:10_000]
        else:
            changed[at:end] = reversed(changed[at:end])
    return bytes(changed)


def all_kinds(folder: Path, golden: Path | None) -> dict[str, Kind]:
    """Valid files of every kind, written to ``folder``; pickles only where they are at hand."""
    kinds = {name: Kind(path, use_checkpoint) for name, path in checkpoints(folder).items()}
    for name, pattern in PICKLES.items() if golden else ():
        kinds[name] = Kind(next(iter(sorted(golden.glob(pattern)))), use_checkpoint)
    rng = np.random.default_rng(0)
    gaussian = Gaussian(rng.normal(size=16), np.cov(rng.normal(size=(50, 16)), rowvar=False))
    statistics = SetStatistics(gaussian=gaussian, count=50, divisor="n-1", features="inception")
    for name in ("statistics", "statistics-packed"):
        write_statistics(folder / f"{name}.npz", statistics)
        kinds[name] = Kind(folder / f"{name}.npz", use_statistics)
    with np.load(folder / "statistics.npz") as arrays:
        np.savez_compressed(folder / "statistics-packed.npz", **dict(arrays))
    resume = Resume(folder / "samples")
    for name in (CONFIG, METADATA):
        kinds[f"samples/{name}"] = Kind(folder / "samples" / name, resume)
    return kinds


def checkpoints(folder: Path) -> dict[str, Path]:
    """A small checkpoint of every format that can be written here."""
    torch.manual_seed(0)
    channels = (8, 6, 5, 4)
    generator = Generator(
        GeneratorArchitecture(size=32, channels=channels, mapping_widths=(8, 8, 8))
    )
    discriminator = Discriminator(DiscriminatorArchitecture(size=32, channels=channels))
    alpha = alpha_network("bg_extractor_repro", (6, 5, 4)).state_dict()
    trained = {"g_ema": generator.state_dict(), "latent_avg": generator.mean_latent(64)[0]}
    trained["d"] = discriminator.state_dict()
    ours = {"g": generator.state_dict(), "bg_extractor_ema": alpha}
    ours["args"] = argparse.Namespace(size=32, path="somewhere")
    files: dict[str, Path] = {}
    named = {"rosinality": trained, "labels4free": ours, "bare": alpha, "legacy": ours}
    for name, content in named.items():
        files[name] = folder / f"{name}.pt"
        torch.save(content, files[name], _use_new_zipfile_serialization=name != "legacy")
    files["safetensors"] = folder / "own.safetensors"
    convert_checkpoint(files["rosinality"], files["safetensors"])
    return files


def use_checkpoint(path: Path) -> None:
    """Look at a checkpoint, read it, and build what it holds."""
    if not all(line.isprintable() for line in lines(inspect_checkpoint(path))):
        raise AssertionError("control characters on the terminal")
    networks = read_checkpoint(path).networks
    if {"g", "g_ema"} & set(networks):
        load_trained(path)
    if "d" in networks:
        load_discriminator(path)
    if "alpha" in networks:
        load_alpha_network(path)


def use_statistics(path: Path) -> None:
    """Read statistics, which must be numbers."""
    gaussian = read_statistics(path).gaussian
    if not (np.isfinite(gaussian.mean).all() and np.isfinite(gaussian.covariance).all()):
        raise AssertionError("statistics that are not finite")


class Resume:
    """A folder of samples, one file of which was damaged: resumed, it must end as it was."""

    def __init__(self, whole: Path) -> None:
        self._whole = whole
        torch.manual_seed(0)
        architecture = GeneratorArchitecture(
            size=32, channels=(8, 6, 5, 4), mapping_widths=(8, 8, 8)
        )
        generator = Generator(architecture).eval()
        self._method = Labels4Free(
            generator,
            alpha_network("bg_extractor", (5, 4)).eval(),
            mean_latent=generator.mean_latent(64),
            background=BACKGROUND_MODES["first-conv"],
        )
        self._fill(whole, resume=False)

    def __call__(self, path: Path) -> None:
        """Resume a copy of the folder with the damaged file in it, and compare."""
        folder = path.parent / "copy"
        shutil.copytree(self._whole, folder)
        shutil.copy(path, folder)
        self._fill(folder, resume=True)
        shutil.copy(self._whole / CONFIG, folder)  # what is noted beside the identity may differ
        if contents(folder) != contents(self._whole):
            raise AssertionError("the resumed folder is another")

    def _fill(self, folder: Path, *, resume: bool) -> None:
        config = SampleConfig(dataset="shapes", method="ours", num_images=NUM_SAMPLES)
        sample_folder(
            self._method,
            folder,
            config,
            identity_of(config, {}),
            resume=resume,
            batch_size=NUM_SAMPLES,
            progress=lambda total: lambda steps: None,
        )


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


if __name__ == "__main__":
    main()
