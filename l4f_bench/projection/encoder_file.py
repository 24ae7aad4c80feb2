"""Encoders as files: those of pSp and e4e, and ours in safetensors; nothing in them is run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from l4f_bench.files.errors import RefusedError, refusals_named
from l4f_bench.files.pickled_values import plain
from l4f_bench.files.safetensors_file import read_tensors, write_tensors
from l4f_bench.files.sniff import sniff
from l4f_bench.files.state_dicts import StateDict, checked_tensors, without_prefix
from l4f_bench.files.torch_file import read_torch_file
from l4f_bench.generators.stylegan2 import Generator
from l4f_bench.json_data import parse_json
from l4f_bench.projection.encoders import ENCODERS, Encoder
from l4f_bench.projection.frames import Frame, cars, square
from l4f_bench.provenance import sha256_of
from l4f_bench.runs import atomic_path

_METADATA_KEY = "l4f_bench_encoder"
_CAR_ROWS = 16
_NUMPY_MAGIC = b"\x93NUMPY"
_STYLEGAN1_KEYS = ("g_mapping.", "g_synthesis.", "generator.progression.", "progression.")
_STYLEGAN1 = "it holds StyleGAN-1, and these encoders are for StyleGAN2; give another file"
_W_ONLY = ("BackboneEncoderUsingLastLayerIntoW", "WEncoder")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedEncoder:
    """An encoder with what it takes to use it."""

    network: Encoder
    """On the CPU, in eval mode."""
    latent_average: Tensor | None
    """What is added to its codes, float32 ``[1 or num_styles, latent_width]``; None for nothing."""
    frame: Frame
    """What it sees, and where that is in the generator's images."""
    num_rows: int
    """Rows of the codes that count; those after them are cut off."""
    decoder: Generator | None = None
    """The generator of the same file, if it holds one."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings found in the file; JSON data."""
    sha256: str = ""
    """Digest of the file."""


@dataclass(frozen=True, slots=True)
class _Content:
    """What a file holds, before networks are made of it."""

    encoder: StateDict
    decoder: StateDict
    average: Any
    options: dict[str, Any]


def load_encoder(path: Path | str) -> TrainedEncoder:
    """An encoder of the file's kind and sizes with its weights.

    Args:
        path: A ``.pt`` file of pSp or e4e (``state_dict``, ``opts``, ``latent_avg``), or what
            :func:`write_encoder` wrote.

    Raises:
        CheckpointError: The file cannot be read, holds another network (one that gives W only,
            StyleGAN-1), or its tensors do not fit; the message is one line.
    """
    path = Path(path)
    with refusals_named(path):
        content = _read(path)
        tensors = {"the encoder": content.encoder, "the decoder": content.decoder}
        checked_tensors({name: held for name, held in tensors.items() if held}, path.stat().st_size)
        _check_floats(content.encoder)
        network = _kind(content).from_state_dict(content.encoder)
        frame = _frame(content.options, network)
        num_styles = network.architecture.num_styles
        decoder = Generator.from_state_dict(content.decoder) if content.decoder else None
        encoder = TrainedEncoder(
            network=network,
            latent_average=_average(content, network),
            frame=frame,
            num_rows=min(num_styles, _CAR_ROWS) if frame.top else num_styles,
            decoder=decoder,
            options=content.options,
            sha256=sha256_of(path),
        )
        _check_size(encoder)
        return encoder


def write_encoder(
    path: Path,
    network: Encoder,
    *,
    latent_average: Tensor | None,
    frame: Frame,
    about: Mapping[str, Any],
) -> None:
    """Write an encoder with what is needed to use it.

    Args:
        path: The safetensors file to write.
        network: A trained encoder.
        latent_average: What is added to its codes, ``[1 or num_styles, latent_width]``.
        frame: What it sees.
        about: How it was made; JSON data.

    Raises:
        InputError: The file cannot be written.
    """
    document = {
        **about,
        "encoder_type": type(network).__name__,
        "frame": asdict(frame),
        "start_from_latent_avg": latent_average is not None,
    }
    tensors = {f"encoder.{key}": value.cpu() for key, value in network.state_dict().items()}
    if latent_average is not None:
        tensors["latent_avg"] = latent_average.detach().float().cpu()
    with atomic_path(path) as temporary:
        write_tensors(temporary, tensors, {_METADATA_KEY: json.dumps(document, sort_keys=True)})


def _read(path: Path) -> _Content:
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(_NUMPY_MAGIC)) == _NUMPY_MAGIC:
                raise RefusedError(
                    "a NumPy array, such as a direction of StyleGAN-1, where an encoder is due"
                )
    kind = sniff(path)
    if kind == "pickle":
        raise RefusedError("a pickle of a generator or of StyleGAN-1, where an encoder is due")
    if kind == "safetensors":
        tensors, metadata = read_tensors(path)
        return _content(tensors, tensors.get("latent_avg"), _document(metadata))
    content = read_torch_file(path)
    if not isinstance(content, dict) or not isinstance(content.get("state_dict"), dict):
        keys = [str(key) for key in content] if isinstance(content, dict) else []
        if any(key.startswith(_STYLEGAN1_KEYS) for key in keys):
            raise RefusedError(_STYLEGAN1)
        raise RefusedError("not a file of pSp or e4e, which hold state_dict and opts")
    options = plain(content.get("opts", {}))
    if not isinstance(options, dict):
        raise RefusedError("its opts are neither a dict nor a Namespace")
    return _content(content["state_dict"], content.get("latent_avg"), options)


def _content(tensors: Mapping[Any, Any], average: Any, options: dict[str, Any]) -> _Content:
    if not all(isinstance(key, str) for key in tensors):
        raise RefusedError("its state_dict has keys that are no text")
    tensors = without_prefix(tensors)
    parts: dict[str, StateDict] = {"encoder": {}, "decoder": {}}
    for key, value in tensors.items():
        part, _, rest = key.partition(".")
        if part in parts:
            parts[part][rest] = value
    if any(key.startswith(_STYLEGAN1_KEYS) for key in (*tensors, *parts["decoder"])):
        raise RefusedError(_STYLEGAN1)
    if not parts["encoder"]:
        first = ", ".join(key[:60] for key in list(tensors)[:3])
        raise RefusedError(f"no encoder is in it; its keys: {first} ...")
    return _Content(parts["encoder"], parts["decoder"], average, options)


def _document(metadata: Mapping[str, str]) -> dict[str, Any]:
    if _METADATA_KEY not in metadata:
        raise RefusedError(
            "its header does not say which of the encoders it is; give the file of pSp or e4e "
            "itself, or what `l4f-bench train --method psp` wrote"
        )
    try:
        document = parse_json(metadata[_METADATA_KEY])
    except ValueError as error:
        raise RefusedError(f"its description is damaged ({error})") from None
    if not isinstance(document, dict):
        raise RefusedError("its description is damaged")
    return document


def _kind(content: _Content) -> type[Encoder]:
    """Which of the encoders it is, by its options: the tensors are the same."""
    name = content.options.get("encoder_type", "GradualStyleEncoder")
    has_heads = any(key.startswith("styles.") for key in content.encoder)
    if content.options.get("learn_in_w") is True or name in _W_ONLY or not has_heads:
        raise RefusedError(
            f"it gives one latent for all rows (W only, {str(name)[:60]}), where W+ is needed; "
            "give an encoder for W+"
        )
    if name not in ENCODERS:
        raise RefusedError(f"its encoder is a {str(name)[:60]}; known are {', '.join(ENCODERS)}")
    return ENCODERS[name]


def _frame(options: Mapping[str, Any], network: Encoder) -> Frame:
    """What it sees: noted in files of ours; in the public ones only cars are no squares."""
    found = options.get("frame")
    if isinstance(found, dict) and found.keys() == {"height", "width", "top"}:
        if type(found["top"]) not in (int, float):
            raise RefusedError("its description names no possible frame")
        return Frame(**found)
    side = network.architecture.side
    has_cars = str(options.get("dataset_type", "")).startswith("cars")
    return cars(side) if has_cars else square(side)


def _average(content: _Content, network: Encoder) -> Tensor | None:
    """The latent that is added to codes, with an axis of rows."""
    wanted = content.options.get("start_from_latent_avg", content.average is not None)
    if not wanted:
        return None
    if content.average is None:
        raise RefusedError("its codes start from an average latent, which is missing in it")
    checked_tensors({"the file": {"latent_avg": content.average}}, 1 << 20)
    average: Tensor = content.average
    if average.ndim == 1:
        average = average[None]
    sizes = network.architecture
    shapes = [(rows, sizes.latent_width) for rows in (1, sizes.num_styles)]
    if tuple(average.shape) not in shapes or not average.is_floating_point():
        raise RefusedError(
            f"latent_avg has shape {list(content.average.shape)} where codes are "
            f"[{sizes.num_styles}, {sizes.latent_width}]"
        )
    return average.detach().float().clone()


def _check_floats(tensors: StateDict) -> None:
    for key, value in tensors.items():
        if not value.is_floating_point() and not key.endswith("num_batches_tracked"):
            raise RefusedError(f"{key:.80} does not hold floating-point numbers")


def _check_size(encoder: TrainedEncoder) -> None:
    """Refuse options that name a generator of another size, and images larger than the heads'."""
    sizes, frame = encoder.network.architecture, encoder.frame
    if max(frame.height, frame.width) > sizes.side:
        raise RefusedError(f"its images have {frame.height} x {frame.width} pixels, too many")
    if frame.top or sizes.num_styles % 2:
        return
    for name in ("stylegan_size", "output_size"):
        said = encoder.options.get(name)
        if said is not None and said != sizes.generator_size:
            raise RefusedError(
                f"{name} is {said!r:.20}, but {sizes.num_styles} style heads are for a generator "
                f"of {sizes.generator_size} pixels"
            )
