"""Benchmark of unsupervised foreground/background segmentation with generative models.

The front door for notebooks; every name is imported when it is first used:
``score``, ``evaluate``, ``load_method``, ``load_generator``, ``load_annotator``, ``load_records``,
``report``.
"""

from typing import Any

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "evaluate",
    "load_annotator",
    "load_generator",
    "load_method",
    "load_records",
    "report",
    "score",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from importlib import import_module  # torch and the rest of it: only where needed

        return getattr(import_module("l4f_bench.front"), name)
    raise AttributeError(f"module 'l4f_bench' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
