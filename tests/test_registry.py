from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from l4f_bench.errors import BenchError, InputError, MissingDependencyError
from l4f_bench.registry import Registry, code_of_others, load_object


@dataclass(frozen=True)
class Entry:
    name: str


def registry(group: str | None = None) -> Registry[Entry]:
    found: Registry[Entry] = Registry(
        "dataset", group=group, adopt=lambda name, found, reference: Entry(name)
    )
    for name in ("car", "cat", "horse"):
        found.add(Entry(name))
    return found


@pytest.fixture
def offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Install a package that offers entry points in the group l4f_bench.test."""

    def install(package: str, *lines: str, module: str = "") -> None:
        about = tmp_path / package / f"{package}-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text("\n".join(["[l4f_bench.test]", *lines, ""]))
        (about.parent / f"{package}.py").write_text(module)
        monkeypatch.syspath_prepend(about.parent)

    return install


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


def test_iteration_keeps_the_order_of_registration_and_strangers_come_last() -> None:
    known = registry()
    assert [entry.name for entry in known] == known.names() == ["car", "cat", "horse"]
    assert [known.order(name) for name in ("cat", "zebra")] == [1, 3]
    assert "cat" in known
    assert "zebra" not in known


def test_packages_offer_entries_that_are_imported_when_they_are_used(offer: object) -> None:
    offer("stranger", "zebra = stranger:load", module="raise ImportError('no stripes')")
    known = registry("l4f_bench.test")
    assert known.names() == ["car", "cat", "horse", "zebra"]
    with pytest.raises(MissingDependencyError, match=r"'zebra' of stranger .*no stripes"):
        known.get("zebra")
    offer("friend", "bee = friend:load", module="load = print")
    assert known.get("bee") == Entry("bee")


def test_a_name_that_is_taken_names_both_packages(offer: object) -> None:
    offer("stranger", "cat = stranger:load")
    with pytest.raises(InputError, match=r"'cat' is offered by l4f-bench and by stranger\."):
        registry("l4f_bench.test").get("cat")


def test_a_broken_entry_is_passed_over_by_those_who_ask_for_all(offer: object) -> None:
    offer("stranger", "zebra = stranger:load", module="raise ImportError('no stripes')")
    offer("friend", "bee = friend:load", "cat = friend:load", module="load = print")
    known = registry("l4f_bench.test")
    assert [entry.name for entry in known] == ["car", "horse", "bee"]
    assert known.names() == ["car", "cat", "horse", "bee", "zebra"]


def test_an_entry_has_an_origin(offer: object) -> None:
    offer("stranger", "zebra = stranger:load")
    known = registry("l4f_bench.test")
    assert [known.origin(name) for name in ("car", "zebra")] == ["l4f-bench", "stranger"]


@pytest.mark.parametrize(
    ("raised", "kind", "said"),
    [
        (ValueError("one\ntwo"), InputError, r"^The thing failed \(ValueError: one two\)\."),
        (ImportError("no x"), MissingDependencyError, r"^The thing cannot be used \(ImportError"),
        (BenchError("its own"), BenchError, "^its own$"),
        (MemoryError("full"), MemoryError, "full"),
        (KeyboardInterrupt("stop"), KeyboardInterrupt, "stop"),
    ],
)
def test_what_code_of_others_raises_is_said_in_one_line(
    raised: BaseException, kind: type[BaseException], said: str
) -> None:
    with pytest.raises(kind, match=said) as caught, code_of_others("the thing"):
        raise raised
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)


def test_an_entry_point_of_something_else_is_refused(offer: object) -> None:
    offer("stranger", "bee = stranger:load", module="load = 3")
    plain: Registry[Entry] = Registry("dataset", group="l4f_bench.test")
    with pytest.raises(InputError, match=r"stranger:load, which is no dataset of that name"):
        plain.get("bee")


def test_a_missing_object_is_named() -> None:
    with pytest.raises(MissingDependencyError, match=r"^The thing .*pathlib:Nothing"):
        load_object("pathlib:Nothing", "the thing")
    assert load_object("pathlib:Path", "the thing") is Path


@pytest.mark.parametrize(
    "registry",
    [
        "l4f_bench.methods.specs:METHODS",
        "l4f_bench.annotators.specs:ANNOTATORS",
        "l4f_bench.datasets.specs:DATASETS",
        "l4f_bench.metrics.protocols:PROTOCOLS",
        "l4f_bench.metrics.scores:METRICS",
        "l4f_bench.weights:WEIGHTS",
    ],
)
def test_listing_names_imports_neither_torch_nor_plug_ins(registry: str) -> None:
    module, name = registry.split(":")
    code = (
        f"import sys; from {module} import {name}\n"
        f"assert {name}.names()\n"
        "sys.exit(bool({'torch', 'l4f_bench_baselines', 'torchvision'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
