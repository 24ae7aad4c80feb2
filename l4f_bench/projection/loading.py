"""Projectors from files: an encoder's or a search's, with generator and alpha network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from l4f_bench.cache import cached_weight
from l4f_bench.datasets.specs import DATASETS, spec_of
from l4f_bench.devices import choose_device
from l4f_bench.errors import MissingAssetError
from l4f_bench.generators.checkpoints.loading import load_trained
from l4f_bench.generators.stylegan2 import Generator
from l4f_bench.generators.usual import generator_file
from l4f_bench.methods.labels4free.alpha import AlphaNetwork
from l4f_bench.methods.labels4free.loading import load_alpha_network
from l4f_bench.precision import BF16, FLOAT32, cast_once, computing_in
from l4f_bench.projection.encoder_file import load_encoder
from l4f_bench.projection.frames import Frame
from l4f_bench.projection.losses import open_loss
from l4f_bench.projection.optimisation import OptimisationConfig
from l4f_bench.projection.projectors import EncoderProjector, OptimisationProjector
from l4f_bench.provenance import sha256_of


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectorFiles:
    """The files of a projector; None takes what the data set usually has."""

    dataset: str | None = None
    """Key of the data set; None where every file is given."""
    encoder: Path | None = None
    generator: Path | None = None
    """None also takes the decoder in the encoder's file."""
    alpha: Path | None = None


def open_encoder_projector(
    files: ProjectorFiles, device: str | None = None, precision: str = FLOAT32
) -> tuple[EncoderProjector, dict[str, str]]:
    """An encoder with its generator and, where there is one, the alpha network.

    Networks compute in ``precision``, one of ``PRECISIONS``.

    Returns:
        The projector, and the SHA-256 of the files.

    Raises:
        CheckpointError: A file cannot be read, or holds another network.
        InputError: The networks do not fit each other.
        MissingAssetError: A file is missing; the message says how to get it.
    """
    place = choose_device(device)
    path = files.encoder or _encoder_file(files.dataset)
    encoder = load_encoder(path)
    digests = {"encoder": encoder.sha256}
    if files.generator is None and encoder.decoder is not None:
        generator = encoder.decoder
    else:
        generator = _generator(files, digests)
    encoder.network.to(place).to(memory_format=torch.channels_last)
    if precision == BF16:
        cast_once(encoder.network)
    alpha = _alpha(files, digests)
    projector = EncoderProjector(
        encoder,
        generator.to(place),
        None if alpha is None else alpha.to(place),
        partial(computing_in, precision, place),
    )
    return projector, digests


def open_optimisation_projector(
    files: ProjectorFiles, config: OptimisationConfig, device: str | None = None
) -> tuple[OptimisationProjector, dict[str, str]]:
    """A search with its generator and, where there is one, the alpha network.

    The picture is all of the generator's image but for the bars that a data set's images have.
    Arguments, results and errors as for :func:`open_encoder_projector`.
    """
    place, digests = choose_device(device), dict[str, str]()
    path = files.generator or _generator_file(files)
    loss = open_loss(config.losses, path, place)
    generator = _generator(files, digests).to(place)
    alpha = _alpha(files, digests)
    spec = None if files.dataset is None else spec_of(files.dataset)
    top, size = 0.0 if spec is None else spec.letterbox, generator.architecture.size
    projector = OptimisationProjector(
        generator,
        None if alpha is None else alpha.to(place),
        loss,
        config,
        frame=Frame(height=size - 2 * round(top * size), width=size, top=top),
    )
    return projector, digests


def _encoder_file(dataset: str | None) -> Path:
    """A data set's own encoder: embedded, or published and in the cache."""
    how = (
        "Give one with --encoder FILE: a file of pSp or e4e, or what `l4f-bench train --method "
        "psp` wrote."
    )
    if dataset is None:
        raise MissingAssetError(f"No encoder is given. {how}")
    spec = spec_of(dataset)
    if spec.encoder_weights is None:
        how = how.replace("--encoder", "--encoder (of eval: --weights)")
        raise MissingAssetError(f"No encoder of {spec.title} is embedded or published. {how}")
    return cached_weight(spec.encoder_weights)


def _generator_file(files: ProjectorFiles) -> Path:
    if files.generator is not None:
        return files.generator
    if files.dataset is None or files.dataset not in DATASETS:
        raise MissingAssetError(
            "No generator is given, and the encoder's file holds none. Give one with --generator "
            "FILE."
        )
    return generator_file(files.dataset)


def _generator(files: ProjectorFiles, digests: dict[str, str]) -> Generator:
    found = load_trained(_generator_file(files))
    digests["generator"] = found.sha256
    return found.network


def _alpha(files: ProjectorFiles, digests: dict[str, str]) -> AlphaNetwork | None:
    """The alpha network that is given, or the data set's own where one is embedded."""
    path = files.alpha
    if path is None and files.dataset is not None:
        name = spec_of(files.dataset).alpha_weights
        path = None if name is None else cached_weight(name)
    if path is None:
        return None
    digests["alpha"] = sha256_of(path)
    return load_alpha_network(path)
