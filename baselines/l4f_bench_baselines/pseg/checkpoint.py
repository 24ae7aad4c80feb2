"""PSeg generators as files: the public ``.model``, and ours. Nothing in them is executed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from l4f_bench.files.errors import RefusedError, refusals_named
from l4f_bench.files.safetensors_file import read_tensors
from l4f_bench.files.sniff import sniff
from l4f_bench.files.state_dicts import check_finite, checked_tensors, is_dense, num_bytes
from l4f_bench.files.torch_file import read_torch_file
from l4f_bench.provenance import sha256_of
from l4f_bench.runs import atomic_path
from l4f_bench_baselines.pseg.architecture import resolution_of
from l4f_bench_baselines.pseg.generator import LayeredGenerator

_METADATA_KEY = "l4f_bench_pseg"
_MEAN_LATENT = "mean_latent"
_WANTED = "Give a .model file of perturbed-seg, or a pseg.safetensors of `l4f-bench train`"


@dataclass(frozen=True, kw_only=True, slots=True)
class PSegFile:
    """What a file holds."""

    generator: LayeredGenerator
    """The averaged generator, in eval mode on the CPU."""
    level: int
    """Level that it was trained up to."""
    fade: float
    """How far that level had faded in, in [0, 1]."""
    mean_latent: Tensor
    """Centre of truncation, ``[1, num_codes, code_dim]``."""
    sha256: str

    @property
    def resolution(self) -> int:
        """Side of the images in pixels."""
        return resolution_of(self.level)


def read_pseg(path: Path | str) -> PSegFile:
    """The averaged generator of a file; variant, widths and resolution are the file's.

    Args:
        path: A ``.model`` that the released code saved, or what :func:`write_pseg` wrote.

    Raises:
        CheckpointError: The file is neither, or damaged; or its tensors do not fit together.
    """
    path = Path(path)
    with refusals_named(path):
        kind = sniff(path)
        if kind == "pickle":
            raise RefusedError(f"a pickle, not a PSeg checkpoint. {_WANTED}")
        content = _own(path) if kind == "safetensors" else _public(read_torch_file(path))
        state_dict, mean = content["generator"], content.get(_MEAN_LATENT)
        checked_tensors({"generator": state_dict}, path.stat().st_size)
        generator = LayeredGenerator.from_state_dict(state_dict)
        level, fade = content["level"], content["fade"]
        levels = len(generator.architecture.channels)
        if type(level) is not int or not 0 <= level < levels:
            raise RefusedError(f"level {level!r:.40} of a generator that has {levels}")
        if type(fade) not in (int, float):
            raise RefusedError(f"a fade of {fade!r:.40}, which is not a number")
        return PSegFile(
            generator=generator,
            level=level,
            fade=float(fade) if 0 <= fade < 1 else 1.0,
            mean_latent=generator.mean_latent() if mean is None else _checked(mean, generator),
            sha256=sha256_of(path),
        )


def write_pseg(
    path: Path, generator: LayeredGenerator, *, level: int, fade: float, about: dict[str, Any]
) -> None:
    """Write a generator with what is needed to use it.

    Args:
        path: The safetensors file to write.
        generator: A trained generator.
        level: Level that it was trained up to.
        fade: How far that level has faded in.
        about: How it was made; JSON data.

    Raises:
        InputError: The file cannot be written.
    """
    from safetensors.torch import save_file

    document = json.dumps({"level": level, "fade": fade, **about}, sort_keys=True)
    tensors = {key: value.cpu().contiguous() for key, value in generator.state_dict().items()}
    tensors[_MEAN_LATENT] = generator.mean_latent().cpu()
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={_METADATA_KEY: document})


def _own(path: Path) -> dict[str, Any]:
    tensors, metadata = read_tensors(path)
    if _METADATA_KEY not in metadata:
        raise RefusedError(f"not a PSeg generator. {_WANTED}")
    document = json.loads(metadata[_METADATA_KEY])
    mean = tensors.pop(_MEAN_LATENT, None)
    return {
        "generator": tensors,
        _MEAN_LATENT: mean,
        "level": document["level"],
        "fade": document["fade"],
    }


def _public(content: Any) -> dict[str, Any]:
    state_dict = content.get("generator_running") if isinstance(content, dict) else None
    if not isinstance(state_dict, dict) or "step" not in content:
        raise RefusedError(
            f"not a PSeg checkpoint: generator_running and step are missing. {_WANTED}"
        )
    # Very old files lack alpha.
    return {"generator": state_dict, "level": content["step"], "fade": content.get("alpha", 1.0)}


def _checked(mean: Tensor, generator: LayeredGenerator) -> Tensor:
    sizes = generator.architecture
    shape = (1, sizes.num_codes, sizes.code_dim)
    if not is_dense(mean) or tuple(mean.shape) != shape:
        raise RefusedError(f"a mean latent that is not {list(shape)}")
    num_bytes(mean, "the mean latent")
    check_finite(mean, "the mean latent")
    return mean
