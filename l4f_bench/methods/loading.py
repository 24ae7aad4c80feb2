"""Methods that make images with masks, by name."""

from __future__ import annotations

from pathlib import Path

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import InputError
from l4f_bench.methods.contracts import GenerativeMethod
from l4f_bench.methods.labels4free.loading import alpha_file, generator_file, load_labels4free
from l4f_bench.methods.specs import LOADERS, METHODS
from l4f_bench.registry import installed, installed_names

OURS = "ours"


def load_generative(
    name: str,
    dataset: str,
    *,
    generator: Path | None = None,
    alpha: Path | None = None,
    background: str | None = None,
    device: str | None = None,
) -> tuple[GenerativeMethod, dict[str, str]]:
    """A method that makes images with masks: ours, or what an installed package offers.

    Args:
        name: Key of the method.
        dataset: Key of the data set.
        generator: Its checkpoint; None takes the data set's, embedded or in the cache.
        alpha: Of ours the alpha network; None takes the embedded one.
        background: Of ours how backgrounds are painted; None for the data set's usual way.
        device: Where to compute; None takes a GPU if there is one.

    Returns:
        The method, and the SHA-256 of every file it was read from.

    Raises:
        InputError: The method makes no images with masks, is given what only ours takes, or a
            file cannot be used.
        MissingAssetError: Weights are missing; the message says how to get them.
    """
    spec = DATASETS.get(dataset)
    known = [OURS, *installed_names(LOADERS)]
    if METHODS.get(name).name not in known:
        title = METHODS.get(name).title
        raise InputError(f"{title} makes no samples here. Possible: {', '.join(known)}.")
    if name != OURS:
        if alpha is not None or background is not None:
            raise InputError(f"--alpha and --background belong to --method {OURS}. Leave them out.")
        method, digests = installed(LOADERS, name)(generator, dataset=spec.name, device=device)
        return method, digests
    alpha = alpha or alpha_file(spec.name)
    return load_labels4free(
        generator or generator_file(spec.name),
        alpha,
        background=background or spec.background,
        device=device,
    )
