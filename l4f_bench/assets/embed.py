"""Store a trained network as the package embeds it: half the bytes, in half precision.

python -m l4f_bench.assets.embed runs/shapes/annotator/annotator.safetensors ASSET
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from l4f_bench.runs import atomic_path


def embed(source: Path, asset: Path) -> None:
    """Write float tensors as float16, and everything else as it is.

    Networks are read back as float32, so what is scored are the rounded weights.
    """
    from safetensors import safe_open
    from safetensors.torch import load_file, save

    with safe_open(source, "pt") as file:
        metadata = file.metadata()
    if "l4f_bench" in metadata:
        described = json.loads(metadata["l4f_bench"])
        for network in described["networks"].values():
            network["dtypes"] = ["float16"]
        metadata["l4f_bench"] = json.dumps(described, sort_keys=True)
    halves = {key: t.half() if t.is_floating_point() else t for key, t in load_file(source).items()}
    with atomic_path(asset) as temporary:
        temporary.write_bytes(save(halves, metadata))


if __name__ == "__main__":
    embed(*map(Path, sys.argv[1:]))
