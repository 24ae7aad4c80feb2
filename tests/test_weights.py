from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.weight_spec import Licence, WeightSpec, google_drive_url
from l4f_bench.weights import WEIGHTS

PAPER = ("ffhq", "cat", "horse", "car", "celebamask")


@pytest.mark.parametrize("name", WEIGHTS.names())
def test_entry_is_complete(name: str) -> None:
    spec = WEIGHTS.get(name)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert spec.title
    assert spec.used_for
    assert spec.licence.name
    assert urlsplit(spec.source).scheme in {"http", "https"}
    assert set(spec.datasets) <= set(DATASETS.names())
    assert spec.alternative_to is None or spec.alternative_to in WEIGHTS.names()


@pytest.mark.parametrize("name", WEIGHTS.names())
def test_digests_are_whole_or_published_prefixes(name: str) -> None:
    spec = WEIGHTS.get(name)
    if spec.sha256 is not None:
        assert re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{8}", spec.sha256)
    if spec.md5_prefix is not None or len(spec.sha256 or "x" * 64) < 64:
        stated = spec.md5_prefix or spec.sha256
        assert f"{stated}." in spec.file_name, "a prefix comes from the publisher's file name"
    assert spec.num_bytes is None or spec.num_bytes > 1_000_000


@pytest.mark.parametrize("name", WEIGHTS.names())
def test_addresses_are_encrypted_and_direct(name: str) -> None:
    for url in WEIGHTS.get(name).urls:
        parts = urlsplit(url)
        assert parts.scheme == "https"
        if "google" in parts.netloc:
            assert parts.netloc == "drive.usercontent.google.com"
            assert parse_qs(parts.query).keys() == {"id", "export", "confirm"}


@pytest.mark.parametrize("name", WEIGHTS.names())
def test_non_commercial_terms_have_a_text_to_read(name: str) -> None:
    licence = WEIGHTS.get(name).licence
    assert licence.url or not licence.non_commercial


@pytest.mark.parametrize("name", WEIGHTS.names())
def test_entry_is_on_the_page_for_users(name: str) -> None:
    page = Path(__file__).parents[1] / "docs" / "weights.md"
    assert f"`{name}`" in page.read_text(encoding="utf-8")


def test_file_names_do_not_collide_in_the_cache() -> None:
    names = Counter(spec.file_name for spec in WEIGHTS if spec.file_name)
    assert set(names.values()) == {1}


@pytest.mark.parametrize("dataset", PAPER)
def test_data_set_has_a_generator_and_masks(dataset: str) -> None:
    uses = " ".join(spec.used_for for spec in WEIGHTS if dataset in spec.datasets)
    assert "generator" in uses
    assert "pseudo ground truth" in uses


def test_no_name_stands_for_weights_and_for_a_data_set() -> None:
    assert not {*WEIGHTS.names()} & {*DATASETS.names()}


def test_nvidia_and_celebamask_ask_for_acceptance() -> None:
    asking = {spec.name for spec in WEIGHTS if spec.licence.non_commercial}
    assert asking == {
        "bisenet",
        "stylegan2-ada-ffhq",
        "stylegan2-ffhq",
        "stylegan2-car",
        "stylegan2-cat",
        "stylegan2-horse",
        "stylegan2-ffhq-rosinality",
        "psp-ffhq",
        "e4e-ffhq",
        "e4e-car",
        "e4e-horse",
    }


def test_google_drive_url_skips_the_scan_page() -> None:
    assert google_drive_url("ID") == (
        "https://drive.usercontent.google.com/download?id=ID&export=download&confirm=t"
    )


def test_half_described_entry_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError):
        WeightSpec(
            name="x",
            title="x",
            file_name="x",
            urls=(),
            licence=Licence(name="x", url=None),
            source="https://example.org",
            used_for="x",
        )
