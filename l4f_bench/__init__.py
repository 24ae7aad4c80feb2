"""Benchmark of unsupervised foreground/background segmentation with generative models."""

__version__ = "0.1.0"
