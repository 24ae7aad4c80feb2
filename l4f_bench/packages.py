"""Packages that the benchmark imports: what each is for, and what installs it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A package the benchmark can use."""

    name: str
    """Name for ``pip``."""
    module: str
    """Name for ``import``."""
    used_for: str
    """What fails without it."""
    required: bool = False
    """Whether the core fails without it."""
    install: str
    """Command that installs it."""


def _core(name: str, module: str | None = None) -> Package:
    return Package(
        name=name,
        module=module or name,
        used_for="core",
        required=True,
        install=f"pip install {name}",
    )


def _optional(name: str, module: str, used_for: str, install: str | None = None) -> Package:
    return Package(
        name=name, module=module, used_for=used_for, install=install or f"pip install {name}"
    )


# Its makers put no package on an index, and its model zoo imports pkg_resources, which later
# setuptools lack.
DETECTRON2_INSTALL = (
    "pip install 'setuptools<81' && pip install --no-build-isolation "
    "'git+https://github.com/facebookresearch/detectron2.git'"
)

PACKAGES = (
    *(
        _core(name)
        for name in (
            "torch",
            "torchmetrics",
            "numpy",
            "pandas",
            "safetensors",
            "scipy",
            "rich",
            "typer",
            "tabulate",
            "platformdirs",
            "pydantic",
            "filelock",
            "jinja2",
        )
    ),
    _core("pillow", "PIL"),
    _optional("torchvision", "torchvision", "Mask R-CNN, Inception for FID"),
    _optional("pytorch-fid", "pytorch_fid", "Inception for FID"),
    _optional("lmdb", "lmdb", "LSUN data sets"),
    _optional("opencv-python-headless", "cv2", "GrabCut, backgrounds of edits by telea"),
    _optional("scikit-image", "skimage", "backgrounds of edits by biharmonic"),
    _optional("scikit-learn", "sklearn", "directions by GANSpace and InterFaceGAN"),
    _optional("torchdiffeq", "torchdiffeq", "edits by StyleFlow"),
    _optional("pycocotools", "pycocotools", "pairs in COCO's format"),
    _optional("matplotlib", "matplotlib", "plots"),
    _optional("tensorboard", "tensorboard", "training logs"),
    _optional("detectron2", "detectron2", "the original Mask R-CNN", DETECTRON2_INSTALL),
)
