"""The command project: photographs as codes of a generator, with masks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from l4f_bench.cli.console import say, stdout, warn
from l4f_bench.cli.following import followed, long
from l4f_bench.cli.names import completed
from l4f_bench.cli.options import Device, Resume
from l4f_bench.errors import BenchError

if TYPE_CHECKING:
    from l4f_bench.projection.command import ProjectRequest


def project(
    images: Annotated[Path, typer.Argument(help="Folder of photographs.")],
    encoder: Annotated[
        Path | None,
        typer.Option(
            help="Encoder of pSp or e4e, or of train --method psp.",
            show_default="the data set's",
        ),
    ] = None,
    generator: Annotated[
        Path | None,
        typer.Option(
            help="Checkpoint of the generator.",
            show_default="that in the encoder's file, or the data set's",
        ),
    ] = None,
    alpha: Annotated[
        Path | None,
        typer.Option(
            help="Alpha network: also write alpha and masks.", show_default="the data set's"
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Data set whose files are the defaults.",
            show_default="none",
            autocompletion=completed("datasets"),
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("projections"),
    by: Annotated[
        str, typer.Option(help="encoder: one pass; optimisation: a search of many steps.")
    ] = "encoder",
    space: Annotated[
        str, typer.Option(help="optimisation: w, one latent for all layers, or w+.")
    ] = "w+",
    loss: Annotated[
        str | None,
        typer.Option(
            help="optimisation: mse, ms-ssim, discriminator, lpips, or some of them with + "
            "between them.",
            show_default="mse+ms-ssim",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="optimisation: steps a photograph.", show_default="1000")
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            help="encoder: float32, or bf16: faster where there are units for it, less exact. "
            "optimisation: double or single.",
            show_default="float32; double on CPUs, single on GPUs",
        ),
    ] = None,
    align: Annotated[
        Path | None,
        typer.Option(
            help="Landmarks of the faces, JSON or CSV: 5 points or dlib's 68 a photograph.",
            show_default="photographs are aligned",
        ),
    ] = None,
    fit: Annotated[
        str,
        typer.Option(help="What becomes of photographs of another shape: pad, crop or stretch."),
    ] = "pad",
    threshold: Annotated[
        float | None,
        typer.Option(help="Alpha above which the mask is foreground.", show_default="0.5"),
    ] = None,
    seed: Annotated[int, typer.Option(help="optimisation: seed of noise and latents.")] = 0,
    device: Device = None,
    resume: Resume = False,
) -> None:
    """Project photographs into the latent space of a generator, and segment them there.

    Writes W+ codes, reconstructions, masks where there is an alpha network, errors of each image
    in metadata.jsonl, a figure, and a record that `report` shows. Can be stopped, resumed, and
    shared by the processes of torchrun.

    Example: l4f-bench project faces/ --encoder psp_ffhq_encode.pt --alpha alpha.pt --out projected

    Example: l4f-bench project photos/ --dataset shapes

    Example: l4f-bench project cars/ --by optimisation --generator stylegan2-car.pkl --loss mse
    """
    from l4f_bench.projection.command import ProjectRequest

    request = ProjectRequest(
        images=images, encoder=encoder, generator=generator, alpha=alpha, dataset=dataset, by=by,
        space=space, losses=None if loss is None else tuple(loss.split("+")), num_steps=steps,
        precision=precision, landmarks=align, fit=fit, threshold=threshold, seed=seed,
        device=device,
    )  # fmt: skip
    record = _run(request, out, resume=resume)
    stdout.print(str(out))
    errors = ", ".join(
        f"mean {name} {record.errors[name].value:.4f}"
        for name in ("mse", "psnr", "ssim")
        if record.errors[name].value is not None
    )
    say(f"{record.n} photographs projected. {errors}")
    if record.n == 0:
        raise BenchError(f"None of {record.unreadable} photographs could be read.")


def _run(request: ProjectRequest, out: Path, *, resume: bool) -> Any:
    from l4f_bench.distributed import processes
    from l4f_bench.projection.command import run

    with processes(request.device), followed("Projecting") as progress:
        return run(request, out, resume=resume, progress=progress, warn=warn)


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to a panel of the application's help."""
    app.command("project", rich_help_panel=panel)(long(project))
