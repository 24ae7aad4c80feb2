"""Annotating a folder by BiSeNet against the loop of the public network, from files to files.

The public loop reads an image, resizes it to 512 pixels, normalises it, runs the network with all
three heads as it was trained, one image at a time, and writes the most likely class of each pixel.
Ours is what ``l4f-bench annotate`` calls. Same random weights of the published sizes; the share of
pixels on which both masks agree is printed.

    python benchmarks/bisenet.py --images 8 --rounds 5
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from timing import in_turns, ratio

from l4f_bench.annotators.bisenet import BiSeNet
from l4f_bench.annotators.face_parsing import FaceParser
from l4f_bench.annotators.folder import annotate_folder
from l4f_bench.annotators.parser_file import load_parser

SIDE = 512
MEAN, STD = np.array((0.485, 0.456, 0.406)), np.array((0.229, 0.224, 0.225))


@torch.no_grad()
def public_loop(network: BiSeNet, images: Path, out: Path) -> None:
    """Class maps of a folder, file by file."""
    out.mkdir(exist_ok=True)
    for path in sorted(images.iterdir()):
        image = Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        pixels = ((np.asarray(image) / 255 - MEAN) / STD).transpose(2, 0, 1).astype(np.float32)
        scores = network(torch.from_numpy(pixels)[None]).main
        classes = scores.squeeze(0).numpy().argmax(0).astype(np.uint8)
        Image.fromarray(classes).save(out / path.name)


def ours(parser: FaceParser, images: Path, out: Path) -> None:
    """Masks of a folder."""
    shutil.rmtree(out, ignore_errors=True)
    annotate_folder(
        parser, images, out, {}, class_maps=False, resume=False,
        progress=lambda _: lambda _: None, warn=print,
    )  # fmt: skip


def agreement(images: Path, public: Path, masks: Path) -> float:
    """Share of pixels that are background to both, or to neither."""
    names = [path.name for path in images.iterdir()]
    read = {name: (np.asarray(Image.open(public / name)), np.asarray(Image.open(masks / name)))
            for name in names}  # fmt: skip
    return float(np.mean([((a > 0) == (b > 0)).mean() for a, b in read.values()]))


def main() -> None:
    """Time both in turns, and print rates and their ratio as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    network = BiSeNet().eval()
    source = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        images, public, out = (folder / name for name in ("images", "public", "out"))
        images.mkdir()
        for index in range(arguments.images):
            small = source.integers(0, 256, (16, 16, 3), np.uint8)
            Image.fromarray(small).resize((SIDE, SIDE)).save(images / f"{index}.png")
        torch.save(network.state_dict(), folder / "random.pth")
        annotator = load_parser(folder / "random.pth", torch.device("cpu"))
        seconds = in_turns(
            {
                "public": lambda: public_loop(network, images, public),
                "ours": lambda: ours(annotator, images, out),
            },
            arguments.rounds,
        )
        same = agreement(images, public, out / "masks")
    rates = {name: arguments.images / statistics.median(s) for name, s in seconds.items()}
    found = {"images_per_s": rates, "ratio": ratio(seconds["public"], seconds["ours"])}
    print(json.dumps({**vars(arguments), "threads": torch.get_num_threads(), **found,
                      "agreement": same}))  # fmt: skip


if __name__ == "__main__":
    main()
