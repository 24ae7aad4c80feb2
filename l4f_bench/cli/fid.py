"""The command fid."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from l4f_bench.cli.console import say, stdout, warn
from l4f_bench.cli.following import followed, long
from l4f_bench.cli.options import AsJson, Device, Divisor, Resize, given_option
from l4f_bench.errors import InputError
from l4f_bench.evaluation.options import whole_or_auto

if TYPE_CHECKING:
    from l4f_bench.evaluation.distance.recipe import DistanceConfig

_TAKEN_BY = {  # by what an option has an effect on: neither side, and it is refused
    **dict.fromkeys(("samples", "truncation"), ("generator",)),
    **dict.fromkeys(("features", "weights", "resize", "divisor"), ("folder", "generator")),
}


def fid(
    context: typer.Context,
    generated: Annotated[
        Path,
        typer.Argument(
            metavar="A", help="Generated images: a folder, a generator's checkpoint or an .npz."
        ),
    ],
    real: Annotated[
        Path | None,
        typer.Argument(
            metavar="B",
            help="Real images: the same kinds. May be left out with --save-stats.",
            show_default=False,
        ),
    ] = None,
    features: Annotated[
        str,
        typer.Option(
            help="Network whose features are compared: inception, or annotator (of shapes; its "
            "distance is not an FID)."
        ),
    ] = "inception",
    weights: Annotated[
        Path | None, typer.Option(help="Its weights.", show_default="the cached ones")
    ] = None,
    resize: Resize = "bilinear",
    divisor: Divisor = "n-1",
    kid: Annotated[
        bool, typer.Option("--kid", help="Also the kernel distance, of 100 subsets of 1000.")
    ] = False,
    precision_recall: Annotated[
        bool,
        typer.Option("--precision-recall", help="Also improved precision and recall (k = 3)."),
    ] = False,
    samples: Annotated[int, typer.Option(help="Generator: images to draw.")] = 50_000,
    truncation: Annotated[float, typer.Option(help="Generator: psi, 0 to 1.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the samples and of KID's subsets.")] = 0,
    allow_small_n: Annotated[
        bool, typer.Option("--allow-small-n", help="Compare fewer than 2048 images.")
    ] = False,
    save_stats: Annotated[
        Path | None, typer.Option(help="Write A's statistics to this .npz.")
    ] = None,
    batch_size: Annotated[
        str, typer.Option(help="Images at a time, or auto: 16 on a CPU, 64 on a GPU.")
    ] = "auto",
    workers: Annotated[
        int | None, typer.Option(help="Threads that decode.", show_default="CPU cores")
    ] = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Measure how far generated images are from real ones: FID, KID, precision and recall.

    A and B are folders of images of one size, checkpoints of StyleGAN2 generators (sample i depends
    on the seed and i alone), or statistics that pytorch-fid or --save-stats wrote.

    Only compare distances of equal --features, --resize, --divisor and number of images. The
    processes of torchrun share the work.

    Example: l4f-bench fid generator.pkl ffhq.npz --samples 50000

    Example: l4f-bench fid ffhq/ --save-stats ffhq.npz
    """
    from l4f_bench.distributed import processes
    from l4f_bench.evaluation.distance.recipe import DistanceConfig

    config = DistanceConfig(
        features=features,
        weights=weights,
        resize=resize,
        divisor=divisor,
        samples=samples,
        truncation=truncation,
        seed=seed,
        kernel=kid,
        precision_recall=precision_recall,
        allow_small_n=allow_small_n,
        batch_size=whole_or_auto(batch_size),
        workers=workers,
        device=device,
    )
    _refuse_unused(context, [path for path in (generated, real) if path is not None])
    with processes(device):
        if real is None:
            _save(generated, config, save_stats, as_json=as_json)
        else:
            _compare(generated, real, config, save_stats, as_json=as_json)


def _refuse_unused(context: typer.Context, paths: list[Path]) -> None:
    """Raise if an option was given that changes nothing about these sides."""
    from l4f_bench.evaluation.distance.sides import kind_of

    kinds = {kind_of(path) for path in paths}
    for name, takers in _TAKEN_BY.items():
        if kinds.isdisjoint(takers) and (option := given_option(context, name)):
            raise InputError(
                f"{option} belongs to a {' or a '.join(takers)}, and none is given. Leave it out."
            )


def _compare(
    generated: Path,
    real: Path,
    config: DistanceConfig,
    save_stats: Path | None,
    *,
    as_json: bool,
) -> None:
    from l4f_bench.distributed import is_first
    from l4f_bench.evaluation.distance.comparison import compare_sets, facts_of, result_json
    from l4f_bench.evaluation.distance.statistics_files import (
        check_statistics_name,
        write_statistics,
    )
    from l4f_bench.reporting.lines import distance_lines

    if save_stats is not None:
        check_statistics_name(save_stats)
    started = time.perf_counter()
    with followed("Features") as progress:
        result = compare_sets(generated, real, config, progress)
    for message in result.warnings:
        warn(message)
    if save_stats is not None and is_first():
        write_statistics(save_stats, result.sides[0].statistics)
    if as_json:
        answer = result_json(result, config, seconds=time.perf_counter() - started)
        stdout.print(json.dumps(answer))
    else:
        stdout.print(distance_lines(facts_of(result)))


def _save(images: Path, config: DistanceConfig, save_stats: Path | None, *, as_json: bool) -> None:
    from l4f_bench.distributed import is_first
    from l4f_bench.evaluation.distance.comparison import one_side
    from l4f_bench.evaluation.distance.statistics_files import (
        check_statistics_name,
        write_statistics,
    )

    if config.kernel or config.precision_recall or as_json:
        raise InputError("--kid, --precision-recall and --json need B. Give it, or leave them out.")
    if save_stats is None:
        raise InputError("Give B as well, or --save-stats FILE.npz to keep A's statistics.")
    check_statistics_name(save_stats)
    with followed("Features") as progress:
        side = one_side(images, config, progress)
    for message in side.warnings:
        warn(message)
    if is_first():
        write_statistics(save_stats, side.statistics)
    say(f"Statistics of {images} are in {save_stats}")
    stdout.print(str(save_stats))


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to a panel of the application's help."""
    app.command("fid", rich_help_panel=panel)(long(fid))
