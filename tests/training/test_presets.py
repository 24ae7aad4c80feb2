"""Every preset of every trainer, and how one is chosen."""

from __future__ import annotations

import pytest

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import InputError
from l4f_bench.registry import load_object
from l4f_bench.training.presets import Preset, Presets
from l4f_bench.training.settings import with_settings
from l4f_bench.training.trainers import TRAINERS


def presets_of(trainer: str) -> Presets[object]:
    reference = TRAINERS.get(trainer).presets
    assert reference is not None
    found: Presets[object] = load_object(reference, "presets")
    return found


EVERY = [
    (spec.name, preset)
    for spec in TRAINERS
    if spec.presets is not None
    for preset in presets_of(spec.name).names()
]


@pytest.mark.parametrize(("trainer", "name"), EVERY)
def test_a_preset_is_complete_and_found_by_its_key(trainer: str, name: str) -> None:
    presets = presets_of(trainer)
    preset = presets.get(name)
    assert preset.num_steps > 0
    assert preset.source
    assert preset.dataset is None or preset.dataset in DATASETS
    assert presets.choose(preset.dataset or "shapes", preset.key) is preset


@pytest.mark.parametrize(("trainer", "name"), EVERY)
def test_a_preset_can_be_changed_by_name(trainer: str, name: str) -> None:
    config = presets_of(trainer).get(name).config
    assert with_settings(config, ["seed=12", "lr=0.5"]) != config
    with pytest.raises(InputError, match="lr -1 is negative"):
        with_settings(config, ["lr=-1"])


# What no option at all stands for: the preset named as the data set, or else the first.
@pytest.mark.parametrize(
    ("trainer", "dataset", "usual"),
    [
        ("ours", "shapes", "shapes/shapes"),
        ("ours", "car", "car/paper"),
        ("stylegan2", "shapes", "shapes"),
        ("stylegan2", "ffhq", "shapes"),
        ("bisenet", "shapes", "shapes"),
        ("ours-unet", "shapes", "shapes"),
    ],
)
def test_the_usual_preset_of_a_data_set(trainer: str, dataset: str, usual: str) -> None:
    assert presets_of(trainer).choose(dataset, None).name == usual


def test_an_unknown_key_is_answered_with_those_of_the_data_set() -> None:
    with pytest.raises(InputError) as refused:
        presets_of("ours").choose("car", "papers")
    assert str(refused.value) == (
        "Unknown preset of ours for car 'papers'. Did you mean 'paper'? "
        "Known: paper, released, single-gpu."
    )


def test_a_data_set_without_presets_is_answered_with_those_that_have_some() -> None:
    with pytest.raises(InputError) as refused:
        presets_of("ours").choose("celebamask", None)
    assert str(refused.value) == (
        "ours has no preset for the data set 'celebamask', only for ffhq, cat, horse, car, shapes."
    )


def test_a_key_is_free_for_each_data_set_and_taken_within_one() -> None:
    presets: Presets[int] = Presets("test")
    for dataset in ("car", "cat"):
        presets.add(Preset(key="fast", dataset=dataset, config=1, num_steps=1, source="here"))
    assert presets.names() == ["car/fast", "cat/fast"]
    with pytest.raises(ValueError, match="registered twice"):
        presets.add(Preset(key="fast", dataset="cat", config=2, num_steps=1, source="here"))
