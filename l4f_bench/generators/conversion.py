"""State dicts of NVIDIA's PyTorch layout in the layout that the networks here use.

Source: key names of NVlabs/stylegan2-ada-pytorch (``training/networks.py``) and of
rosinality/stylegan2-pytorch (``model.py``). Both store the same raw values, so a conversion only
renames and reshapes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from l4f_bench.errors import InputError

_IGNORED = ("resample_filter", "w_avg")  # the filter is fixed; the mean latent is kept apart
_DISCRIMINATOR_BLOCK = {
    "conv0.weight": "conv1.0.weight",
    "conv0.bias": "conv1.1.bias",
    "conv1.weight": "conv2.1.weight",
    "conv1.bias": "conv2.2.bias",
    "skip.weight": "skip.1.weight",
}
_DISCRIMINATOR_END = {
    "conv.weight": "final_conv.0.weight",
    "conv.bias": "final_conv.1.bias",
    "fc.weight": "final_linear.0.weight",
    "fc.bias": "final_linear.0.bias",
    "out.weight": "final_linear.1.weight",
    "out.bias": "final_linear.1.bias",
}
_FROM_RGB = {"fromrgb.weight": "convs.0.0.weight", "fromrgb.bias": "convs.0.1.bias"}


def from_nvidia_generator(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Generator tensors under rosinality keys; ``mapping.w_avg`` is left out.

    Raises:
        InputError: A key is not one of an unconditional StyleGAN2 generator with skip connections.
    """
    converted = {}
    for key, value in _kept(state_dict):
        if match := re.fullmatch(r"mapping\.fc(\d+)\.(weight|bias)", key):
            converted[f"style.{int(match[1]) + 1}.{match[2]}"] = value
        elif key == "synthesis.b4.const":
            converted["input.input"] = value[None]
        elif match := re.fullmatch(r"synthesis\.b(\d+)\.(conv0|conv1|torgb)\.(.+)", key):
            name, tensor = _synthesis(int(match[1]), match[2], match[3], value)
            converted[name] = tensor
        else:
            raise _unknown(key, "generator")
    return converted


def from_nvidia_discriminator(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Discriminator tensors under rosinality keys.

    Raises:
        InputError: A key is not one of an unconditional residual StyleGAN2 discriminator.
    """
    parts = {key: re.fullmatch(r"b(\d+)\.(.+)", key) for key, _ in _kept(state_dict)}
    largest = max((int(match[1]) for match in parts.values() if match), default=4)
    converted = {}
    for key, match in parts.items():
        size, rest = (int(match[1]), match[2]) if match else (0, "")
        if size == 4 and rest in _DISCRIMINATOR_END:
            name = _DISCRIMINATOR_END[rest]
        elif size == largest and rest in _FROM_RGB:
            name = _FROM_RGB[rest]
        elif size >= 8 and rest in _DISCRIMINATOR_BLOCK:
            block = largest.bit_length() - size.bit_length() + 1
            name = f"convs.{block}.{_DISCRIMINATOR_BLOCK[rest]}"
        else:
            raise _unknown(key, "discriminator")
        converted[name] = state_dict[key]
    return converted


def _synthesis(size: int, layer: str, rest: str, value: Tensor) -> tuple[str, Tensor]:
    """Key and tensor of one synthesis layer at ``size`` pixels."""
    block = size.bit_length() - 4  # 8 px is block 0
    index = 2 * block + int(layer == "conv1")
    if layer == "torgb":
        name = "to_rgb1" if size == 4 else f"to_rgbs.{block}"
    else:
        name = "conv1" if size == 4 else f"convs.{index}"
    if rest == "weight":
        return f"{name}.conv.weight", value[None]
    if rest in ("affine.weight", "affine.bias"):
        return f"{name}.conv.modulation.{rest.removeprefix('affine.')}", value
    if layer == "torgb" and rest == "bias":
        return f"{name}.bias", value.reshape(1, -1, 1, 1)
    if layer != "torgb" and rest == "bias":
        return f"{name}.activate.bias", value
    if layer != "torgb" and rest == "noise_strength":
        return f"{name}.noise.weight", value.reshape(1)
    if layer != "torgb" and rest == "noise_const":
        return f"noises.noise_{0 if size == 4 else index + 1}", value[None, None]
    raise _unknown(f"synthesis.b{size}.{layer}.{rest}", "generator")


def _kept(state_dict: Mapping[str, Tensor]) -> list[tuple[str, Tensor]]:
    return [pair for pair in state_dict.items() if pair[0].rpartition(".")[2] not in _IGNORED]


def _unknown(key: str, network: str) -> InputError:
    hint = "; conditional networks are not supported" if "embed" in key or "cmap" in key else ""
    return InputError(f"{key:.80} is not a key of a supported StyleGAN2 {network}{hint}")
