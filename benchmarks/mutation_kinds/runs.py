"""Files in the folders of runs, which are resumed with one of them damaged."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from l4f_bench.annotators.contracts import Annotation
from l4f_bench.annotators.folder import annotate_folder
from l4f_bench.evaluation.sample_config import SampleConfig, identity_of
from l4f_bench.evaluation.sample_files import METADATA
from l4f_bench.evaluation.sample_folder import sample_folder
from l4f_bench.generators.architecture import GeneratorArchitecture
from l4f_bench.generators.stylegan2 import BACKGROUND_MODES, Generator
from l4f_bench.methods.labels4free.alpha import alpha_network
from l4f_bench.methods.labels4free.method import Labels4Free
from l4f_bench.progress import silent
from l4f_bench.reporting.curves import write_curves
from l4f_bench.runs import CONFIG
from l4f_bench.training.checkpoints import load_newest
from l4f_bench.training.gan_config import PRESETS
from l4f_bench.training.images import ShapesImages
from l4f_bench.training.logs import LOG
from l4f_bench.training.loop import CHECKPOINTS, LoopConfig, train
from l4f_bench.training.stylegan2 import StyleGan2Trainer
from mutation_kinds.kind import Kind, contents

NUM_SAMPLES = 3
NUM_STEPS = 2
NEWEST = f"{CHECKPOINTS}/step-{NUM_STEPS:09d}.ckpt"


def kinds(folder: Path) -> dict[str, Kind]:
    """The files of samples, of masks that an annotator made, and of a training."""
    samples, masks = Samples(folder / "samples"), Masks(folder)
    training = Training(folder / "training")
    found = {f"samples/{name}": Kind(samples.whole / name, samples) for name in (CONFIG, METADATA)}
    found |= {f"masks/{name}": Kind(masks.whole / name, masks) for name in (CONFIG, METADATA)}
    for name in (CONFIG, LOG, NEWEST):
        found[f"training/{name}"] = Kind(training.whole / name, training)
    return {**found, "curves": Kind(training.whole / LOG, curves)}


def curves(path: Path) -> None:
    """Draw a training log."""
    write_curves([path], path.parent / "curves.png")


class Samples:
    """A folder of samples, one file of which was damaged: resumed, it must end as it was."""

    def __init__(self, whole: Path) -> None:
        self.whole = whole
        torch.manual_seed(0)
        architecture = GeneratorArchitecture(
            size=32, channels=(8, 6, 5, 4), mapping_widths=(8, 8, 8)
        )
        generator = Generator(architecture).eval()
        self._method = Labels4Free(
            generator,
            alpha_network("bg_extractor", (5, 4)).eval(),
            mean_latent=generator.mean_latent(64),
            background=BACKGROUND_MODES["first-conv"],
        )
        self._fill(whole, resume=False)

    def __call__(self, path: Path) -> None:
        """Resume a copy of the folder with the damaged file in it, and compare."""
        folder = path.parent / "copy"
        shutil.copytree(self.whole, folder)
        shutil.copy(path, folder)
        self._fill(folder, resume=True)
        shutil.copy(self.whole / CONFIG, folder)  # what is noted beside the identity may differ
        if contents(folder) != contents(self.whole):
            raise AssertionError("the resumed folder is another")

    def _fill(self, folder: Path, *, resume: bool) -> None:
        config = SampleConfig(dataset="shapes", method="ours", num_images=NUM_SAMPLES)
        sample_folder(
            self._method,
            folder,
            config,
            identity_of(config, {}),
            resume=resume,
            batch_size=NUM_SAMPLES,
            progress=silent,
        )


class Masks:
    """A folder of masks of an annotator, resumed likewise; its masks must be as they were."""

    def __init__(self, folder: Path) -> None:
        self._images, self.whole = folder / "photographs", folder / "annotation"
        self._images.mkdir()
        rng = np.random.default_rng(0)
        for index in range(3):
            pixels = rng.integers(0, 256, (8, 8, 3), np.uint8)
            Image.fromarray(pixels).save(self._images / f"{index}.png")
        self._fill(self.whole, resume=False)

    def __call__(self, path: Path) -> None:
        """Resume a copy of the folder with the damaged file in it, and compare the masks."""
        folder = path.parent / "copy"
        shutil.copytree(self.whole, folder)
        shutil.copy(path, folder)
        self._fill(folder, resume=True)
        if contents(folder / "masks") != contents(self.whole / "masks"):
            raise AssertionError("the resumed masks are others")

    def _fill(self, folder: Path, *, resume: bool) -> None:
        annotate_folder(
            Bright(),
            self._images,
            folder,
            {"name": "bright"},
            class_maps=False,
            resume=resume,
            progress=silent,
            warn=refuse_odd,
        )


class Bright:
    """An annotator to which what is bright is the object."""

    def annotate(self, image: Tensor) -> Annotation:
        """See :class:`l4f_bench.annotators.contracts.Annotator`."""
        mask = image.float().mean(1) > 128
        return Annotation(mask=mask, reason=(None,), score=(1.0,))


class Training:
    """A training that goes on with a damaged file: the state must be that of an unbroken one."""

    def __init__(self, whole: Path) -> None:
        self.whole = whole
        self._config = replace(
            PRESETS.get("debug").config,
            resolution=8,
            channels=(8, 6),
            discriminator_channels=(8, 6),
            batch_size=4,
        )
        self._train(whole, NUM_STEPS, resume=False)
        further = whole.parent / "further"
        shutil.copytree(whole, further)
        self._expected = self._train(further, NUM_STEPS + 1, resume=True)

    def __call__(self, path: Path) -> None:
        """Go on in a copy of the folder with the damaged file in it, and compare."""
        folder = path.parent / "copy"
        shutil.copytree(self.whole, folder)
        shutil.copy(path, folder / CHECKPOINTS if path.suffix == ".ckpt" else folder)
        if self._train(folder, NUM_STEPS + 1, resume=True) != self._expected:
            raise AssertionError("the resumed training is another")

    def _train(self, folder: Path, num_steps: int, *, resume: bool) -> Any:
        images = ShapesImages(self._config.resolution, self._config.seed)
        trainer = StyleGan2Trainer(self._config, images)
        loop = LoopConfig(num_steps=num_steps, checkpoint_every=1, log_every=1, grid_every=1000)
        train(trainer, folder, loop, {}, resume=resume, watch=unwatched, warn=refuse_odd)
        lines = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
        saved = load_newest(folder / CHECKPOINTS)
        assert saved is not None, "a training leaves checkpoints"
        logged = [{**line, "images_per_s": None} for line in lines]
        return flat(saved.state), saved.progress.step, logged


def unwatched(done: int, total: int) -> Any:
    """What to report to if nobody looks."""
    return lambda images, figures: None


def refuse_odd(message: str) -> None:
    """Fail at a warning that does not only show."""
    if not message.isprintable():
        raise AssertionError(f"not one printable line: {message!r}")


def flat(value: Any) -> Any:
    """A state with its tensors as bytes, so that it can be compared."""
    if isinstance(value, Tensor):
        return str(value.dtype), tuple(value.shape), value.numpy().tobytes()
    if isinstance(value, dict):
        return {key: flat(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [flat(part) for part in value]
    return value
