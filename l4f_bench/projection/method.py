"""Projection as an image method: the mask of a photograph is that of its reconstruction.

Source: Labels4Free (ICCV 2021), Table 4, the row of PSP.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import InputError
from l4f_bench.methods.labels4free.loading import alpha_file
from l4f_bench.projection.loading import ProjectorFiles, open_encoder_projector
from l4f_bench.projection.placement import Fit, fitted, put_back
from l4f_bench.projection.projectors import EncoderProjector


class ProjectingMethod:
    """Photograph to code, code to image and alpha in one pass, alpha at the photograph's size."""

    def __init__(self, projector: EncoderProjector, fit: Fit = "pad") -> None:
        """Segment by a projector.

        Args:
            projector: With an alpha network.
            fit: What becomes of photographs of another shape than the generator's pictures.

        Raises:
            InputError: The projector has no alpha network.
        """
        if projector.alpha is None:
            raise InputError("ours-psp needs an alpha network. Give its file with --alpha FILE.")
        self.projector, self._fit = projector, fit

    def segment(self, image: Tensor) -> Tensor:
        """See :class:`l4f_bench.methods.contracts.ImageMethod`; images are taken one by one."""
        size = (image.shape[2], image.shape[3])
        generator = self.projector.generator.architecture
        shape = self.projector.frame.picture_size(generator.size)
        placement = fitted(size, shape, self._fit)
        found = []
        for photograph in image.numpy():
            alpha = self.projector.project(photograph, placement).alpha
            assert alpha is not None, "the projector has an alpha network"
            found.append(torch.from_numpy(put_back(alpha, placement, size).copy()))
        return torch.stack(found)[:, None]


def load(
    weights: Path | None,
    *,
    dataset: str,
    device: str | None = None,
    generator: Path | None = None,
    alpha: Path | None = None,
) -> tuple[ProjectingMethod, dict[str, str]]:
    """``ours-psp`` for a data set.

    Args:
        weights: The encoder's file; None takes the data set's, embedded or in the cache.
        dataset: Key of the data set.
        device: Where to compute; None takes a GPU if there is one.
        generator: The generator's file; None takes the decoder in the encoder's file, or else the
            data set's.
        alpha: The alpha network's file; None takes the embedded one.

    Returns:
        The method, and the SHA-256 of the files.

    Raises:
        CheckpointError: A file cannot be read.
        InputError: The networks do not fit each other.
        MissingAssetError: A file is missing; the message says how to get it.
    """
    files = ProjectorFiles(
        dataset=dataset,
        encoder=weights,
        generator=generator,
        alpha=alpha_file(dataset) if alpha is None and dataset in DATASETS else alpha,
    )
    projector, digests = open_encoder_projector(files, device)
    return ProjectingMethod(projector), digests
