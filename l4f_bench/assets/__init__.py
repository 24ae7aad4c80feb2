"""Weights that come with the package: everything that the shapes world needs."""

from __future__ import annotations

from pathlib import Path

EMBEDDED = {
    "shapes-generator": "shapes/generator.safetensors",
    "shapes-alpha": "shapes/alpha.safetensors",
    "shapes-annotator": "shapes/annotator.safetensors",
    "shapes-judge": "shapes/judge.safetensors",
    "shapes-student": "shapes/student.safetensors",
    "shapes-unet-student": "shapes/unet-student.safetensors",
    "shapes-encoder": "shapes/encoder.safetensors",
}
"""Files by the name that data sets know them by; ``reports/shapes`` says how each was made."""


def embedded_path(name: str) -> Path:
    """Where an embedded file lies; ``name`` is a key of :data:`EMBEDDED`."""
    return Path(__file__).parent / EMBEDDED[name]
