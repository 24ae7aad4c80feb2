"""Encoders of any size: their architecture is read off their tensors, and nothing else fits."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from l4f_bench.errors import InputError
from l4f_bench.projection.architecture import EncoderArchitecture
from l4f_bench.projection.encoders import Encoder4Editing, GradualStyleEncoder
from tests.projection.files import SIZES, small_encoder


@pytest.mark.parametrize(
    "sizes",
    [
        SIZES,
        replace(SIZES, blocks=(3, 4, 14, 3), widths=(4, 4, 8, 8), stem_width=4),
        replace(SIZES, num_styles=4, head_convs=2, stem_width=3, head_width=10),
    ],
)
def test_the_sizes_of_an_encoder_are_read_off_its_tensors(sizes: EncoderArchitecture) -> None:
    state = small_encoder(sizes=sizes).state_dict()
    assert EncoderArchitecture.of(state) == sizes
    image = torch.zeros(2, 3, sizes.side, sizes.side * 3 // 4)
    codes = GradualStyleEncoder.from_state_dict(state)(image)
    assert codes.shape == (2, sizes.num_styles, sizes.latent_width)


def test_published_sizes_are_the_usual() -> None:
    sizes = EncoderArchitecture(num_styles=18)
    assert sizes.side == 256
    assert sizes.generator_size == 1024
    assert [sizes.convs_of(head) for head in (0, 2, 3, 6, 7, 17)] == [4, 4, 5, 5, 6, 6]
    assert EncoderArchitecture(num_styles=14).generator_size == 256


@torch.no_grad()
def test_e4e_adds_what_its_heads_give_to_the_first_row() -> None:
    state = small_encoder().state_dict()
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    rows = GradualStyleEncoder.from_state_dict(state)(images)
    encoder = Encoder4Editing.from_state_dict(state)
    expected = rows[:, :1] + torch.cat([torch.zeros_like(rows[:, :1]), rows[:, 1:]], dim=1)
    torch.testing.assert_close(encoder(images), expected)
    staged = encoder(images, stage=3)
    torch.testing.assert_close(staged[:, :4], expected[:, :4])
    torch.testing.assert_close(staged[:, 4:], rows[:, :1].expand(-1, 4, -1))
    torch.testing.assert_close(encoder(images, stage=0), rows[:, :1].expand(-1, 8, -1))
    with pytest.raises(InputError, match="negative"):
        encoder(images, stage=-1)


@torch.no_grad()
def test_images_do_not_depend_on_their_batch() -> None:
    encoder = small_encoder()
    images = torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(encoder(images)[1:2], encoder(images[1:2]))


def test_images_that_the_heads_cannot_reduce_are_refused() -> None:
    encoder = small_encoder()
    for shape in ((1, 3, 64, 32), (1, 1, 32, 32), (3, 32, 32), (1, 3, 0, 32)):
        with pytest.raises(InputError, match="do not fit this encoder"):
            encoder(torch.zeros(shape))


def test_tensors_that_do_not_fit_are_listed() -> None:
    state = dict(small_encoder().state_dict())
    state["styles.3.linear.weight"] = torch.zeros(5, 5)
    del state["body.2.res_layer.4.bias"]
    with pytest.raises(InputError, match=r"missing: body.2.*misshapen: styles.3.linear.weight"):
        GradualStyleEncoder.from_state_dict(state)
    with pytest.raises(InputError, match="not an encoder"):
        GradualStyleEncoder.from_state_dict({"input_layer.0.weight": torch.zeros(4, 3, 3, 3)})
