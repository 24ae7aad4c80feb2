"""A folder of images annotated file by file, which a killed run can go on with.

``masks/`` holds one PNG per image (white = foreground), ``classes/`` its class map on request, both
under the image's name and at its size; ``metadata.jsonl`` one line per finished image;
``config.json`` what was asked for, with digests, versions and revision.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from l4f_bench.annotators.contracts import Annotator, Parser
from l4f_bench.datasets.image_sources import image_files
from l4f_bench.datasets.squares import read_rgb
from l4f_bench.errors import InputError
from l4f_bench.progress import Progress
from l4f_bench.provenance import environment
from l4f_bench.runs import atomic_path, locked_folder, open_run, whole_lines

METADATA, MASKS, CLASSES = "metadata.jsonl", "masks", "classes"
UNREADABLE = "unreadable"


def annotate_folder(
    annotator: Annotator,
    images: Path,
    out: Path,
    identity: dict[str, Any],
    *,
    class_maps: bool,
    resume: bool,
    progress: Progress,
    warn: Callable[[str], object],
) -> Counter[str]:
    """Annotate every image of a folder and its sub-folders.

    Args:
        annotator: Makes the masks.
        images: The folder.
        out: Where masks go.
        identity: What must be the same for a resumed run. JSON data.
        class_maps: Also write class maps.
        resume: Go on where an earlier run of the same identity stopped.
        progress: Given the number of images still to do, returns what to call with those done.
        warn: Given one-line warnings.

    Returns:
        How many images were accepted (``accepted``) and rejected by each reason, those of earlier
        runs included; images that cannot be read count as ``unreadable``.

    Raises:
        InputError: A folder cannot be used, two images would get one mask, or the annotator has no
            class maps.
    """
    if class_maps and not isinstance(annotator, Parser):
        raise InputError("Only bisenet has class maps. Leave out --class-maps.")
    paths = _by_name(images, out)
    with locked_folder(out):
        open_run(out, identity, environment(), resume=resume, kind="masks")
        earlier = map(json.loads, whole_lines(out / METADATA))
        lines: dict[str, dict[str, Any]] = {line["mask"]: line for line in earlier}
        _refuse_others(paths, lines)
        left = {name: path for name, path in paths.items() if name not in lines}
        advance = progress(len(left))
        with (out / METADATA).open("a", encoding="utf-8") as metadata:
            for name, path in left.items():
                shown = path.relative_to(images).as_posix()
                line: dict[str, Any] = {"image": shown, "mask": name}
                line["bytes"] = path.stat().st_size
                line |= _annotate(annotator, path, out, name, class_maps=class_maps)
                if line["reason"] == UNREADABLE:
                    warn(f"{path} cannot be read, or has too many pixels to be safe; left out.")
                metadata.write(json.dumps(line, ensure_ascii=False) + "\n")
                metadata.flush()
                lines[name] = line
                advance(1)
    return Counter(str(line["reason"] or "accepted") for line in lines.values())


def _refuse_others(paths: dict[str, Path], lines: dict[str, dict[str, Any]]) -> None:
    """Raise if an image is not the one that was annotated under its name before."""
    for name, line in lines.items():
        if name in paths and paths[name].stat().st_size != line.get("bytes"):
            raise InputError(
                f"{paths[name]} is another image than the one annotated before. Choose another "
                "folder for its mask."
            )


def _by_name(folder: Path, out: Path) -> dict[str, Path]:
    """Images by the name of their masks; what an earlier run wrote to ``out`` is none."""
    paths: dict[str, Path] = {}
    for path in image_files(folder):
        if path.resolve().is_relative_to(out.resolve()):
            continue
        name = path.relative_to(folder).with_suffix(".png").as_posix()
        if name in paths:
            raise InputError(f"{paths[name]} and {path} would get one mask. Rename one of them.")
        paths[name] = path
    return paths


def _annotate(
    annotator: Annotator, path: Path, out: Path, name: str, *, class_maps: bool
) -> dict[str, Any]:
    """Write the files of one image; returns its line of metadata without the names."""
    pixels = read_rgb(path)
    if pixels is None:
        return {"accepted": False, "reason": UNREADABLE}
    image = torch.from_numpy(np.array(pixels))[None]
    annotation = annotator.annotate(image)
    mask = annotation.mask[0].cpu().numpy()
    _write_png(out / MASKS / name, mask.astype(np.uint8) * 255)
    if class_maps and isinstance(annotator, Parser):
        _write_png(out / CLASSES / name, annotator.class_map(image)[0].cpu().numpy())
    return {
        "accepted": annotation.accepted[0],
        "reason": annotation.reason[0],
        "score": annotation.score[0] if annotation.score else None,
        "area": round(float(mask.mean()), 6),
        "size": list(mask.shape[::-1]),
    }


def _write_png(path: Path, array: npt.NDArray[np.uint8]) -> None:
    with atomic_path(path) as temporary:
        Image.fromarray(array).save(temporary, format="png")
