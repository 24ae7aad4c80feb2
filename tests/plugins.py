"""Packages of strangers, as an installer would leave them in a folder to import from."""

from __future__ import annotations

from pathlib import Path


def offer(folder: Path, package: str, entry_points: str, **modules: str) -> Path:
    """Install a package that offers entry points into ``folder``, which is returned.

    Args:
        folder: Where packages are; made if need be.
        package: Its name.
        entry_points: Groups in brackets and lines ``name = module:object``.
        modules: Source by name.
    """
    about = folder / f"{package}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"{entry_points}\n")
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source)
    return folder
