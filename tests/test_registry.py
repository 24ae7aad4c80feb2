from __future__ import annotations

from dataclasses import dataclass

import pytest

from l4f_bench.errors import InputError
from l4f_bench.registry import Registry


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
