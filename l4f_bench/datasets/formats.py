"""Which files are taken for images."""

from __future__ import annotations

EXTENSIONS = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".gif"),
    *(".pbm", ".pgm", ".ppm", ".pnm"),
)
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM")
"""Pillow's names of what a file may hold, whatever it is called: for some others (EPS) Pillow
starts an interpreter."""

COMPANIONS = (
    *(".txt", ".md", ".rst", ".pdf", ".html", ".json", ".jsonl", ".csv", ".tsv", ".xml"),
    *(".yaml", ".yml", ".toml", ".ini", ".log", ".db"),
)
"""Texts and tables that stand beside images and that nobody takes for one."""
