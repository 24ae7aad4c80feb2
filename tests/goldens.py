"""Golden cases: recorded outputs of the public implementations for weights filled by a rule.

A case is looked for in ``tests/golden`` (small ones, ours) and then in ``../shared/golden``
(all of them, present where the project is developed). A test that needs an absent one skips.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
FOLDERS = (ROOT / "tests" / "golden", SHARED / "golden")


@dataclass(frozen=True)
class GoldenCase:
    """One folder: its description, inputs, expected outputs and weights."""

    folder: Path
    meta: dict[str, Any]
    arrays: dict[str, np.ndarray]

    def tensor(self, name: str) -> torch.Tensor:
        return torch.from_numpy(np.asarray(self.arrays[name]))

    def state_dict(
        self, manifest: str = "manifest.json", parts: tuple[str, ...] = ("",)
    ) -> dict[str, torch.Tensor]:
        """Weights made by the fill rule from the key names of a manifest that have such parts."""
        entries = _read_json(self.folder / manifest)
        return {
            key: torch.from_numpy(np.asarray(_value(key, entry)))
            for key, entry in entries.items()
            if any(part in key for part in parts)
        }

    def check(self, name: str, full: torch.Tensor) -> None:
        """Compare the full output with the recorded (maybe strided) one within its tolerance."""
        expected, description = self.arrays[name], self.meta["outputs"][name]
        actual = full.detach().numpy()
        if "slice" in description:
            actual = actual[_parse_slice(description["slice"])]
        assert actual.shape == expected.shape, f"{name}: {actual.shape} != {expected.shape}"
        worst = float(np.abs(actual.astype(np.float64) - expected).max())
        assert worst <= description["atol"], f"{name}: {worst:.3g} > {description['atol']}"


def golden_case(name: str) -> GoldenCase:
    """Load a case, or skip the test where it is not at hand."""
    for folder in FOLDERS:
        if (folder / name / "meta.json").exists():
            with np.load(folder / name / "case.npz") as arrays:
                return GoldenCase(
                    folder / name, _read_json(folder / name / "meta.json"), dict(arrays)
                )
    pytest.skip(f"golden case {name} is not at hand (see tests/golden/README.md)")


def filled(key: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Standard normal numbers by the fill rule, where a case names a key for its inputs."""
    entry = {"shape": shape, "mean": 0.0, "std": 1.0, "abs": False}
    return torch.from_numpy(np.asarray(_value(key, entry)))


def _read_json(path: Path) -> Any:
    if not path.exists():
        return json.loads(gzip.decompress(path.with_name(path.name + ".gz").read_bytes()))
    return json.loads(path.read_text(encoding="utf-8"))


def _value(key: str, entry: dict[str, Any]) -> np.ndarray:
    shape = tuple(entry["shape"])
    if "const" in entry:
        constant = np.asarray(entry["const"], dtype=entry["dtype"])
        return np.broadcast_to(constant, shape).copy()
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "little")
    normal = np.asarray(np.random.RandomState(seed).standard_normal(shape)).astype(np.float32)
    value = np.float32(entry["mean"]) + np.float32(entry["std"]) * normal
    return np.abs(value) if entry["abs"] else value


def _parse_slice(text: str) -> tuple[Any, ...]:
    """Turn "[:, ::8, 1:3]" into slices."""
    parts = text.strip("[]").split(",")
    return tuple(
        ...
        if part.strip() == "..."
        else slice(*(int(n) if n.strip() else None for n in part.split(":")))
        for part in parts
    )
