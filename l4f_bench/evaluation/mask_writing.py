"""Predicted masks, kept as files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from l4f_bench.datasets.formats import EXTENSIONS
from l4f_bench.datasets.image_set import ImageSet
from l4f_bench.distributed import gathered
from l4f_bench.errors import InputError
from l4f_bench.evaluation.image_scene import Images, Prediction, Predictor
from l4f_bench.runs import atomic_path, check_writable


def kept(predictor: Predictor, images: ImageSet, folder: Path, span: range) -> Predictor:
    """Predictions that are also written, 8-bit PNGs of 0 and 255 under the images' names.

    Args:
        predictor: Gives the predictions.
        images: The images.
        folder: Where masks go. It may hold others, but none of an image that is predicted.
        span: Which images are predicted.

    Raises:
        InputError: The folder cannot be written, a file in it has the name of an image, whatever
            its type, or two images would get one mask.
    """
    check_writable(folder)
    paths = {index: mask_path(folder, images.key(index)) for index in span}
    twice = [path.name for path, number in Counter(paths.values()).items() if number > 1]
    if twice:
        raise InputError(f"Several images would get the mask {twice[0]}. Rename all but one.")
    _refuse_taken(list(paths.values()))
    gathered(None)  # no process writes before all have looked

    def predict(indices: Sequence[int], pixels: Images) -> list[Prediction]:
        predictions = predictor(indices, pixels)
        for index, prediction in zip(indices, predictions, strict=True):
            with atomic_path(paths[index], durable=False) as temporary:
                Image.fromarray(prediction.mask.astype(np.uint8) * 255).save(temporary)
        return predictions

    return predict


def _refuse_taken(paths: Sequence[Path]) -> None:
    """Raise if there is a mask or another file of one of these images already."""
    there: dict[Path, dict[str, Path]] = {}
    for path in paths:
        if path.parent not in there:
            files = path.parent.iterdir() if path.parent.is_dir() else ()
            there[path.parent] = {file.stem: file for file in files}
        if path.stem in there[path.parent]:
            taken = there[path.parent][path.stem]
            raise InputError(f"{taken} exists already. Choose another folder for the masks.")


def mask_path(folder: Path, key: str) -> Path:
    """The file of an image's mask in a folder.

    Raises:
        InputError: The image's name would lead out of the folder.
    """
    name = Path(key)
    if name.is_absolute() or ".." in name.parts:
        raise InputError(f"The image's name {key} leads out of {folder}, where masks go.")
    stem = name.with_suffix("") if name.suffix.lower() in EXTENSIONS else name
    return folder / f"{stem}.png"
