"""Sizes of an encoder, read off its tensors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from l4f_bench.errors import InputError
from l4f_bench.tensors import StateDict, shape_of

NUM_STAGES = 4
COARSE, MIDDLE = 3, 7
"""Style heads below the first read the deepest features, below the second the middle ones, the
others the finest."""
_PUBLISHED_BLOCKS = (3, 4, 14, 3)
_MOST_BLOCKS, _MOST_STYLES, _MOST_CONVS = 200, 18, 12


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderArchitecture:
    """Everything that fixes an encoder's tensors."""

    num_styles: int
    """Rows of the codes, 2 log2(size) - 2 of the generator's size."""
    latent_width: int = 512
    """Width of a row."""
    stem_width: int = 64
    """Channels of the first convolution."""
    widths: tuple[int, ...] = (64, 128, 256, 512)
    """Channels of the four stages; each halves the resolution."""
    blocks: tuple[int, ...] = _PUBLISHED_BLOCKS
    """Blocks of each stage."""
    squeezed: tuple[int, ...] = (4, 8, 16, 32)
    """Channels within the squeeze-and-excitation of each stage."""
    head_width: int = 512
    """Channels within the style heads."""
    head_convs: int = 4
    """Convolutions of the heads that read the deepest features; the middle heads have one more, the
    fine ones two. Each halves the resolution."""
    image_channels: int = 3

    def __post_init__(self) -> None:
        lists = (self.widths, self.blocks, self.squeezed)
        if any(len(values) != NUM_STAGES for values in lists):
            raise InputError(f"An encoder has {NUM_STAGES} stages: give {NUM_STAGES} of each list.")

    @property
    def side(self) -> int:
        """Pixels of the image's longer side that its heads are made for."""
        return 16 << self.head_convs

    @property
    def generator_size(self) -> int:
        """Side in pixels of the images of the generator that the codes are for."""
        return 1 << (self.num_styles + 2) // 2

    def convs_of(self, head: int) -> int:
        """Convolutions of a style head."""
        return self.head_convs + (0 if head < COARSE else 1 if head < MIDDLE else 2)

    @classmethod
    def of(cls, state_dict: StateDict) -> EncoderArchitecture:
        """Read the architecture off a state dict with the keys of the public checkpoints.

        Raises:
            InputError: Tensors that fix a size are missing or of another shape.
        """
        stem = shape_of(state_dict, "input_layer.0.weight", 4)
        blocks = _stages(state_dict)
        starts = [sum(blocks[:stage]) for stage in range(NUM_STAGES)]
        num_styles = _count(state_dict, "styles.{}.linear.weight", _MOST_STYLES)
        convs = _count(state_dict, "styles.0.convs.{}.weight", _MOST_CONVS, step=2)
        linear = shape_of(state_dict, "styles.0.linear.weight", 2)
        return cls(
            num_styles=num_styles,
            latent_width=linear[0],
            stem_width=stem[0],
            widths=tuple(_width(state_dict, start) for start in starts),
            blocks=blocks,
            squeezed=tuple(
                shape_of(state_dict, f"body.{start}.res_layer.5.fc1.weight", 4)[0]
                for start in starts
            ),
            head_width=linear[1],
            head_convs=convs,
            image_channels=stem[1],
        )


def _stages(state_dict: StateDict) -> tuple[int, ...]:
    """Blocks of each stage: the published numbers, or runs of blocks of one width."""
    total = _count(state_dict, "body.{}.res_layer.1.weight", _MOST_BLOCKS)
    if total == sum(_PUBLISHED_BLOCKS):
        return _PUBLISHED_BLOCKS
    widths = [_width(state_dict, block) for block in range(total)]
    runs = tuple(len(list(run)) for _, run in groupby(widths))
    if len(runs) != NUM_STAGES:
        raise InputError(
            f"Its {total} blocks do not fall into {NUM_STAGES} stages of one width each: this is "
            "not an encoder of pSp or e4e."
        )
    return runs


def _width(state_dict: StateDict, block: int) -> int:
    return shape_of(state_dict, f"body.{block}.res_layer.1.weight", 4)[0]


def _count(state_dict: StateDict, pattern: str, most: int, step: int = 1) -> int:
    """How many keys of the pattern there are in a row, from 1 to ``most``."""
    number = 0
    while pattern.format(step * number) in state_dict and number <= most:
        number += 1
    if not 1 <= number <= most:
        raise InputError(
            f"This is not an encoder of pSp or e4e: it has {number} tensors {pattern.format('N')}."
        )
    return number
