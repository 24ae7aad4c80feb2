from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from l4f_bench.errors import InputError
from l4f_bench.registry import Registry, installed, installed_names


@dataclass(frozen=True)
class Entry:
    name: str


def registry() -> Registry[Entry]:
    found: Registry[Entry] = Registry("dataset")
    for name in ("car", "cat", "horse"):
        found.add(Entry(name))
    return found


def test_an_unknown_name_is_answered_with_the_nearest_and_all_known() -> None:
    with pytest.raises(InputError) as caught:
        registry().get("cars")
    message = "Unknown dataset 'cars'. Did you mean 'car'? Known: car, cat, horse."
    assert str(caught.value) == message


def test_a_name_like_no_other_gets_no_guess() -> None:
    with pytest.raises(InputError, match=r"^Unknown dataset 'xyz'\. Known: car, cat, horse\.$"):
        registry().get("xyz")


def test_duplicates_are_refused() -> None:
    with pytest.raises(ValueError, match="registered twice"):
        registry().add(Entry("car"))


def test_iteration_keeps_the_order_of_registration() -> None:
    assert [entry.name for entry in registry()] == registry().names() == ["car", "cat", "horse"]


def test_installed_packages_offer_entries_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = tmp_path / "stranger-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[l4f_bench.test]\npath = pathlib:Path\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert installed_names("l4f_bench.test") == ["path"]
    assert installed("l4f_bench.test", "path") is Path
    assert installed_names("l4f_bench.nothing") == []
    with pytest.raises(KeyError):
        installed("l4f_bench.test", "paths")
