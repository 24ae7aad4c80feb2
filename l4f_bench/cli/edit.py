"""The commands edit fit, edit apply and edit measure."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from l4f_bench.cli.console import say, stdout, warn
from l4f_bench.cli.following import followed, long
from l4f_bench.cli.lazy import LazyGroup
from l4f_bench.cli.options import AsJson, field_parameter
from l4f_bench.errors import InputError

if TYPE_CHECKING:
    from l4f_bench.editing.config import EditConfig, FitConfig

DIRECTIONS = "directions.safetensors"
File = Annotated[Path, typer.Option(help="File for the directions.")]
Out = Annotated[Path, typer.Option(help="Folder for the results.")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue a stopped run in this folder.")]


class EditGroup(LazyGroup):
    """fit, apply and measure, whose options are the fields of their settings."""

    def application(self) -> typer.Typer:
        """The three commands."""
        from l4f_bench.editing.config import EditConfig, FitConfig

        app, resume = typer.Typer(), (Resume, False)
        as_json, default = (AsJson, False), Path("runs") / "edits"
        app.command("fit")(long(_command(fit, FitConfig, out=(File, Path(DIRECTIONS)))))
        app.command("apply")(
            long(_command(apply, EditConfig, out=(Out, Path("edits")), resume=resume))
        )
        app.command("measure")(
            long(_command(measure, EditConfig, out=(Out, default), resume=resume, as_json=as_json))
        )
        return app


def fit(config: FitConfig, *, out: Path) -> None:
    """Find directions of a generator's latents, for edits along them.

    sefa looks at the weights alone and takes a second. ganspace takes the principal components of
    many latents. boundary (InterFaceGAN) parts latents that show something from those that do not:
    score the samples of `l4f-bench sample` by whatever they show, or sort images into two folders.

    Example: l4f-bench edit fit --by sefa --layers 0-3 --out pose.safetensors

    Example: l4f-bench edit fit --by boundary --scores smile.csv --out smile.safetensors

    Example: l4f-bench edit fit --by boundary --positive smiling/ --negative serious/
    """
    from l4f_bench.distributed import num_processes, processes
    from l4f_bench.editing.directions import write_directions
    from l4f_bench.editing.fitting import fit as fit_directions

    with processes("cpu"):
        if num_processes() > 1:
            raise InputError("edit fit runs on one process. Run it without torchrun.")
    if out.suffix != ".safetensors":
        raise InputError(f"Directions are written as .safetensors; {out} ends otherwise.")
    with followed("Fitting", "latents") as progress:
        found = fit_directions(config, progress)
    write_directions(out, found)
    accuracy = (found.about or {}).get("accuracy")
    if accuracy is not None:
        say(f"Of the scored latents held out, {accuracy:.1%} lie on their own side")
    say(f"{len(found.vectors)} directions are in {out}: l4f-bench edit measure --edit {out}#0=-3,3")
    stdout.print(str(out))


def apply(config: EditConfig, *, out: Path, resume: bool) -> None:
    """Edit samples, and write images: plain, and with their background preserved.

    Every sample gets a folder with its own image, its background with the object removed, and for
    every edit the image, its alpha, and the edited object over that background. figure.png shows
    them as the paper's Figure 6: edits, masks, preserving. The processes of torchrun share the
    samples.

    Example: l4f-bench edit apply -n 8 --out edits

    Example: l4f-bench edit apply --latents projections --edit smile.safetensors=2

    Example: l4f-bench edit apply --edit pose.safetensors#0=4 --edit smile.safetensors=2 --sequence
    """
    from l4f_bench.distributed import processes
    from l4f_bench.editing.applying import apply_into
    from l4f_bench.editing.scene import open_scene
    from l4f_bench.runs import check_writable

    check_writable(out)
    with processes(config.device), followed("Editing") as progress:
        scene = open_scene(config)
        _say_doubts(scene.edits)
        left_out = apply_into(out, scene, resume=resume, progress=progress)
    _say_left_out(left_out)
    stdout.print(str(out))


def measure(config: EditConfig, *, out: Path, resume: bool, as_json: bool) -> None:
    """Measure how much edits change the background, plain and preserving it.

    Without --edit: SeFa's first three directions of the generator, each by -3 and 3. Outside the
    object the change should be small, inside it is the edit itself. `l4f-bench report` draws the
    table from the record again; figure.png shows the first samples. The processes of torchrun
    share the samples.

    Example: l4f-bench edit measure

    Example: l4f-bench edit measure --edit directions.safetensors#0@0-3=-6,-3,3,6 -n 500
    """
    from l4f_bench.distributed import is_first, processes
    from l4f_bench.editing.applying import FIGURE, write_overview
    from l4f_bench.editing.measuring import measure_into
    from l4f_bench.editing.record import EDITS_FILE
    from l4f_bench.editing.scene import open_scene
    from l4f_bench.reporting.editing import editing_section
    from l4f_bench.reporting.writers import markdown
    from l4f_bench.runs import check_writable

    check_writable(out)
    with processes(config.device), followed("Measuring") as progress:
        scene = open_scene(config)
        _say_doubts(scene.edits)
        record = measure_into(out, scene, resume=resume, progress=progress)
        if is_first():
            write_overview(out / FIGURE, scene)
    _say_left_out(Counter(record.left_out))
    say(f"Record: {out / EDITS_FILE}")
    section = editing_section([record])
    if as_json:
        stdout.print(json.dumps(record.to_json()))
    elif section is not None:
        stdout.print(markdown(section))


def _say_left_out(left_out: Counter[str]) -> None:
    for reason, number in left_out.items():
        warn(f"{number} samples were left out, with nothing to preserve: {reason}.")


def _say_doubts(edits: list[Any]) -> None:
    """Name directions of which nothing says which generator they belong to."""
    unknown = {e.name for e in edits if hasattr(e, "directions") and not e.directions.generator}
    for name in sorted(unknown):
        warn(
            f"{name} does not say which generator it is of. Boundaries published by InterFaceGAN "
            "are of StyleGAN-1 and fit no StyleGAN2."
        )


def _command(
    function: Callable[..., None], config: Any, **own: tuple[Any, Any]
) -> Callable[..., None]:
    """A command whose options are a configuration's fields, and some with annotation and default.

    Args:
        function: Takes the configuration and, by name, the others.
        config: A frozen dataclass.
        own: The others.
    """

    def command(**options: Any) -> None:
        others = {name: options.pop(name) for name in own}
        given = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in options.items()
            if value is not None
        }
        function(config(**given), **others)

    hints, keyword = get_type_hints(config), inspect.Parameter.KEYWORD_ONLY
    parameters = [field_parameter(item, hints[item.name]) for item in fields(config)]
    parameters += [
        inspect.Parameter(name, keyword, default=default, annotation=annotation)
        for name, (annotation, default) in own.items()
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__doc__ = function.__doc__
    return command


def describe() -> None:
    """Edit samples along directions of their latents, and measure what that does to backgrounds."""


def register(app: typer.Typer, panel: str) -> None:
    """Add the commands to a panel of the application's help."""
    app.add_typer(
        typer.Typer(cls=EditGroup, callback=describe, no_args_is_help=True),
        name="edit",
        rich_help_panel=panel,
    )
