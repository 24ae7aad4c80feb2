"""Directions of W: what a file of them holds, how it is read and written, and a step along one.

Files of our own are safetensors with the generator's digest. Those of InterFaceGAN (``.npy``),
GANSpace (``.npz``), e4e and rosinality (``.pt``) are read as well; none of them runs code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from l4f_bench.editing.config import Meaning
from l4f_bench.errors import InputError
from l4f_bench.files.errors import RefusedError, refusals_named
from l4f_bench.files.npy import read_array
from l4f_bench.files.npz import read_arrays
from l4f_bench.files.safetensors_file import read_tensors, write_tensors
from l4f_bench.files.state_dicts import checked_tensors
from l4f_bench.files.tensor_files import read_object
from l4f_bench.generators.architecture import GeneratorArchitecture
from l4f_bench.json_data import parse_json
from l4f_bench.provenance import sha256_of
from l4f_bench.runs import atomic_path

FORMAT = "l4f-bench directions"
VERSION = 1

_STYLEGAN1 = re.compile(r"(stylegan|pggan)_\w+_boundary\.npy")
_LARGEST = 1 << 20  # directions times rows in a file


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Directions:
    """Directions of one origin."""

    kind: str
    """``sefa``, ``factorisation``, ``ganspace``, ``boundary``; ``given`` for files of others."""
    vectors: Tensor
    """float32 ``[K, w_dim]``, or ``[K, L, w_dim]`` with a vector for each row of W+."""
    rows: tuple[int, ...] | None = None
    """Rows of W+ that they are meant for; None for all."""
    stdev: Tensor | None = None
    """Standard deviation of samples along each, ``[K]``: the unit of strengths."""
    mean: Tensor | None = None
    """Where coordinates are counted from, ``[w_dim]``."""
    generator: str | None = None
    """SHA-256 of the generator's checkpoint; None where the file does not say."""
    about: Mapping[str, Any] | None = None
    """How they were made; JSON data."""
    sha256: str = ""
    """Digest of the file that they were read from."""

    def check_generator(self, architecture: GeneratorArchitecture, sha256: str, name: str) -> None:
        """Raise unless they are directions of this generator, as far as that can be told.

        Args:
            architecture: The generator's.
            sha256: Digest of its checkpoint.
            name: What messages call the directions.

        Raises:
            InputError: They have another width or number of rows, or another generator's digest.
        """
        width, rows = architecture.w_dim, architecture.num_latents
        shape = list(self.vectors.shape[1:])
        if shape not in ([width], [rows, width]):
            raise InputError(
                f"The directions of {name} have the shape {shape}, but this generator's latents "
                f"are w [{width}] or w+ [{rows}, {width}]. Give directions that were fitted to it."
            )
        if self.generator not in (None, sha256):
            raise InputError(
                f"The directions of {name} were fitted to another generator "
                f"({str(self.generator)[:8]}, this is {sha256[:8]}). Fit some to this one: "
                "l4f-bench edit fit."
            )
        if self.rows is not None and max(self.rows) >= rows:
            raise InputError(
                f"The directions of {name} are for row {max(self.rows)} of w+, but this generator "
                f"has {rows} rows. Give directions that were fitted to it."
            )


def move(
    w_plus: Tensor,
    vector: Tensor,
    strength: float,
    *,
    rows: Sequence[int] | None = None,
    meaning: Meaning = "step",
    stdev: float = 1.0,
    mean: Tensor | None = None,
) -> Tensor:
    """Latents moved along a direction.

    Args:
        w_plus: ``[N, L, w_dim]``.
        vector: The direction, ``[w_dim]``, or one for each row, ``[L, w_dim]``.
        strength: How far, or where to.
        rows: Rows that move; None for all.
        meaning: What ``strength`` is. A target is compared with the first row's coordinate, and
            all rows make the same step.
        stdev: Unit of ``strength``.
        mean: Where a target is counted from, ``[w_dim]``; None for zero.

    Source: steps are SeFa's, InterFaceGAN's in W+ and those of GANSpace's interactive tool;
    targets InterFaceGAN's in W and GANSpace's in encoder4editing.
    """
    per_row = vector.to(w_plus).expand(w_plus.shape[1:])  # [L, w_dim]
    steps = torch.full((len(w_plus),), strength, dtype=w_plus.dtype, device=w_plus.device)
    if meaning == "target":
        start = w_plus[:, 0] if mean is None else w_plus[:, 0] - mean.to(w_plus)
        steps = steps - start @ per_row[0] / stdev
    chosen = list(range(w_plus.shape[1]) if rows is None else rows)
    moved = w_plus.clone()
    moved[:, chosen] += steps[:, None, None] * stdev * per_row[chosen]
    return moved


def read_directions(path: Path) -> Directions:
    """Directions in a file of any readable format. Nothing in it is executed.

    Args:
        path: Our safetensors or any with one tensor; ``.npy`` ``[w_dim]``, ``[K, w_dim]`` or
            ``[K, L, w_dim]``; GANSpace's ``.npz``; ``.pt`` of e4e (a tensor, or ``mean``, ``comp``
            and ``std``) or rosinality (``eigvec``, a direction in each column).

    Raises:
        CheckpointError: It cannot be read, holds something else, or is InterFaceGAN's boundary of
            a StyleGAN-1 or PGGAN by its published name.
    """
    with refusals_named(path):
        if _STYLEGAN1.fullmatch(path.name):
            raise RefusedError(
                "by its name a boundary that InterFaceGAN published for StyleGAN-1 or PGGAN, which "
                "fits no StyleGAN2; fit one with `l4f-bench edit fit --by boundary`"
            )
        tensors, described = _content(path)
        checked_tensors({"the directions": tensors}, path.stat().st_size)
        return replace(_directions(tensors, described), sha256=sha256_of(path))


def write_directions(path: Path, directions: Directions) -> None:
    """Write directions with what is known of them, as safetensors.

    Raises:
        InputError: The file cannot be written.
    """
    tensors = {
        name: value
        for name in ("vectors", "stdev", "mean")
        if (value := getattr(directions, name)) is not None
    }
    document = {
        "format": FORMAT,
        "version": VERSION,
        "kind": directions.kind,
        "rows": directions.rows,
        "generator": directions.generator,
        "about": directions.about,
    }
    with atomic_path(path) as temporary:
        write_tensors(temporary, tensors, {"l4f-bench": json.dumps(document)})


def _content(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors by our names, and what our own files say of them."""
    if path.suffix == ".npy":
        return {"vectors": _tensor(read_array(path))}, {}
    if path.suffix == ".npz":
        arrays = read_arrays(path, ("lat_comp", "lat_mean", "lat_stdev"))
        names = {"lat_comp": "vectors", "lat_mean": "mean", "lat_stdev": "stdev"}
        return {names[name]: _tensor(array) for name, array in arrays.items()}, {}
    if path.suffix == ".safetensors":
        tensors, metadata = read_tensors(path)
        if "l4f-bench" in metadata:
            return dict(tensors), _document(metadata["l4f-bench"])
        return dict(tensors), {}
    content = read_object(path)
    if isinstance(content, Tensor):
        return {"vectors": content}, {}
    if isinstance(content, dict) and "eigvec" in content:
        return {"vectors": content["eigvec"].T.contiguous()}, {"kind": "factorisation"}
    if isinstance(content, dict) and "comp" in content:
        names = {"comp": "vectors", "mean": "mean", "std": "stdev"}
        return {new: content[old] for old, new in names.items() if old in content}, {}
    raise RefusedError("no directions: neither a tensor, nor comp with mean and std, nor eigvec")


def _directions(tensors: dict[str, Tensor], document: dict[str, Any]) -> Directions:
    """Directions of tensors that are checked for everything but their shapes."""
    if len(tensors) == 1 and "vectors" not in tensors:
        tensors = {"vectors": next(iter(tensors.values()))}
    if "vectors" not in tensors or not tensors.keys() <= {"vectors", "mean", "stdev"}:
        raise RefusedError(f"no directions; it holds {', '.join(sorted(tensors))[:200]}")
    floats = {name: value.float() for name, value in tensors.items()}
    vectors = floats["vectors"]
    if vectors.ndim == 1:
        vectors = vectors[None]
    if vectors.ndim == 3 and vectors.shape[1] == 1:  # GANSpace's (k, 1, 512)
        vectors = vectors[:, 0]
    if vectors.ndim not in (2, 3) or vectors[..., 0].numel() > _LARGEST:
        raise RefusedError(f"directions of shape {list(vectors.shape)}")
    stdev, mean = (
        None if (value := floats.get(name)) is None else value.flatten()
        for name in ("stdev", "mean")
    )
    if stdev is not None and (stdev.shape != vectors.shape[:1] or not (stdev > 0).all()):
        raise RefusedError("its standard deviations are not a positive number a direction")
    if mean is not None and mean.shape != vectors.shape[-1:]:
        raise RefusedError(f"a mean of {len(mean)} numbers for directions of {vectors.shape[-1]}")
    kind = "ganspace" if stdev is not None else "given"
    known = {"kind": kind, **document}
    return Directions(vectors=vectors, stdev=stdev, mean=mean, **known)


def _document(text: str) -> dict[str, Any]:
    """What one of our own files says of its directions."""
    content = parse_json(text)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise RefusedError("no directions: it is another file of l4f-bench")
    if content.get("version") != VERSION:
        raise RefusedError(f"directions of version {content.get('version')!r:.40}")
    rows, generator, about = (content.get(name) for name in ("rows", "generator", "about"))
    if rows is not None and not (
        isinstance(rows, list) and rows and all(type(row) is int and row >= 0 for row in rows)
    ):
        raise RefusedError("rows that are no numbers")
    if generator is not None and not isinstance(generator, str):
        raise RefusedError("a generator's digest that is no text")
    return {
        "kind": str(content.get("kind"))[:40],
        "rows": None if rows is None else tuple(rows),
        "generator": generator,
        "about": about if isinstance(about, dict) else None,
    }


def _tensor(array: Any) -> Tensor:
    if array.dtype.kind not in "fiu":
        raise RefusedError(f"it holds {array.dtype!s:.40}, no numbers")
    return torch.from_numpy(array.astype(float))
