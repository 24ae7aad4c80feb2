"""Commands that evaluate methods: eval."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from l4f_bench.cli.console import progress_bar, stderr, stdout, warn
from l4f_bench.cli.options import (
    AsJson,
    Device,
    Divisor,
    Level,
    Limit,
    Protocol,
    Resize,
    Workers,
    batch_size_of,
    refuse_unused,
)
from l4f_bench.errors import BenchError, InputError
from l4f_bench.registry import unknown_name

if TYPE_CHECKING:
    from l4f_bench.config import EvalConfig

SETTINGS = ("sampled", "custom", "real", "trust", "quality")

_SAMPLES = 1000
_TRUST_MIN_AREA = 0.2  # the smallest of the world's objects cover less, so some are rejected
_JUDGED = ("sampled", "real", "trust")
_TAKEN_BY = {
    **dict.fromkeys(("masks", "level", "limit"), ("custom",)),
    **dict.fromkeys(("data", "workers"), ("custom", "quality")),
    **dict.fromkeys(("alpha", "screen_weights", "max_drawn", "threshold"), ("sampled",)),
    **dict.fromkeys(("generator", "truncation", "batch_size"), ("sampled", "quality")),
    "annotator": ("custom", *_JUDGED),
    **dict.fromkeys(("annotator_weights", "min_score", "foreground"), _JUDGED),
    "min_area": ("sampled", "trust"),
    "student": ("real", "trust"),
    "method": ("sampled", "custom", "real", "quality"),
    **dict.fromkeys(
        ("features", "features_weights", "resize", "divisor", "allow_small_n"), ("quality",)
    ),
    **dict.fromkeys(("samples", "device"), (*_JUDGED, "quality")),
    "protocol": ("custom", *_JUDGED),
}


def evaluate(
    context: typer.Context,
    method: Annotated[str, typer.Option(help="Method, as in the paper's tables.")] = "ours",
    dataset: Annotated[
        str, typer.Option(help="shapes (all embedded), ffhq, cat, horse or car.")
    ] = "shapes",
    on: Annotated[
        str,
        typer.Option(
            help="Setting. sampled: samples with pseudo ground truth (Tables 1 and 2); custom: "
            "real images with hand-drawn masks (Table 3); real: images with exact masks (shapes); "
            "trust: those against the annotator and against exact masks (shapes); quality: a "
            "method's images beside real ones, masks aside (Table 5)."
        ),
    ] = "sampled",
    data: Annotated[
        Path | None,
        typer.Option(
            help="custom: root that holds Faces, Cats, Horse, Cars. quality: real images or their "
            "statistics (.npz); shapes draws them."
        ),
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(
            help="custom: predicted masks.", show_default="the published ones beside the data"
        ),
    ] = None,
    generator: Annotated[
        Path | None,
        typer.Option(
            help="sampled, quality: generator.", show_default="embedded, or the cached one"
        ),
    ] = None,
    alpha: Annotated[
        Path | None,
        typer.Option(help="sampled: alpha network.", show_default="embedded for shapes"),
    ] = None,
    annotator: Annotated[
        str | None,
        typer.Option(
            help="Whose masks are the truth. sampled: bisenet, mask-rcnn, detectron2 or "
            "torchvision; custom: human; real: exact, or an annotator.",
            show_default="as in the paper; real exact",
        ),
    ] = None,
    annotator_weights: Annotated[
        Path | None,
        typer.Option(help="sampled, real: annotator.", show_default="embedded, or the cached one"),
    ] = None,
    student: Annotated[
        Path | None,
        typer.Option(help="real, trust: student of ours.", show_default="embedded"),
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option(
            help="sampled: score above which an object of Mask R-CNN counts.", show_default="0.5"
        ),
    ] = None,
    min_area: Annotated[
        float | None,
        typer.Option(
            help="sampled: part of the image that the annotator's mask covers at least.",
            show_default="0; shapes 0.05, with trust 0.2",
        ),
    ] = None,
    foreground: Annotated[
        list[str] | None,
        typer.Option(
            help="sampled: a class of bisenet that is foreground; may be repeated.",
            show_default="all but the background",
        ),
    ] = None,
    screen_weights: Annotated[
        Path | None,
        typer.Option(
            help="sampled: Mask R-CNN that PSeg's samples of FFHQ must pass.",
            show_default="the cached one",
        ),
    ] = None,
    truncation: Annotated[
        list[float] | None,
        typer.Option(
            help="sampled, quality: psi; may be repeated.",
            show_default="as in the paper; quality 1",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="sampled: alpha above which a pixel is foreground.",
            show_default="0.9, as published",
        ),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            help="sampled: accepted samples to score; real, quality: images.",
            show_default="1000; quality 50000, of shapes 5000",
        ),
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            help="quality: inception (FID), or annotator (shapes; no FID).",
            show_default="inception; shapes annotator",
        ),
    ] = None,
    features_weights: Annotated[
        Path | None,
        typer.Option(
            help="quality: weights of these features.", show_default="embedded, or the cached ones"
        ),
    ] = None,
    resize: Resize = "bilinear",
    divisor: Divisor = "n-1",
    allow_small_n: Annotated[
        bool, typer.Option("--allow-small-n", help="quality: compare fewer than 2048 images.")
    ] = False,
    max_drawn: Annotated[int, typer.Option(help="sampled: samples to draw at most.")] = 10_000,
    batch_size: Annotated[
        str, typer.Option(help="sampled, quality: images at a time, or auto.")
    ] = "auto",
    device: Device = None,
    protocol: Protocol = "l4f",
    level: Level = 128,
    out: Annotated[
        Path | None, typer.Option(help="Run folder.", show_default="runs/<name of the run>")
    ] = None,
    workers: Workers = None,
    limit: Limit = None,
    seed: Annotated[
        int, typer.Option(help="Seed of the samples, of drawn images and of the intervals.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Score one method on one data set and write records.

    Without options: 1,000 samples of the embedded shapes world at each truncation, and how good
    their annotator is on images with exact masks.

    Example: l4f-bench eval --method ours --dataset car --on custom --data custom-dataset

    Example: l4f-bench eval --method stylegan2 --dataset ffhq --on quality --data ffhq.npz
    """
    from l4f_bench.cli.eval_configs import (
        annotator_of,
        check_human,
        quality_configs,
        real_configs,
        sampled_configs,
    )
    from l4f_bench.config import (
        CountConfig,
        EvalConfig,
        FeatureDistanceConfig,
        QualityConfig,
        RealConfig,
        SampledConfig,
    )
    from l4f_bench.datasets.specs import DATASETS
    from l4f_bench.distributed import processes

    if on not in SETTINGS:
        raise InputError(unknown_name("setting", on, list(SETTINGS)))
    refuse_unused(context, "--on", on, _TAKEN_BY)
    spec = DATASETS.get(dataset)
    config = EvalConfig(
        method=method,
        dataset=dataset,
        setting=on,
        protocol=protocol,
        data_dir=data,
        masks_dir=masks,
        count=CountConfig(level=level, workers=workers, limit=limit),
        seed=seed,
    )
    configs = [config]
    if on == "quality":
        distance = FeatureDistanceConfig(
            features=features or spec.quality_features,
            weights=features_weights,
            resize=resize,
            divisor=divisor,
            samples=spec.quality_samples if samples is None else samples,
            allow_small_n=allow_small_n,
            batch_size=batch_size_of(batch_size),
            workers=workers,
            device=device,
        )
        quality = QualityConfig(generator=generator, distance=distance)
        configs = quality_configs(config, quality, truncation)
    elif on == "custom":
        check_human(annotator)
    else:
        exact = on == "real" and annotator in (None, "exact")
        judge = annotator_of(
            config,
            None if exact else annotator,
            weights=annotator_weights,
            min_score=min_score,
            min_area=_TRUST_MIN_AREA if on == "trust" and min_area is None else min_area,
            foreground=foreground,
            screen_weights=screen_weights,
        )
        num_images = _SAMPLES if samples is None else samples
        if on == "sampled":
            sampled = SampledConfig(
                generator=generator,
                alpha=alpha,
                annotator=judge,
                threshold=spec.threshold if threshold is None else threshold,
                num_images=num_images,
                max_drawn=max_drawn,
                batch_size=batch_size_of(batch_size),
                device=device,
            )
            configs = sampled_configs(config, sampled, truncation)
        else:
            configs = real_configs(
                config,
                RealConfig(
                    annotator=judge,
                    student=student,
                    truth="exact" if exact else "annotator",  # trust takes each in turn
                    num_images=num_images,
                    device=device,
                ),
            )
    with processes(device):
        _evaluate(configs, out, as_json=as_json)


def _evaluate(configs: list[EvalConfig], out: Path | None, *, as_json: bool) -> None:
    """Run evaluations one after the other; each record is safe before the next begins."""
    from l4f_bench.distributed import is_first
    from l4f_bench.evaluation import evaluate as run
    from l4f_bench.evaluation.records import RECORD_FILE
    from l4f_bench.reporting.figures import write_examples
    from l4f_bench.reporting.lines import record_lines
    from l4f_bench.runs import check_writable

    check_writable(out or Path("runs"))
    records = []
    for config in configs:
        with progress_bar(f"{config.method} on {config.dataset}") as progress:
            outcome = run.evaluate(config, progress)
        folder = out or Path("runs") / run.run_name(config)
        if out is not None and len(configs) > 1:
            folder = out / run.part_name(config)
        if is_first():
            outcome.record.save(folder / RECORD_FILE)
        if outcome.examples and is_first():
            write_examples(folder / "examples.png", outcome.examples)
        for message in outcome.record.warnings:
            warn(message)
        stderr.print(f"Record: {folder / RECORD_FILE}", markup=False, soft_wrap=True)
        records.append(outcome.record)
    if as_json:
        stdout.print(json.dumps({"records": [record.to_json() for record in records]}))
    else:
        stdout.print("\n\n".join(record_lines(record) for record in records))
    if not all(record.n for record in records if record.setting == "sampled"):
        raise BenchError("No sample was accepted, so there is nothing to score; see the record.")


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.command("eval")(evaluate)
