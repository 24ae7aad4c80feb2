"""Features of the Inception network that FID is defined on, from pytorch-fid's blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from l4f_bench.blocks import in_blocks
from l4f_bench.cache import cached_weight
from l4f_bench.cores import fits_one_core
from l4f_bench.errors import InputError, MissingDependencyError
from l4f_bench.features.contracts import FeatureSpec
from l4f_bench.features.resizing import check_resize, resized_floats
from l4f_bench.features.specs import INCEPTION
from l4f_bench.files.errors import RefusedError, refusals_named
from l4f_bench.files.state_dicts import checked_tensors
from l4f_bench.files.torch_file import read_torch_file
from l4f_bench.folding import for_inference
from l4f_bench.provenance import sha256_of
from l4f_bench.tensors import StateDict, load_tensors

SIDE = 299

_BLOCK = {"cpu": 16, "cuda": 64}
_NUM_CLASSES = 1008
_MIN_SIDE = 75  # smaller images have no pixel left after the strides
# Layers up to each of the four places where pytorch-fid reads features.
_BLOCKS = (
    ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1"),
    ("Conv2d_3b_1x1", "Conv2d_4a_3x3", "maxpool2"),
    (*(f"Mixed_5{c}" for c in "bcd"), *(f"Mixed_6{c}" for c in "abcde")),
    ("Mixed_7a", "Mixed_7b", "Mixed_7c"),
)


class Inception:
    """Feature extractor whose Fréchet distance is FID."""

    def __init__(
        self, network: nn.Module, *, resize: str, weights_sha256: str, device: torch.device
    ) -> None:
        """Use a network of :func:`load_network`; it is changed to run faster.

        Raises:
            InputError: The resize policy is unknown.
        """
        check_resize(resize)
        self._device = device
        fused = for_inference(network).to(device)
        self._blocks = [nn.Sequential(*(getattr(fused, key) for key in keys)) for keys in _BLOCKS]
        self._spec = FeatureSpec(
            name=INCEPTION.name,
            dimension=INCEPTION.dimension,
            resize=resize,
            weights_sha256=weights_sha256,
        )

    @property
    def spec(self) -> FeatureSpec:
        """Inception's pool3 features under this resize policy."""
        return self._spec

    @property
    def block_size(self) -> int:
        """Images that are computed together: weights are large beside the features of one."""
        return _BLOCK.get(self._device.type, _BLOCK["cpu"])

    @property
    def side_by_side(self) -> bool:
        """Whether images are best computed on one core each."""
        return fits_one_core(SIDE, self._device)

    def features(self, image: Tensor) -> npt.NDArray[np.float32]:
        """pool3 features ``[N, 2048]`` of images uint8 ``[N, 3, H, W]`` RGB."""
        return in_blocks(lambda x: self.block_means(x)[-1].cpu(), image, self.block_size).numpy()

    @torch.inference_mode()
    def block_means(self, image: Tensor) -> list[Tensor]:
        """Spatial means of all four blocks, ``[N, 64]``, 192, 768 and 2048.

        Raises:
            InputError: Images are too small to be used without resizing.
        """
        if self._spec.resize == "none" and min(image.shape[-2:]) < _MIN_SIDE:
            raise InputError(
                f"Images of {image.shape[-1]}x{image.shape[-2]} pixels are too small for --resize "
                "none. Choose bilinear."
            )
        x = 2 * resized_floats(image.to(self._device), SIDE, self._spec.resize) - 1
        x = x.contiguous(memory_format=torch.channels_last)
        means = []
        for block in self._blocks:
            x = block(x)
            means.append(x.mean((2, 3)))
        return means


def load_inception(weights: Path | None, *, resize: str, device: torch.device) -> Inception:
    """The extractor with the published weights, or with those of a file of the same layout.

    Args:
        weights: A file; None takes the one in the cache.
        resize: One of ``RESIZES``.
        device: Where to compute.

    Raises:
        InputError: The resize policy is unknown.
        CheckpointError: The file cannot be read, or holds another network.
        MissingAssetError: The weights are not in the cache.
        MissingDependencyError: pytorch-fid or torchvision cannot be imported.
    """
    check_resize(resize)
    path = weights or cached_weight(INCEPTION.weights)
    with refusals_named(path):
        content = read_torch_file(path)
        if not isinstance(content, dict):
            raise RefusedError("not a state dict")
        checked_tensors({"Inception": content}, path.stat().st_size)
        digest = sha256_of(path)
    network = empty_network()
    with refusals_named(path):
        fill_network(network, content)
    return Inception(network, resize=resize, weights_sha256=digest, device=device)


def empty_network() -> nn.Module:
    """The FID network without its weights; keys are those of the published file.

    It is torchvision's with the blocks that pytorch-fid changed: pooling ignores the padding, and
    the last block takes a maximum.

    Raises:
        MissingDependencyError: pytorch-fid or torchvision cannot be imported.
    """
    try:
        from pytorch_fid import inception as blocks
        from torchvision.models import inception_v3
    except Exception as error:  # a torchvision of another torch version raises nearly anything
        raise MissingDependencyError(
            "Inception needs pytorch-fid and torchvision, which cannot be imported "
            f"({' '.join(str(error).split())}). Run: pip install pytorch-fid"
        ) from error
    network: nn.Module = inception_v3(
        weights=None, num_classes=_NUM_CLASSES, aux_logits=False, init_weights=False
    )
    for key, channels, pooled in (("5b", 192, 32), ("5c", 256, 64), ("5d", 288, 64)):
        setattr(network, f"Mixed_{key}", blocks.FIDInceptionA(channels, pool_features=pooled))
    for key, channels in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        setattr(network, f"Mixed_{key}", blocks.FIDInceptionC(768, channels_7x7=channels))
    network.add_module("Mixed_7b", blocks.FIDInceptionE_1(1280))
    network.add_module("Mixed_7c", blocks.FIDInceptionE_2(2048))
    return network.eval()


def fill_network(network: nn.Module, state_dict: StateDict) -> None:
    """Put weights in place.

    Raises:
        InputError: They are those of another network; every key that does not fit is listed.
    """
    load_tensors(network, state_dict, optional=(".num_batches_tracked",))
