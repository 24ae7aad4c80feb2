"""Features of the shapes world's embedded annotator, for where Inception says nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from l4f_bench.annotators.bisenet import BiSeNet
from l4f_bench.annotators.face_parsing import FaceParser
from l4f_bench.annotators.parser_file import load_parser
from l4f_bench.blocks import in_blocks
from l4f_bench.cache import cached_weight
from l4f_bench.errors import InputError
from l4f_bench.features.contracts import FeatureSpec
from l4f_bench.features.resizing import DEFAULT_RESIZE, check_resize
from l4f_bench.features.specs import PARSER
from l4f_bench.provenance import sha256_of


class ParserFeatures:
    """BiSeNet's fused features, averaged over the image; their distance is never called FID."""

    def __init__(self, parser: FaceParser, *, resize: str, weights_sha256: str) -> None:
        """Use the network of ``parser``, a BiSeNet, at its own size.

        Raises:
            InputError: The resize policy is not the usual one.
        """
        check_resize(resize)
        if resize != DEFAULT_RESIZE:
            raise InputError("The annotator resizes images in its own way. Leave out --resize.")
        assert isinstance(parser.network, BiSeNet), "other networks have no fused features"
        self._parser, self._network = parser, parser.network
        self._spec = FeatureSpec(
            name=PARSER.name,
            dimension=self._network.num_features,
            resize="antialiased bilinear",  # the annotator's own, whatever Inception would get
            weights_sha256=weights_sha256,
        )

    @property
    def spec(self) -> FeatureSpec:
        """What they are."""
        return self._spec

    @property
    def block_size(self) -> int:
        """Images that are computed together."""
        return self._parser.block_size

    @property
    def side_by_side(self) -> bool:
        """Whether images are best computed on one core each."""
        return self._parser.side_by_side

    @torch.inference_mode()
    def features(self, image: Tensor) -> npt.NDArray[np.float32]:
        """Features ``[N, dimension]`` of images uint8 ``[N, 3, H, W]`` RGB."""
        pixels = self._parser.prepared(image)
        means: npt.NDArray[np.float32] = in_blocks(self._means, pixels, self.block_size).numpy()
        return means

    def _means(self, pixels: Tensor) -> Tensor:
        fused = self._network.fused(pixels.contiguous(memory_format=torch.channels_last))
        return fused.mean((2, 3)).cpu()


def load_parser_features(
    weights: Path | None, *, resize: str, device: torch.device
) -> ParserFeatures:
    """The extractor with the embedded annotator, or with another BiSeNet.

    Args:
        weights: A file; None takes the embedded one.
        resize: The usual one; the annotator resizes in its own way.
        device: Where to compute.

    Raises:
        InputError: The resize policy is not the usual one.
        CheckpointError: The file cannot be read, or holds another network.
    """
    path = weights or cached_weight(PARSER.weights)
    parser = load_parser(path, device, network=BiSeNet)
    return ParserFeatures(parser, resize=resize, weights_sha256=sha256_of(path))
