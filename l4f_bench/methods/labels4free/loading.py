"""Labels4Free from checkpoint files."""

from __future__ import annotations

from pathlib import Path

from l4f_bench.cache import cached_weight
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.devices import choose_device
from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.files.errors import refusals_named
from l4f_bench.generators.checkpoints.loading import load_trained
from l4f_bench.generators.checkpoints.selection import SelectedNetwork, select_network
from l4f_bench.generators.stylegan2 import BACKGROUND_MODES, BackgroundMode
from l4f_bench.generators.usual import generator_file
from l4f_bench.methods.labels4free.alpha import AlphaNetwork
from l4f_bench.methods.labels4free.method import Labels4Free
from l4f_bench.registry import unknown_name


def alpha_file(dataset: str) -> Path:
    """A data set's own alpha network, if it is embedded.

    Raises:
        MissingAssetError: It is not; the message says what to do.
    """
    spec = DATASETS.get(dataset)
    if spec.alpha_weights is None:
        raise MissingAssetError(
            f"Give the alpha network of {spec.title} with --alpha FILE; "
            "`l4f-bench fetch --list` says where the published ones are."
        )
    return cached_weight(spec.alpha_weights)


def load(
    path: Path | None,
    *,
    dataset: str,
    device: str | None = None,
    alpha: Path | None = None,
    background: str | None = None,
) -> tuple[Labels4Free, dict[str, str]]:
    """Ours for a data set, ready to sample.

    Args:
        path: The generator's checkpoint; None takes the data set's, embedded or in the cache.
        dataset: Key of the data set.
        device: Where to compute; None takes a GPU if there is one.
        alpha: Checkpoint of the alpha network; None takes the embedded one.
        background: How backgrounds are painted; None for the data set's usual way.

    Returns:
        The method, and the SHA-256 of both files.

    Raises:
        CheckpointError: A file cannot be read or lacks the network.
        InputError: A name is unknown, or the two networks do not fit each other.
        MissingAssetError: Weights are missing; the message says how to get them.
    """
    alpha = alpha or alpha_file(dataset)
    return load_labels4free(
        path or generator_file(dataset),
        alpha,
        background=background or DATASETS.get(dataset).background,
        device=device,
    )


def load_labels4free(
    generator_path: Path, alpha_path: Path, *, background: str, device: str | None = None
) -> tuple[Labels4Free, dict[str, str]]:
    """Load a generator and its alpha network, ready to sample.

    Args:
        generator_path: Checkpoint of any readable format; its averaged generator is used where
            there is one.
        alpha_path: Checkpoint of Labels4Free, or a converted one.
        background: ``first-conv`` or ``constant``.
        device: Where to compute; None takes a GPU if there is one.

    Returns:
        The method, and the SHA-256 of both files.

    Raises:
        CheckpointError: A file cannot be read or lacks the network.
        InputError: A name is unknown, or the two networks do not fit each other.
    """
    mode = background_mode(background)
    place = choose_device(device)
    generator = load_trained(generator_path)
    selected_alpha = select_network(alpha_path, "alpha")
    method = Labels4Free(
        generator.network.to(place),
        _alpha_network(selected_alpha, alpha_path).to(place),
        mean_latent=generator.mean_latent,
        background=mode,
    )
    return method, {"generator": generator.sha256, "alpha": selected_alpha.source_sha256}


def load_alpha_network(path: Path | str, which: str = "alpha") -> AlphaNetwork:
    """An alpha network of the file's layout and sizes with its weights, in eval mode.

    Args:
        path: A checkpoint of any supported format.
        which: ``alpha`` for the published choice (``bg_extractor_ema``), ``alpha_train`` for
            ``bg_extractor`` of a file that holds both.

    Raises:
        CheckpointError: The file cannot be read or has no such network, or its tensors do not
            fit; then every missing, unexpected and misshapen key is listed, with both shapes.
    """
    return _alpha_network(select_network(path, which), Path(path))


def _alpha_network(selected: SelectedNetwork, path: Path) -> AlphaNetwork:
    with refusals_named(path):
        return AlphaNetwork.from_state_dict(selected.state_dict)


def background_mode(name: str) -> BackgroundMode:
    """The whole-layer background mode of a name.

    Raises:
        InputError: There is no such mode.
    """
    if name not in BACKGROUND_MODES:
        raise InputError(unknown_name("background mode", name, list(BACKGROUND_MODES)))
    return BACKGROUND_MODES[name]
