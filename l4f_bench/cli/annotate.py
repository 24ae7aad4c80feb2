"""The command annotate: masks for a folder of images."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from l4f_bench.cli.console import say, stdout, warn
from l4f_bench.cli.following import followed, long
from l4f_bench.cli.names import completed
from l4f_bench.cli.options import Device, Resume
from l4f_bench.errors import BenchError, InputError

if TYPE_CHECKING:
    from l4f_bench.annotators.choice import AnnotatorConfig


def annotate(
    images: Annotated[Path, typer.Argument(help="Folder of images of any size and mode.")],
    annotator: Annotated[
        str,
        typer.Option(
            help="bisenet (faces), unet, mask-rcnn, detectron2 (the same on detectron2 itself) "
            "or torchvision (another model).",
            autocompletion=completed("annotators"),
        ),
    ] = "bisenet",
    out: Annotated[Path, typer.Option(help="Folder for the masks.")] = Path("annotation"),
    weights: Annotated[
        Path | None, typer.Option(help="Checkpoint.", show_default="the cached one")
    ] = None,
    target_class: Annotated[
        str | None,
        typer.Option("--class", help="Mask R-CNN: COCO class of the single object, e.g. cat."),
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option(help="Mask R-CNN: score above which an object counts.", show_default="0.5"),
    ] = None,
    min_area: Annotated[
        float,
        typer.Option(help="Smallest fraction of the image that an accepted mask may cover."),
    ] = 0.0,
    foreground: Annotated[
        list[str] | None,
        typer.Option(
            help="bisenet, unet: a class that is foreground; may be repeated.",
            show_default="all but the background",
        ),
    ] = None,
    class_maps: Annotated[
        bool,
        typer.Option("--class-maps", help="bisenet, unet: also write the class of each pixel."),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Stop at files that are passed over or cannot be read."),
    ] = False,
    device: Device = None,
    resume: Resume = False,
) -> None:
    """Write a mask for every image of a folder, and say which images are fit to be scored.

    metadata.jsonl holds each image's score, area and, if it is rejected, the reason: no-instance,
    several-instances, too-small, unreadable.

    Example: l4f-bench annotate cats/ --annotator mask-rcnn --class cat --out cat-masks
    """
    from l4f_bench.annotators.choice import AnnotatorConfig, computed_annotator, with_min_score
    from l4f_bench.annotators.rejection import RejectionRule

    computed_annotator(annotator)
    config = AnnotatorConfig(
        name=annotator,
        weights=weights,
        rule=RejectionRule(target_class=target_class, min_area=min_area),
        foreground=tuple(foreground or ()),
    )
    if min_score is not None:
        config = with_min_score(config, min_score)
    reasons = _annotate(
        config, images, out, device, class_maps=class_maps, strict=strict, resume=resume
    )
    stdout.print(str(out))
    summary = ", ".join(f"{reason} {number}" for reason, number in reasons.most_common())
    say(f"{reasons.total()} images: {summary}")
    if not reasons["accepted"]:
        raise BenchError(f"No image was accepted ({summary}). See {out / 'metadata.jsonl'}.")


def _refuse(message: str) -> None:
    raise InputError(f"{message} Mend that, or leave out --strict.")


def _annotate(
    config: AnnotatorConfig,
    images: Path,
    out: Path,
    device: str | None,
    *,
    class_maps: bool,
    strict: bool,
    resume: bool,
) -> Counter[str]:
    """Annotate the folder under a progress bar; returns how many images met which fate."""
    from l4f_bench.annotators.folder import annotate_folder
    from l4f_bench.annotators.loading import open_annotator
    from l4f_bench.devices import choose_device
    from l4f_bench.distributed import processes
    from l4f_bench.evaluation.truth import annotator_facts

    with processes(device), followed("Annotating") as progress:
        opened, digests = open_annotator(config, choose_device(device))
        facts = asdict(annotator_facts(config, opened))
        identity = {**facts, "sha256": digests, "class_maps": class_maps}
        return annotate_folder(
            opened,
            images,
            out,
            identity,
            class_maps=class_maps,
            resume=resume,
            progress=progress,
            warn=_refuse if strict else warn,
        )


def register(app: typer.Typer, panel: str) -> None:
    """Add this command to a panel of the application's help."""
    app.command("annotate", rich_help_panel=panel)(long(annotate))
