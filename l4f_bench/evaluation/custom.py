"""The setting ``custom``: masks of the paper's real images against its hand-drawn ones."""

from __future__ import annotations

import time
from pathlib import Path

from l4f_bench.config import EvalConfig, to_json
from l4f_bench.datasets.custom import CustomSet, find_custom_set
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.evaluation.records import Record, image_entry
from l4f_bench.evaluation.scoring import score_folders
from l4f_bench.methods.specs import METHODS
from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.progress import Progress
from l4f_bench.provenance import provenance, sha256_of_files


def evaluate_custom(config: EvalConfig, progress: Progress) -> Record:
    """Score given or published masks of one category: the paper's Table 3.

    Raises:
        InputError: A file or folder cannot be used.
        MissingAssetError: The data was not given.
    """
    if config.data_dir is None:
        raise MissingAssetError(
            "The custom set is not part of this package. Get it from the paper's project page "
            "(Labels4Free, ICCV 2021) and give its folder with --data DIR."
        )
    started = time.perf_counter()
    folders = find_custom_set(config.data_dir, DATASETS.get(config.dataset))
    preds_dir, label = _predictions(config, folders)
    result = score_folders(
        preds_dir,
        folders.truth_dir,
        PROTOCOLS.get(config.protocol),
        config.count,
        images_dir=folders.images_dir,
        seed=config.seed,
        progress=progress,
    )
    return Record(
        method=config.method,
        label=label,
        dataset=config.dataset,
        setting=config.setting,
        truth="custom",
        truncation=None,
        protocol=config.protocol,
        n=len(result.pairs),
        scores=result.scores,
        images=[
            {"preds": pair.names[0], "target": pair.names[1], **image_entry(counts)}
            for pair, counts in zip(result.pairs, result.counts, strict=True)
        ],
        config=to_json(config),
        provenance=provenance(),
        digests={
            "preds": sha256_of_files(pair.preds for pair in result.pairs),
            "target": sha256_of_files(pair.target for pair in result.pairs),
        },
        warnings=result.warnings,
        seconds=round(time.perf_counter() - started, 3),
    )


def _predictions(config: EvalConfig, folders: CustomSet) -> tuple[Path, str]:
    """The folder of predicted masks, and how a table names them."""
    title = METHODS.get(config.method).title
    if config.masks_dir is not None:
        return config.masks_dir, title.lower() if config.method == "ours" else title
    if config.method != "ours":
        raise InputError(
            f"The custom set holds no masks of {title}. Give a folder of them with --masks DIR."
        )
    return folders.published_dir, "ours (published masks)"
