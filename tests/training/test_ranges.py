"""Settings that a run would crash on, or understand as something else, are refused by name."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import pytest

from l4f_bench.errors import InputError
from l4f_bench.training.bisenet_config import PRESETS as BISENET_PRESETS
from l4f_bench.training.gan_config import PRESETS as GAN_PRESETS
from l4f_bench.training.labels4free_config import PRESETS
from l4f_bench.training.ranges import MOST
from l4f_bench.training.unet_config import PRESETS as UNET_PRESETS
from l4f_bench_baselines.pseg.presets import PRESETS as PSEG_PRESETS

CONFIGS: dict[str, Any] = {
    "ours": PRESETS.get("shapes/debug").config,
    "stylegan2": GAN_PRESETS.get("debug").config,
    "bisenet": BISENET_PRESETS.get("debug").config,
    "unet": UNET_PRESETS.get("debug").config,
    "pseg": PSEG_PRESETS.get("debug").config,
}


@pytest.mark.parametrize(
    ("method", "name", "value", "said"),
    [
        ("ours", "r1_every", 0, "r1_every 0 is too small. Give 1 or more."),
        ("ours", "ema_steps", 0.0, "ema_steps 0 is too small. Give 1 or more."),
        ("ours", "levels", 0, "levels 0 is too small. Give 1 or more."),
        ("ours", "collapse_steps", 0, "collapse_steps 0 is too small. Give 1 or more."),
        ("stylegan2", "r1_every", 0, "r1_every 0 is too small. Give 1 or more."),
        ("stylegan2", "path_length_every", 0, "path_length_every 0 is too small. Give 1 or more."),
        ("stylegan2", "channels", (8, 0, 8), "channels 0 is too small. Give 1 or more."),
        ("bisenet", "batch_size", 1, "batch_size 1 is too small. Give 2 or more."),
        ("bisenet", "decay_power", -1.0, "decay_power -1 is negative. Give 0 or more."),
        ("bisenet", "momentum", 1.5, "momentum 1.5 is out of range: use 0 to 1."),
        ("unet", "batch_size", 1, "batch_size 1 is too small. Give 2 or more."),
        ("unet", "zoom", 0.5, "zoom 0.5 is too small. Give 1 or more."),
        ("unet", "contrast", 1.5, "contrast 1.5 is out of range: use 0 to 1."),
        ("pseg", "mapping_lr", -1.0, "mapping_lr -1 is negative. Give 0 or more."),
        ("pseg", "latent_width", 0, "latent_width 0 is too small. Give 1 or more."),
        ("pseg", "collapse_steps", 0, "collapse_steps 0 is too small. Give 1 or more."),
    ],
)
def test_a_setting_out_of_range_is_named_with_what_is_allowed(
    method: str, name: str, value: object, said: str
) -> None:
    with pytest.raises(InputError) as refused:
        replace(CONFIGS[method], **{name: value})
    assert str(refused.value) == said


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0, 1e308])
@pytest.mark.parametrize(
    ("method", "name"),
    [
        (method, field.name)
        for method, config in CONFIGS.items()
        for field in fields(config)
        if isinstance(getattr(config, field.name), float)
    ],
)
def test_every_setting_with_a_fraction_must_be_a_number(
    method: str, name: str, value: float
) -> None:
    with pytest.raises(InputError, match=name):
        replace(CONFIGS[method], **{name: value})


@pytest.mark.parametrize(("method", "config"), CONFIGS.items())
def test_every_setting_that_memory_grows_with_has_a_largest_value(method: str, config: Any) -> None:
    sizes = {field.name for field in fields(config)} & MOST.keys()
    assert sizes >= ({"batch_sizes"} if method == "pseg" else {"batch_size"})
    for name in sizes:
        usual, huge = getattr(config, name), 2 * int(MOST[name])
        value = (*usual[:-1], huge) if isinstance(usual, tuple) else huge
        with pytest.raises(InputError, match=f"{name} {huge:g} is too large. Give {MOST[name]} or"):
            replace(config, **{name: value})
