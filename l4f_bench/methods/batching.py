"""How many samples are made at a time."""

from __future__ import annotations

import torch

from l4f_bench.distributed import gathered
from l4f_bench.methods.contracts import GenerativeMethod

_SHARE_OF_MEMORY = 0.6  # leaves room for temporaries and what the allocator keeps
_MODEST = 8  # of a method that does not say where it computes, or what an image takes


def samples_per_batch(method: GenerativeMethod, wanted: int | None) -> int:
    """The batch size asked for, or for None one that fits the device's free memory.

    On a CPU that is 1: images are computed one at a time there. All processes get the same, since
    they take their samples round by round.
    """
    if wanted is not None:
        return wanted
    device, num_bytes = getattr(method, "device", None), getattr(method, "bytes_per_image", None)
    if device is None:
        return _MODEST
    place = torch.device(device)
    if place.type != "cuda":
        return 1
    if num_bytes is None:
        return _MODEST
    free, _ = torch.cuda.mem_get_info(place)
    fitting = max(1, min(64, int(_SHARE_OF_MEMORY * free / num_bytes)))
    return min(gathered(fitting))
