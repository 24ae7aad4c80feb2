"""PSeg from files: public and exported ones load, anything else is one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.methods.contracts import GenerativeMethod
from l4f_bench_baselines.pseg.architecture import VARIANTS
from l4f_bench_baselines.pseg.checkpoint import read_pseg, write_pseg
from l4f_bench_baselines.pseg.entry import load
from l4f_bench_baselines.pseg.method import PSeg, load_pseg
from tests.baselines.networks import save_public, small_pseg
from tests.networks import save_rosinality, small_generator


def method(level: int = 2, variant: str = "two-generators") -> PSeg:
    generator = small_pseg(variant)
    return PSeg(generator, level=level, fade=1.0, mean_latent=generator.mean_latent(64))


@pytest.mark.parametrize("variant", VARIANTS)
def test_samples_have_the_boundary_formats(variant: str) -> None:
    subject: GenerativeMethod = method(variant=variant)
    samples = subject.sample([4, 2], truncation=1.0, seed=0)
    assert samples.indices == (4, 2)
    assert samples.image.shape == samples.background.shape == (2, 3, 16, 16)
    assert samples.image.dtype == torch.uint8
    assert samples.alpha.shape == (2, 1, 16, 16)
    assert 0 <= samples.alpha.min() <= samples.alpha.max() <= 1
    assert torch.equal(samples.image, samples.composite)
    assert samples.latent.shape == (2, 8)


def test_a_sample_depends_on_its_index_and_seed_alone() -> None:
    subject = method()
    together = subject.sample(range(5), truncation=0.7, seed=3)
    alone = subject.sample([3], truncation=0.7, seed=3)
    other = subject.sample([3], truncation=0.7, seed=4)
    for name in ("image", "alpha", "background", "latent"):
        assert torch.equal(getattr(together, name)[3:4], getattr(alone, name)), name
        assert not torch.equal(getattr(other, name), getattr(alone, name)), name


def test_truncation_0_gives_the_mean_latent() -> None:
    subject = method()
    samples = subject.sample([0, 1], truncation=0.0, seed=0)
    torch.testing.assert_close(samples.latent, subject.mean_latent[:, -1].expand(2, -1))


@pytest.mark.parametrize("variant", VARIANTS)
def test_public_files_give_the_averaged_generator(variant: str, tmp_path: Path) -> None:
    generator = small_pseg(variant)
    path = save_public(tmp_path / "train_step-2.model", generator, step=1, alpha=0.25)
    found = read_pseg(path)
    assert (found.level, found.fade, found.resolution) == (1, 0.25, 8)
    assert found.generator.architecture.variant == variant
    state = found.generator.state_dict()
    assert all(torch.equal(state[k], v) for k, v in generator.state_dict().items())
    subject, digests = load_pseg(path, device="cpu")
    assert subject.sample([0], seed=0).image.shape == (1, 3, 8, 8)
    assert len(digests["generator"]) == 64


def test_old_files_without_alpha_have_faded_in(tmp_path: Path) -> None:
    assert read_pseg(save_public(tmp_path / "old.model", small_pseg(), alpha=None)).fade == 1.0


def test_a_written_file_gives_the_same_samples(tmp_path: Path) -> None:
    generator = small_pseg()
    write_pseg(tmp_path / "pseg.safetensors", generator, level=2, fade=1.0, about={"by": "test"})
    again, _ = load(tmp_path / "pseg.safetensors", dataset="car", device="cpu")
    own = PSeg(generator, level=2, fade=1.0, mean_latent=generator.mean_latent())
    first, second = (m.sample([7], truncation=0.5, seed=1) for m in (own, again))
    assert torch.equal(first.image, second.image)
    assert torch.equal(first.alpha, second.alpha)


def test_another_resolution_than_that_of_the_drawn_world_is_refused(tmp_path: Path) -> None:
    path = save_public(tmp_path / "16.model", small_pseg())
    with pytest.raises(
        InputError, match=r"16\.model makes 16-pixel images, but 64 pixels are needed"
    ):
        load(path, dataset="shapes", device="cpu")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"generator_running": None}, "generator_running and step are missing"),
        ({"step": None}, "generator_running and step are missing"),
        ({"step": 3}, "level 3 of a generator that has 3"),
        ({"step": "2"}, "level '2' of a generator that has 3"),
        ({"alpha": "1"}, "a fade of '1'"),
        ({"generator_running": {"a": torch.zeros(1)}}, "not a PSeg generator of a known variant"),
        ({"generator_running": {"a": 1}}, "is not a plain tensor"),
    ],
)
def test_damaged_public_files_are_one_line(
    changes: dict[str, object], said: str, tmp_path: Path
) -> None:
    path = save_public(tmp_path / "bad.model", small_pseg(), **changes)
    with pytest.raises(InputError) as caught:
        read_pseg(path)
    assert said in str(caught.value)
    assert "bad.model" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_tensors_are_listed(tmp_path: Path) -> None:
    state = small_pseg().state_dict()
    del state["generator_objects.style.3.linear.bias"]
    path = save_public(tmp_path / "bad.model", small_pseg(), generator_running=state)
    with pytest.raises(InputError, match=r"missing: generator_objects\.style\.3\.linear\.bias"):
        read_pseg(path)


def test_files_of_other_networks_are_refused(tmp_path: Path) -> None:
    path = save_rosinality(tmp_path / "stylegan2.pt", small_generator())
    with pytest.raises(InputError, match=r"not a PSeg checkpoint.*Give a \.model file"):
        read_pseg(path)


def test_a_data_set_without_a_model_says_how_to_train_one() -> None:
    with pytest.raises(MissingAssetError, match="--method pseg --dataset car"):
        load(None, dataset="car")
