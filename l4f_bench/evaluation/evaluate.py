"""One method, one data set, one setting, one protocol: one record."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from l4f_bench.config import EvalConfig
from l4f_bench.datasets.custom import CustomSet, find_custom_set
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.evaluation.records import Record
from l4f_bench.evaluation.scoring import FolderScores, score_folders
from l4f_bench.methods.specs import METHODS
from l4f_bench.metrics.counts import COUNT_NAMES
from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.progress import Progress, silent
from l4f_bench.provenance import provenance, sha256_of_files
from l4f_bench.registry import unknown_name

SETTINGS = ("custom",)


def evaluate(
    config: EvalConfig,
    progress: Progress = silent,
) -> Record:
    """Run one evaluation.

    Args:
        config: What to evaluate.
        progress: Given the number of images, returns what to call with each number done.

    Raises:
        InputError: A name is unknown, or a file or folder cannot be used.
        MissingAssetError: The data was not given.
    """
    method, dataset = METHODS.get(config.method), DATASETS.get(config.dataset)
    protocol = PROTOCOLS.get(config.protocol)
    if config.setting not in SETTINGS:
        raise InputError(unknown_name("setting", config.setting, list(SETTINGS)))
    if config.data_dir is None:
        raise MissingAssetError(
            "The custom set is not part of this package. Get it from the paper's project page "
            "(Labels4Free, ICCV 2021) and give its folder with --data DIR."
        )
    started = time.perf_counter()
    folders = find_custom_set(config.data_dir, dataset)
    preds_dir, label = _predictions(config, folders, method.title)
    result = score_folders(
        preds_dir,
        folders.truth_dir,
        protocol,
        config.count,
        images_dir=folders.images_dir,
        seed=config.seed,
        progress=progress,
    )
    return Record(
        method=method.name,
        label=label,
        dataset=dataset.name,
        setting=config.setting,
        truth="custom",
        truncation=None,
        protocol=protocol.name,
        n=len(result.pairs),
        scores=result.scores,
        images=_image_entries(result),
        config=config_json(config),
        provenance=provenance(),
        digests={
            "preds": sha256_of_files(pair.preds for pair in result.pairs),
            "target": sha256_of_files(pair.target for pair in result.pairs),
        },
        warnings=result.warnings,
        seconds=round(time.perf_counter() - started, 3),
    )


def config_json(config: EvalConfig) -> dict[str, Any]:
    """The configuration as JSON; paths are kept as they were given."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(config), default=str))
    return plain


def run_name(config: EvalConfig) -> str:
    """Name of a run's folder: what was evaluated, and a digest of the whole configuration.

    The same configuration gives the same folder, another one never overwrites it.
    """
    text = json.dumps(config_json(config), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{config.method}-{config.dataset}-{config.setting}-{config.protocol}-{digest}"


def _predictions(config: EvalConfig, folders: CustomSet, title: str) -> tuple[Path, str]:
    """The folder of predicted masks, and how a table names them."""
    if config.masks_dir is not None:
        return config.masks_dir, title.lower() if config.method == "ours" else title
    if config.method != "ours":
        raise InputError(
            f"The custom set holds no masks of {title}. Give a folder of them with --masks DIR."
        )
    return folders.published_dir, "ours (published masks)"


def _image_entries(result: FolderScores) -> list[dict[str, Any]]:
    return [
        {
            "preds": pair.preds.name,
            "target": pair.target.name,
            **dict(zip(COUNT_NAMES, map(int, counts), strict=True)),
        }
        for pair, counts in zip(result.pairs, result.counts, strict=True)
    ]
