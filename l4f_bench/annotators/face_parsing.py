"""Masks by a network that parses images: of its classes a named set is foreground."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from l4f_bench.annotators.contracts import Annotation, Normalisation, ParsingNetwork, Reason
from l4f_bench.annotators.images import as_rgb, resized
from l4f_bench.annotators.rejection import checked_fraction
from l4f_bench.blocks import block_size, in_blocks
from l4f_bench.cores import fits_one_core
from l4f_bench.datasets.celebamask.parts import PARTS
from l4f_bench.errors import InputError
from l4f_bench.registry import unknown_name

FACE_CLASSES = ("background", *PARTS)
"""Classes of the public face-parsing network, by index."""

FACE_SIDE = 512
"""Pixels that the public network was trained at."""

PIECE = 0.005
"""Part of an image that a piece of the foreground covers at least; smaller ones are specks."""

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet, RGB


class FaceParser:
    """Annotator whose mask is the union of some of a network's classes.

    It accepts every image, unless a minimum area or a foreground in one piece is asked for.
    """

    def __init__(
        self,
        network: ParsingNetwork,
        *,
        classes: Sequence[str] = FACE_CLASSES,
        foreground: Collection[str] | None = None,
        side: int = FACE_SIDE,
        min_area: float = 0.0,
        normalisation: Normalisation | None = None,
        one_piece: bool = False,
    ) -> None:
        """Use ``network``, which is put in eval mode, on its own device.

        Args:
            network: Trained at ``side`` x ``side`` pixels.
            classes: Names of its classes by index.
            foreground: Names of those that are foreground; by default all but the first.
            side: Pixels that images are resized to.
            min_area: Part of the image, 0 to 1, that the foreground must cover at least.
            normalisation: How pixels come to the network; None for the usual way of its kind.
            one_piece: Reject images whose foreground lies in several pieces, each of at least
                :data:`PIECE` of the image; eight neighbours of a pixel touch it.

        Raises:
            InputError: ``min_area`` is not between 0 and 1, a name is unknown (the nearest is
                given), none is given, or the network has another number of classes.
        """
        if len(classes) != network.num_classes:
            raise InputError(
                f"This {type(network).__name__} has {network.num_classes} classes where "
                f"{len(classes)} are named: {', '.join(classes)}."
            )
        self.foreground = _in_order(classes, classes[1:] if foreground is None else foreground)
        self.classes = tuple(classes)
        self.side = side
        self.min_area = checked_fraction("min_area", min_area)
        self.normalisation = normalisation or network.normalisation
        self.one_piece = one_piece
        self.network = network.eval()
        self.side_by_side = fits_one_core(side, self._device)
        self._is_foreground = torch.tensor([name in self.foreground for name in classes])

    def annotate(self, image: Tensor) -> Annotation:
        """Masks of the foreground classes, bool ``[N, H, W]``; arguments as in ``class_map``."""
        parsed = self._parse(image)
        mask = _at_size_of(self._is_foreground.to(parsed.device)[parsed], image).bool()
        return Annotation(mask=mask, reason=tuple(self._reason(one) for one in mask))

    def _reason(self, mask: Tensor) -> Reason | None:
        area = float(mask.count_nonzero()) / mask.numel()
        if area < self.min_area:
            return "too-small" if area else "no-instance"
        return "several-instances" if self.one_piece and num_pieces(mask) > 1 else None

    def class_map(self, image: Tensor) -> Tensor:
        """Class of every pixel, uint8 ``[N, H, W]`` at the image's size and on its device.

        Args:
            image: uint8 ``[N, 3, H, W]`` RGB; grey ``[N, 1, H, W]`` and RGBA are converted.

        Raises:
            InputError: ``image`` has another layout.
        """
        return _at_size_of(self._parse(image), image)

    def prepared(self, image: Tensor) -> Tensor:
        """What the network reads, float32 ``[N, 3, side, side]`` on its device.

        Args:
            image: As for ``class_map``.

        Raises:
            InputError: ``image`` has another layout.
        """
        return preprocess(image, self.side, self.normalisation).to(self._device)

    @property
    def block_size(self) -> int:
        """Images that are computed together."""
        return block_size(self.side, self._device)

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters()).device

    def _parse(self, image: Tensor) -> Tensor:
        """Classes at the network's size, int64 ``[N, side, side]``."""
        return in_blocks(lambda x: self.scores(x).argmax(1), self.prepared(image), self.block_size)

    @torch.no_grad()
    def scores(self, pixels: Tensor) -> Tensor:
        """The network's scores, ``[N, num_classes, side, side]``, of what ``prepared`` gives."""
        # The layout that convolutions are fastest in; kernels, and so bits, depend on it.
        return self.network.scores(pixels.contiguous(memory_format=torch.channels_last))


def num_pieces(mask: Tensor) -> int:
    """Connected pieces of a mask, bool ``[H, W]``, that cover at least :data:`PIECE` of it."""
    from scipy import ndimage  # takes a third of a second to import

    labels, _ = ndimage.label(mask.cpu().numpy(), structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel())[1:]
    return int((sizes >= PIECE * mask.numel()).sum())


def preprocess(
    image: Tensor,
    side: int | tuple[int, int] = FACE_SIDE,
    normalisation: Normalisation = "imagenet",
) -> Tensor:
    """What public networks read: resized bilinearly, as BiSeNet's normalised by ImageNet.

    Args:
        image: uint8 ``[N, 3, H, W]`` RGB; grey and RGBA are converted.
        side: Pixels of the result: one number for a square, or height and width. The image's own
            size leaves its pixels as they are.
        normalisation: ``unit`` leaves pixels in [0, 1].

    Returns:
        float32 ``[N, 3, side, side]``, or of the height and width asked for.

    Raises:
        InputError: ``image`` has another layout.
    """
    return normalised(resized(as_rgb(image), side).float().div_(255), normalisation)


def normalised(pixels: Tensor, normalisation: Normalisation) -> Tensor:
    """Pixels ``[N, 3, H, W]`` in [0, 1] as a network reads them."""
    if normalisation == "unit":
        return pixels
    mean = torch.tensor(_MEAN, device=pixels.device)[:, None, None]
    std = torch.tensor(_STD, device=pixels.device)[:, None, None]
    return (pixels - mean).div_(std)


def _at_size_of(small: Tensor, image: Tensor) -> Tensor:
    """Labels at the image's size, uint8 ``[N, H, W]`` on its device."""
    labels = small[:, None].to(image.device, torch.uint8)
    # By the centres of pixels; "nearest" would shift the labels by half a pixel of the larger.
    return F.interpolate(labels, tuple(image.shape[-2:]), mode="nearest-exact")[:, 0]


def _in_order(classes: Sequence[str], foreground: Collection[str]) -> tuple[str, ...]:
    """The foreground names in order of their index, so that equal sets are recorded equally."""
    for name in foreground:
        if name not in classes:
            raise InputError(unknown_name("class", name, list(classes)))
    if not foreground:
        raise InputError(f"No foreground class is named. Known: {', '.join(classes)}.")
    return tuple(name for name in classes if name in foreground)
