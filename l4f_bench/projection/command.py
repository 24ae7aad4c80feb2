"""From what a user asks for to a folder of projections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.devices import choose_device
from l4f_bench.errors import InputError
from l4f_bench.precision import BF16, FLOAT32, check_precision
from l4f_bench.progress import Progress
from l4f_bench.projection.folder import FolderConfig, project_folder
from l4f_bench.projection.landmarks import read_landmarks
from l4f_bench.projection.loading import (
    ProjectorFiles,
    open_encoder_projector,
    open_optimisation_projector,
)
from l4f_bench.projection.losses import MEASURES, USUAL
from l4f_bench.projection.optimisation import PRECISIONS as SEARCHED
from l4f_bench.projection.optimisation import OptimisationConfig
from l4f_bench.projection.placement import FITS
from l4f_bench.projection.projectors import Projector
from l4f_bench.projection.record import ProjectionRecord
from l4f_bench.provenance import sha256_of
from l4f_bench.registry import unknown_name

WAYS = ("encoder", "optimisation")
THRESHOLD = 0.5
"""Alpha above which a pixel is foreground, by default."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectRequest:
    """What to project, and how; None takes the usual."""

    images: Path
    encoder: Path | None = None
    generator: Path | None = None
    alpha: Path | None = None
    dataset: str | None = None
    by: str = "encoder"
    """One of :data:`WAYS`."""
    space: Any = "w+"
    losses: tuple[str, ...] | None = None
    num_steps: int | None = None
    precision: Any = None
    """Of an encoder one of ``PRECISIONS``. Of a search double or single; None is double on CPUs and
    single on GPUs, most of which are many times slower in double."""
    landmarks: Path | None = None
    fit: Any = "pad"
    threshold: float | None = None
    seed: int = 0
    device: str | None = None

    def __post_init__(self) -> None:
        if self.by not in WAYS:
            raise InputError(unknown_name("way to project", self.by, list(WAYS)))
        if self.fit not in FITS:
            raise InputError(unknown_name("fit", self.fit, list(FITS)))
        for name in self.losses or ():
            if name not in MEASURES:
                raise InputError(unknown_name("loss", name, list(MEASURES)))
        if self.threshold is not None and not 0 <= self.threshold < 1:
            raise InputError(f"--threshold {self.threshold:g} is out of range: use 0 to below 1.")
        if self.dataset is not None:
            DATASETS.get(self.dataset)
        self._refuse_other_way()

    def _refuse_other_way(self) -> None:
        """Refuse what was asked for and would be ignored."""
        if self.by == "optimisation" and self.encoder is not None:
            raise InputError("--by optimisation uses no --encoder. Leave one of them out.")
        of_search = {"loss": self.losses, "steps": self.num_steps}
        for flag, value in of_search.items():
            if self.by == "encoder" and value is not None:
                raise InputError(f"--{flag} applies to --by optimisation only. Leave it out.")
        if self.by == "encoder" and self.precision in SEARCHED:
            raise InputError(
                f"--precision {self.precision} applies to --by optimisation only. Give float32 or "
                "bf16, or leave it out."
            )
        if self.by == "encoder":
            check_precision(self.precision or FLOAT32)

    def search(self) -> OptimisationConfig:
        """How to search."""
        usual, of_encoder = OptimisationConfig(), self.by == "encoder"
        precision: Any = "double" if choose_device(self.device).type == "cpu" else "single"
        return OptimisationConfig(
            space=self.space,
            losses=self.losses or USUAL,
            num_steps=usual.num_steps if self.num_steps is None else self.num_steps,
            precision=precision if self.precision is None or of_encoder else self.precision,
            seed=self.seed,
        )


def run(
    request: ProjectRequest,
    out: Path,
    *,
    resume: bool,
    progress: Progress,
    warn: Callable[[str], object],
) -> ProjectionRecord:
    """Load a projector and project a folder; see :func:`project_folder`.

    Raises:
        InputError: A file or folder cannot be used, or networks do not fit each other.
        MissingAssetError: A file is missing; the message says how to get it.
    """
    search = request.search()  # refuses what is wrong before anything is loaded
    landmarks = None if request.landmarks is None else read_landmarks(request.landmarks)
    threshold = THRESHOLD if request.threshold is None else request.threshold
    config = FolderConfig(
        images=request.images, fit=request.fit, landmarks=landmarks, threshold=threshold
    )
    projector, digests = _open(request, search)
    if request.landmarks is not None:
        digests["landmarks"] = sha256_of(request.landmarks)
    identity = {
        "by": request.by,
        "loss": "+".join(search.losses) if request.by == "optimisation" else None,
        "search": asdict(search) if request.by == "optimisation" else None,
        "fit": None if landmarks else request.fit,
        "threshold": threshold,
        "frame": asdict(projector.frame),
        "sha256": digests,
    }
    if request.by == "encoder" and request.precision == BF16:
        identity["precision"] = BF16
    return project_folder(
        projector, config, out, identity, resume=resume, progress=progress, warn=warn
    )


def _open(request: ProjectRequest, search: OptimisationConfig) -> tuple[Projector, dict[str, str]]:
    files = ProjectorFiles(
        dataset=request.dataset,
        encoder=request.encoder,
        generator=request.generator,
        alpha=request.alpha,
    )
    if request.by == "encoder":
        return open_encoder_projector(files, request.device, request.precision or FLOAT32)
    return open_optimisation_projector(files, search, request.device)
