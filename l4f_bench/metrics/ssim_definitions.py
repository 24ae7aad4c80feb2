"""The definitions of SSIM that :mod:`l4f_bench.metrics.ssim` computes."""

from __future__ import annotations

DEFINITIONS = ("torchmetrics", "scikit-image")
PRIMARY = DEFINITIONS[0]
"""The definition that rules and tables go by."""
