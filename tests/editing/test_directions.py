"""Directions found where they are known, read from every format, and stepped along."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from l4f_bench.editing.directions import Directions, move, read_directions, write_directions
from l4f_bench.editing.ganspace import coordinate_stdev, incremental_pca
from l4f_bench.editing.sefa import factorise, largest_positive, sefa, style_weights
from l4f_bench.errors import InputError
from l4f_bench.files.errors import CheckpointError
from tests.networks import small_generator


def test_sefa_finds_the_axes_that_most_rows_lie_on() -> None:
    axes = torch.eye(4)
    weights = [torch.stack([7 * axes[2], axes[2], -axes[0]]), torch.stack([axes[2], 5 * axes[0]])]
    found = sefa(weights)
    assert found.values.tolist() == pytest.approx([3, 2, 0, 0])  # length plays no role
    assert torch.allclose(found.directions[:2].float(), axes[[2, 0]])


def test_factorisation_is_numpys_singular_value_decomposition() -> None:
    weights = [torch.randn(9, 5, generator=torch.Generator().manual_seed(i)) for i in range(2)]
    found = factorise(weights)
    _, values, vectors = np.linalg.svd(np.concatenate(weights).astype(np.float64))
    assert np.allclose(found.values, values)
    assert np.allclose(found.directions, largest_positive(torch.from_numpy(vectors)))


def test_layers_are_those_of_w_plus() -> None:
    generator = small_generator()
    weights = style_weights(generator)
    assert len(weights) == generator.architecture.num_latents
    assert weights[0] is generator.conv1.conv.modulation.weight
    assert weights[-1] is generator.to_rgbs[-1].conv.modulation.weight
    assert style_weights(generator, [2])[0] is generator.convs[1].conv.modulation.weight
    with pytest.raises(InputError, match="0 to 7"):
        style_weights(generator, [8])


def test_components_of_one_batch_are_numpys() -> None:
    pytest.importorskip("sklearn")
    w = np.random.default_rng(0).normal(size=(60, 6)) * [5, 4, 3, 2, 1, 0.5] + 1
    found = incremental_pca(w, 3, 60)
    _, values, vectors = np.linalg.svd(w - w.mean(0), full_matrices=False)
    assert np.allclose(found.stdev, values[:3] / np.sqrt(59))
    assert np.allclose(found.variance_ratio, (values**2 / (values**2).sum())[:3])
    assert np.allclose(found.components, largest_positive(torch.from_numpy(vectors[:3])))
    assert np.allclose(coordinate_stdev(found.components, w), (w @ vectors[:3].T).std(axis=0))
    with pytest.raises(InputError, match="Take more samples"):
        incremental_pca(w[:2], 3, 60)


def test_a_step_of_no_length_changes_nothing_and_a_target_is_reached() -> None:
    w_plus = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))
    vector = torch.tensor([0.0, 1.0, 0.0, 0.0])
    assert torch.equal(move(w_plus, vector, 0), w_plus)
    moved = move(w_plus, vector, 2, rows=[1, 3], stdev=0.5)
    assert torch.allclose((moved - w_plus)[:, [1, 3]], vector.expand(2, 2, 4))
    assert torch.equal(moved[:, [0, 2, 4]], w_plus[:, [0, 2, 4]])
    mean = torch.full((4,), 3.0)
    there = move(w_plus, vector, 2, meaning="target", stdev=0.5, mean=mean)
    assert torch.allclose(there[:, 0, 1], torch.tensor(4.0))
    assert torch.allclose(there - w_plus, (there - w_plus)[:, :1].expand_as(w_plus), atol=1e-6)


def test_our_files_come_back_as_they_were(tmp_path: Path) -> None:
    directions = Directions(
        kind="ganspace", vectors=torch.eye(3)[:2], rows=(0, 2), stdev=torch.tensor([1.0, 2]),
        mean=torch.ones(3), generator="ab" * 32, about={"fit": {"seed": 1}},
    )  # fmt: skip
    write_directions(tmp_path / "d.safetensors", directions)
    found = read_directions(tmp_path / "d.safetensors")
    for name in ("kind", "rows", "generator", "about"):
        assert getattr(found, name) == getattr(directions, name)
    for name in ("vectors", "stdev", "mean"):
        assert torch.equal(getattr(found, name), getattr(directions, name))


def test_files_of_others_are_read(tmp_path: Path) -> None:
    comp = np.random.default_rng(0).normal(size=(2, 1, 4))
    np.save(tmp_path / "own_boundary.npy", comp[0])
    facts = {"lat_mean": np.zeros((1, 4)), "lat_stdev": np.ones(2), "act_comp": np.zeros(3)}
    np.savez(tmp_path / "g.npz", lat_comp=comp, **facts)
    tensor = torch.from_numpy(comp)
    torch.save({"comp": tensor, "mean": torch.zeros(1, 4), "std": torch.ones(2)}, tmp_path / "e.pt")
    torch.save(torch.randn(1, 6, 4), tmp_path / "pose.pt")
    torch.save({"ckpt": "x.pt", "eigvec": tensor[:, 0].T}, tmp_path / "factor.pt")
    assert read_directions(tmp_path / "own_boundary.npy").vectors.shape == (1, 4)
    for name in ("g.npz", "e.pt"):
        found = read_directions(tmp_path / name)
        assert torch.equal(found.vectors, tensor[:, 0].float())
        assert found.stdev is not None
        assert found.kind == "ganspace"
    assert read_directions(tmp_path / "pose.pt").vectors.shape == (1, 6, 4)
    factor = read_directions(tmp_path / "factor.pt")
    assert torch.equal(factor.vectors, tensor[:, 0].float())


def test_what_cannot_be_directions_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    np.save(tmp_path / "nan.npy", np.array([np.nan, 1]))
    np.save(tmp_path / "text.npy", np.array(["a"]))
    np.save(tmp_path / "deep.npy", np.zeros((1, 2, 3, 4)))
    np.save(tmp_path / "stylegan_ffhq_age_w_boundary.npy", np.ones((1, 512)))
    whole = (tmp_path / "deep.npy").read_bytes()
    (tmp_path / "short.npy").write_bytes(whole[:-8])
    torch.save({"eigvec": "x"}, tmp_path / "factor.pt")
    for name, reason in (
        ("objects.npy", "object"), ("nan.npy", "NaN"), ("text.npy", "no numbers"),
        ("deep.npy", "shape"), ("short.npy", "do not fill"), ("none.npy", "no such file"),
        ("stylegan_ffhq_age_w_boundary.npy", "StyleGAN-1"), ("factor.pt", "factor.pt"),
    ):  # fmt: skip
        with pytest.raises(CheckpointError, match=reason) as caught:
            read_directions(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_directions_of_another_generator_are_refused() -> None:
    architecture = small_generator().architecture  # w of 8 numbers, 8 rows
    for directions, reason in (
        (Directions(kind="given", vectors=torch.ones(1, 512)), r"shape \[512\]"),
        (Directions(kind="given", vectors=torch.ones(1, 18, 8)), r"shape \[18, 8\]"),
        (Directions(kind="sefa", vectors=torch.ones(1, 8), generator="b" * 64), "another gener"),
        (Directions(kind="sefa", vectors=torch.ones(1, 8), rows=(11,)), "row 11"),
    ):
        with pytest.raises(InputError, match=reason):
            directions.check_generator(architecture, "a" * 64, "x")
