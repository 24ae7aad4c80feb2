"""Students from the files that ``l4f-bench train`` wrote."""

from __future__ import annotations

from pathlib import Path

from l4f_bench.annotators.bisenet import BiSeNet
from l4f_bench.annotators.contracts import ParsingNetwork
from l4f_bench.annotators.parser_file import load_parser
from l4f_bench.annotators.unet import UNet
from l4f_bench.cache import cached_weight
from l4f_bench.datasets.specs import spec_of
from l4f_bench.devices import choose_device
from l4f_bench.errors import MissingAssetError
from l4f_bench.methods.annotating import AnnotatingMethod
from l4f_bench.provenance import sha256_of

_Loaded = tuple[AnnotatingMethod, dict[str, str]]


def load_bisenet(path: Path | None, *, dataset: str, device: str | None = None) -> _Loaded:
    """A BiSeNet that learned from samples of ours (the paper's Table 4).

    Args:
        path: Its checkpoint; None takes the embedded one.
        dataset: Key of the data set.
        device: Where to compute; None takes a GPU if there is one.

    Returns:
        The method, and the SHA-256 of its file.

    Raises:
        CheckpointError: The file cannot be read, or holds another network.
        MissingAssetError: No file is given and none is embedded.
    """
    file = path or _embedded("ours-bisenet", dataset, "student")
    return _load(file, BiSeNet, device)


def load_unet(path: Path | None, *, dataset: str, device: str | None = None) -> _Loaded:
    """A U-Net that learned from samples of ours; all else as for :func:`load_bisenet`."""
    file = path or _embedded("ours-unet", dataset, "U-Net student")
    return _load(file, UNet, device)


def _embedded(method: str, dataset: str, what: str) -> Path:
    spec = spec_of(dataset)
    if method not in spec.student_weights:
        raise MissingAssetError(
            f"No {what} of {spec.title} is embedded. Give one with --weights FILE."
        )
    return cached_weight(spec.student_weights[method])


def _load(path: Path, network: type[ParsingNetwork], device: str | None) -> _Loaded:
    parser = load_parser(path, choose_device(device), network=network)
    return AnnotatingMethod(parser), {"student": sha256_of(path)}
