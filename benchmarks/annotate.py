"""Images per second of the annotators on random weights, and their memory over many images.

BiSeNet (19 classes) and our Mask R-CNN (R101-FPN) annotate the same random images. Where detectron2
is importable, its predictor takes turns with ours on the same weights and images, and their ratio
is reported; where it is not, the result says so. Random weights find nothing that counts, so one
round asks for everything: a rule without a score threshold makes every head and the pasting work.
Memory is that of a fresh process each: its peak after some numbers of images up to ``--many``.

    OMP_NUM_THREADS=2 python benchmarks/annotate.py --side 512 --images 4 --many 100
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from timing import ratio
from torch import Tensor

from l4f_bench.annotators.bisenet import BiSeNet
from l4f_bench.annotators.contracts import Annotator
from l4f_bench.annotators.face_parsing import FaceParser
from l4f_bench.annotators.loading import load_annotator
from l4f_bench.annotators.mask_rcnn import Architecture, MaskRCNN
from l4f_bench.annotators.rejection import RejectionRule

READINGS = (1, 10, 50, 250)
RULES = {  # what is asked of the networks: next to nothing, or everything they find
    "above-0.5": RejectionRule(target_class="person"),
    "all": RejectionRule(target_class="person", min_score=0.0),
}


def write_weights(path: Path, seed: int) -> None:
    """Random Mask R-CNN weights of the published sizes, under the published keys."""
    torch.manual_seed(seed)
    torch.save({"model": MaskRCNN(Architecture()).state_dict()}, path)


def build(name: str, weights: Path, seed: int) -> Annotator:
    """The annotator ``bisenet``, or ``BACK_END/RULE``."""
    if name == "bisenet":
        torch.manual_seed(seed)
        return FaceParser(BiSeNet())
    back_end, rule = name.split("/")
    return load_annotator(back_end, weights, torch.device("cpu"), RULES[rule])


def random_images(number: int, side: int, seed: int) -> Tensor:
    """uint8 ``[N, 3, S, S]``."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (number, 3, side, side), dtype=torch.uint8, generator=generator)


def time_in_turns(
    annotators: dict[str, Annotator], image: Tensor, rounds: int
) -> dict[str, list[float]]:
    """Seconds of each annotator per round, after one image to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in annotators}
    for annotator in annotators.values():
        annotator.annotate(image[:1])
    for _ in range(rounds):
        for name, annotator in annotators.items():
            start = time.perf_counter()
            annotator.annotate(image)
            seconds[name].append(time.perf_counter() - start)
    return seconds


def print_peaks(annotator: Annotator, arguments: argparse.Namespace) -> None:
    """Print the peak memory in MiB by the number of images so far (Linux only)."""
    peaks = {}
    for number in range(1, arguments.many + 1):
        annotator.annotate(random_images(1, arguments.side, number))
        if number in (*READINGS, arguments.many):
            status = Path("/proc/self/status").read_text(encoding="utf-8")
            peaks[number] = int(status.split("VmHWM:")[1].split()[0]) // 1024
    print(json.dumps(peaks))


def peaks_of(name: str, weights: Path, arguments: argparse.Namespace) -> dict[str, int]:
    """Those of one annotator, in a process of its own."""
    command = [sys.executable, __file__, "--memory-of", name, "--weights", str(weights)]
    for option in ("side", "many", "seed", "threads"):
        command += [f"--{option}", str(getattr(arguments, option))]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(output))


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--images", type=int, default=4, help="in every round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--many", type=int, default=100, help="images of the memory test")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    parser.add_argument("--weights", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(weights: Path, arguments: argparse.Namespace) -> dict[str, object]:
    """Rates, ratios and memory of everything that can be imported."""
    back_ends = ["mask-rcnn"]
    if importlib.util.find_spec("detectron2") is not None:
        back_ends.append("detectron2")
    names = ["bisenet", *(f"{back_end}/{rule}" for rule in RULES for back_end in back_ends)]
    annotators = {name: build(name, weights, arguments.seed) for name in names}
    image = random_images(arguments.images, arguments.side, arguments.seed)
    seconds = time_in_turns(annotators, image, arguments.rounds)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    ratios: dict[str, str] | str = "detectron2 is not installed, so there is nothing to compare"
    if len(back_ends) == 2:
        ratios = {
            rule: ratio(seconds[f"detectron2/{rule}"], seconds[f"mask-rcnn/{rule}"])
            for rule in RULES
        }
    peaks = {name: peaks_of(name, weights, arguments) for name in ("bisenet", "mask-rcnn/all")}
    return {
        "images_per_s": {name: round(arguments.images / s, 3) for name, s in median.items()},
        "ratio_to_detectron2": ratios,
        "peak_mib_by_images": peaks,
        "torch": torch.__version__,
    }


def main() -> None:
    """Measure everything and print it as JSON."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    if arguments.memory_of:
        print_peaks(build(arguments.memory_of, arguments.weights, arguments.seed), arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "random.pth"
        write_weights(weights, arguments.seed)
        result = measure(weights, arguments)
    del arguments.memory_of, arguments.weights
    print(json.dumps({**vars(arguments), **result}))


if __name__ == "__main__":
    main()
