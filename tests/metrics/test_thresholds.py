from __future__ import annotations

import subprocess
import sys

import numpy as np
import torch

from l4f_bench.metrics.thresholds import threshold_steps


def test_a_grey_level_exceeds_as_many_thresholds_as_it_says() -> None:
    levels = np.arange(256)
    for kind in (np.float32, np.float64):
        assert threshold_steps((levels / 255).astype(kind)).tolist() == levels.tolist()


def test_a_value_between_two_levels_exceeds_the_lower_one() -> None:
    assert threshold_steps(np.array([0.0, 0.5 / 255, 127.5 / 255, 1.0])).tolist() == [
        0,
        1,
        128,
        255,
    ]


def test_tensors_give_the_numbers_of_arrays() -> None:
    values = torch.rand(1000, generator=torch.Generator().manual_seed(0))
    steps = threshold_steps(values)
    assert steps.dtype == torch.int64
    assert steps.tolist() == threshold_steps(values.numpy()).tolist()


def test_it_needs_no_torch() -> None:
    code = "import sys, l4f_bench.metrics.thresholds; print('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
