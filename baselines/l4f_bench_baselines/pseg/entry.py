"""What PSeg offers to the commands: how it is loaded, and how it is trained."""

from __future__ import annotations

from pathlib import Path

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import MissingAssetError
from l4f_bench.training.identity import identity_of
from l4f_bench.training.jobs import Job, TrainRequest, Warn
from l4f_bench.training.settings import with_settings
from l4f_bench_baselines.pseg.config import at_resolution
from l4f_bench_baselines.pseg.method import PSeg, load_pseg
from l4f_bench_baselines.pseg.presets import PRESETS
from l4f_bench_baselines.pseg.schedule import Schedule
from l4f_bench_baselines.pseg.trainer import PSegTrainer

_EMBEDDED = Path(__file__).parent / "assets"


def load(
    path: Path | None, *, dataset: str, device: str | None = None
) -> tuple[PSeg, dict[str, str]]:
    """PSeg of a data set, ready to sample.

    Args:
        path: Its checkpoint; None takes the embedded one.
        dataset: Key of the data set.
        device: Where to compute; None takes a GPU if there is one.

    Returns:
        The method, and the SHA-256 of its file.

    Raises:
        CheckpointError: The file cannot be read.
        InputError: It paints another resolution than that in which the data set is drawn.
        MissingAssetError: No file is given and none is embedded.
    """
    if path is None:
        path = _EMBEDDED / f"{dataset}.safetensors"
        if not path.exists():
            raise MissingAssetError(
                f"No PSeg of {dataset} is published or embedded. Train one with `l4f-bench train "
                f"--method pseg --dataset {dataset}`, and give it with --generator FILE."
            )
    spec = DATASETS.get(dataset)
    # Photographs are evaluated at any size: the paper's PSeg of FFHQ paints 128 pixels.
    return load_pseg(path, resolution=spec.resolution if spec.drawn else None, device=device)


def job(request: TrainRequest, warn: Warn) -> Job:
    """The trainer that a request asks for.

    Raises:
        InputError: A name or setting is wrong.
        MissingAssetError: There is no such folder of images.
    """
    config = PRESETS.choose(request.dataset, request.preset).config
    if request.resolution is not None:
        config = at_resolution(config, request.resolution)
    config = with_settings(config, request.settings)
    images = request.open_images(config.real_side, config.seed, warn)
    trainer = PSegTrainer(config, images, request.compute())
    # Settings and resolution change the preset's number of steps.
    return Job(trainer, identity_of("pseg", trainer), request.steps(Schedule(config).num_steps))
