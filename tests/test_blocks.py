"""Blocks: what is computed together never depends on who asks for how many."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from l4f_bench import rounds as rounds_module
from l4f_bench.annotators.bisenet import BiSeNet
from l4f_bench.annotators.face_parsing import FaceParser
from l4f_bench.annotators.unet import UNet
from l4f_bench.assets import embedded_path
from l4f_bench.blocks import block_size, in_blocks, index_blocks
from l4f_bench.folding import for_inference
from l4f_bench.methods.batching import sampled_in_blocks, samples_per_batch
from l4f_bench.methods.contracts import Samples
from l4f_bench.methods.labels4free.loading import load_labels4free
from l4f_bench.rounds import rounds

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def test_a_block_has_about_as_many_pixels_at_every_size() -> None:
    sizes = {side: block_size(side, CPU) for side in (8, 64, 65, 128, 256, 512, 1024)}
    assert sizes == {8: 16, 64: 16, 65: 8, 128: 4, 256: 1, 512: 1, 1024: 1}
    assert [block_size(side, GPU) for side in (64, 256, 512, 1024)] == [64, 16, 4, 1]


def test_indices_are_found_in_their_blocks() -> None:
    found = list(index_blocks([17, 16, 3, 40], 16))
    assert found == [(range(16, 32), [1, 0]), (range(16), [3]), (range(32, 48), [8])]


def test_rows_are_filled_up_to_a_block() -> None:
    seen: list[list[int]] = []

    def compute(rows: Tensor) -> Tensor:
        seen.append(rows.tolist())
        return rows * 2

    assert in_blocks(compute, torch.arange(5), 4).tolist() == [0, 2, 4, 6, 8]
    assert seen == [[0, 1, 2, 3], [4, 4, 4, 4]]


def test_samples_are_made_in_whole_blocks_and_handed_out_as_asked() -> None:
    made: list[Sequence[int]] = []

    def make(indices: Sequence[int]) -> Samples:
        made.append(indices)
        levels = torch.tensor(indices, dtype=torch.uint8)[:, None, None, None]
        return Samples(
            image=levels.expand(-1, 3, 1, 1), alpha=levels.float(), indices=tuple(indices)
        )

    found = sampled_in_blocks(make, [5, 4, 9], 4)
    assert made == [range(4, 8), range(8, 12)]
    assert found.indices == tuple(found.image[:, 0, 0, 0].tolist()) == (5, 4, 9)


class Blocked:
    device, block_size = "cpu", 16

    def sample(self, indices: Sequence[int], *, truncation: float, seed: int) -> Samples:
        raise NotImplementedError


@pytest.mark.parametrize(("wanted", "size"), [(None, 16), (1, 16), (16, 16), (17, 32)])
def test_batches_are_of_whole_blocks(wanted: int | None, size: int) -> None:
    assert samples_per_batch(Blocked(), wanted) == size


@pytest.mark.parametrize("count", [1, 3])
def test_processes_share_whole_blocks_from_wherever_they_begin(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds_module, "num_processes", lambda: count)
    own: list[list[range]] = []
    for rank in range(count):
        monkeypatch.setattr(rounds_module, "rank", lambda rank=rank: rank)
        own.append([part.own for part in rounds(range(5, 41), 8) if part.own])
    spans = [part.span for part in rounds(range(5, 41), 8)]
    assert [index for span in spans for index in span] == list(range(5, 41))
    shares = sorted((part for parts in own for part in parts), key=lambda part: part.start)
    assert [index for share in shares for index in share] == list(range(5, 41))
    assert all(share.start % 8 == 0 for share in shares[1:])


def test_bits_of_a_sample_depend_on_its_index_alone() -> None:
    method, _ = load_labels4free(
        embedded_path("shapes-generator"), embedded_path("shapes-alpha"),
        background="first-conv", device="cpu",
    )  # fmt: skip
    assert method.block_size == 16
    together = method.sample(range(14, 19), truncation=1.0, seed=0)
    for indices in ([16], [17, 14]):
        alone = method.sample(indices, truncation=1.0, seed=0)
        rows = [index - 14 for index in indices]
        for name in ("image", "alpha", "latent"):
            assert torch.equal(getattr(alone, name), getattr(together, name)[rows])


@pytest.mark.parametrize("network", [BiSeNet(3, width=0.25), UNet(2, channels=8)])
def test_bits_of_an_annotation_do_not_depend_on_the_other_images(
    network: BiSeNet | UNet,
) -> None:
    classes = [f"class {i}" for i in range(network.num_classes)]
    parser = FaceParser(for_inference(network), classes=classes, side=64)
    source = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (18, 3, 64, 64), dtype=torch.uint8, generator=source)

    def scores(rows: Tensor) -> Tensor:
        return in_blocks(parser.scores, parser.prepared(rows), parser.block_size)

    together = scores(images)
    for rows in ([17], [3, 1], list(range(16, -1, -1))):
        assert torch.equal(scores(images[rows]), together[rows])
    assert torch.equal(parser.class_map(images)[[17]], parser.class_map(images[[17]]))
