"""Students from the files that ``l4f-bench train`` wrote."""

from __future__ import annotations

from pathlib import Path

from l4f_bench.annotators.parser_file import load_parser
from l4f_bench.cache import cached_weight
from l4f_bench.datasets.specs import spec_of
from l4f_bench.devices import choose_device
from l4f_bench.errors import MissingAssetError
from l4f_bench.methods.annotating import AnnotatingMethod
from l4f_bench.provenance import sha256_of


def load_bisenet(
    path: Path | None, *, dataset: str, device: str | None = None
) -> tuple[AnnotatingMethod, dict[str, str]]:
    """A BiSeNet that learned from samples of ours (the paper's Table 4).

    Args:
        path: Its checkpoint; None takes the embedded one.
        dataset: Key of the data set.
        device: Where to compute; None takes a GPU if there is one.

    Returns:
        The method, and the SHA-256 of its file.

    Raises:
        CheckpointError: The file cannot be read.
        MissingAssetError: No file is given and none is embedded.
    """
    if path is None:
        spec = spec_of(dataset)
        if spec.student_weights is None:
            raise MissingAssetError(
                f"No student of {spec.title} is embedded. Give one with --weights FILE."
            )
        path = cached_weight(spec.student_weights)
    parser = load_parser(path, choose_device(device))
    return AnnotatingMethod(parser), {"student": sha256_of(path)}
