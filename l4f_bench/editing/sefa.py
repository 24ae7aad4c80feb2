"""Closed-form directions: what the style layers of a generator amplify most, without any sample.

Two conventions are in use. SeFa's own looks at chosen layers and gives every row of their weights
unit length; rosinality's takes all styled convolutions and the first RGB layer as they are.
Source: Closed-Form Factorization of Latent Semantics in GANs (CVPR 2021), and the code of
rosinality/stylegan2-pytorch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from l4f_bench.errors import InputError
from l4f_bench.generators.stylegan2 import Generator


class Factors(NamedTuple):
    """Directions of W by how much the weights amplify them."""

    directions: Tensor
    """Unit rows, float64 ``[w_dim, w_dim]``, the most amplified first; each with its largest entry
    positive."""
    values: Tensor
    """Descending, float64 ``[w_dim]``: eigenvalues in :func:`sefa`, singular values in
    :func:`factorise`."""


def sefa(weights: Sequence[Tensor]) -> Factors:
    """Eigenvectors of the Gram matrix of all rows, each of unit length.

    Args:
        weights: Style weights ``[C, w_dim]`` of the layers; biases and run-time scales play no
            role.

    Source: SeFa, its released code, with a symmetric solver and sorted.
    """
    rows = torch.cat([weight.detach().double() for weight in weights])
    rows = rows / rows.norm(dim=1, keepdim=True)
    values, vectors = torch.linalg.eigh(rows.T @ rows)
    return Factors(largest_positive(vectors.T.flip(0)), values.flip(0))


def factorise(weights: Sequence[Tensor]) -> Factors:
    """Right singular vectors of all rows as they are.

    Args:
        weights: As for :func:`sefa`.

    Source: closed-form factorisation of rosinality/stylegan2-pytorch.
    """
    rows = torch.cat([weight.detach().double() for weight in weights])
    # Its Gram matrix is small where the rows are many.
    values, vectors = torch.linalg.eigh(rows.T @ rows)
    return Factors(largest_positive(vectors.T.flip(0)), values.flip(0).clamp(min=0).sqrt())


def style_weights(generator: Generator, layers: Sequence[int] | None = None) -> list[Tensor]:
    """Style weights ``[C, w_dim]`` of SeFa's layers, which are also the rows of W+ to edit.

    Args:
        generator: The generator.
        layers: 0 is the first styled convolution, the last is the style of the last RGB layer (as
            the rows of W+ count); the other RGB layers are left out. None for all.

    Raises:
        InputError: A layer does not exist, or none is given.
    """
    modules = [generator.conv1, *generator.convs, generator.to_rgbs[-1]]
    chosen = range(len(modules)) if layers is None else layers
    if not chosen or not all(0 <= layer < len(modules) for layer in chosen):
        raise InputError(
            f"Layers {list(chosen)} do not fit this generator. Give some of 0 to "
            f"{len(modules) - 1}."
        )
    return [modules[layer].get_parameter("conv.modulation.weight") for layer in chosen]


def convolution_weights(generator: Generator) -> list[Tensor]:
    """Style weights ``[C, w_dim]`` that rosinality's convention takes."""
    modules = [generator.conv1, *generator.convs, generator.to_rgb1]
    return [module.get_parameter("conv.modulation.weight") for module in modules]


def largest_positive(rows: Tensor) -> Tensor:
    """Rows with the sign that makes the entry of largest magnitude positive, ``[K, D]``."""
    largest = rows.gather(1, rows.abs().argmax(dim=1, keepdim=True))
    return rows * torch.where(largest < 0, -1.0, 1.0)
