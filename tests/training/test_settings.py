"""Settings by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from l4f_bench.cli import app
from l4f_bench.errors import InputError
from l4f_bench.training.gan_config import PRESETS as GAN_PRESETS
from l4f_bench.training.labels4free_config import PRESETS
from l4f_bench.training.settings import with_settings


@pytest.mark.parametrize("name", PRESETS.names())
def test_a_weight_is_a_number_whatever_the_preset_writes(name: str) -> None:
    config = PRESETS.get(name).config
    changed = with_settings(config, ["background=2.5", "binarisation=0.5", "levels=2"])
    assert (changed.background, changed.binarisation, changed.levels) == (2.5, 0.5, 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("levels=2.5", "'2.5' is not a whole number"),
        ("lr=fast", "'fast' is not a number"),
        ("pretrained_discriminator=perhaps", "'perhaps' is not true or false"),
        ("lr", "has no value"),
        ("backgrond=1", "Did you mean 'background'"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        with_settings(PRESETS.get("cat/paper").config, [text])


def test_widths_are_lists_of_numbers() -> None:
    config = GAN_PRESETS.get("debug").config
    assert with_settings(config, ["channels=8,4"]).channels == (8, 4)
    with pytest.raises(InputError, match="'8;4' is not whole numbers with commas between them"):
        with_settings(config, ["channels=8;4"])


def test_a_seed_among_the_settings_is_used(tmp_path: Path) -> None:
    arguments = ["train", "--preset", "debug", "--steps", "1", "--set", "seed=7", "--out"]
    assert CliRunner().invoke(app, [*arguments, str(tmp_path / "run")]).exit_code == 0
    content = json.loads((tmp_path / "run" / "config.json").read_text())
    assert content["identity"]["seed"] == 7
