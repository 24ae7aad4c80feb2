"""Methods in a user's own file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch

from l4f_bench.errors import InputError
from l4f_bench.evaluation.records import load_record
from l4f_bench.methods.loading import kind_of, load_generative, load_image_method
from l4f_bench.methods.specs import METHODS, method_named
from l4f_bench.reporting.report import build_report
from tests.records import record

GREY = """
class Grey:
    def segment(self, image):
        return image.float().mean(1, keepdim=True) / 255


def load():
    return Grey()
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("", "my-method"),
        ('"""Best of all.\n\nAnd more."""\n', "Best of all"),
        ('"""Best of all."""\nTITLE = "Mine"\n', "Mine"),
        (f'TITLE = "{"long " * 30}"\n', "long " * 11 + "long…"),
    ],
)
def test_name_and_title_are_the_files(head: str, title: str, tmp_path: Path) -> None:
    spec = method_named(str(write(tmp_path / "my-method.py", head + GREY)))
    assert (spec.name, spec.title) == ("my-method", title)


def test_it_is_loaded_by_its_path_with_the_digest_of_what_ran(tmp_path: Path) -> None:
    file = write(tmp_path / "grey.py", GREY)
    method, digests = load_image_method(str(file), "shapes")
    image = torch.full((1, 3, 4, 6), 51, dtype=torch.uint8)
    assert method.segment(image).flatten().tolist() == pytest.approx([0.2] * 24)
    assert digests == {"method": hashlib.sha256(GREY.encode()).hexdigest()}
    with pytest.raises(InputError, match="grey makes no samples here"):
        load_generative(str(file), "shapes")
    assert kind_of(method_named(str(file)), "shapes") == "image"


def test_a_changed_file_is_run_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    count = f"with open({str(tmp_path / 'runs')!r}, 'a') as file:\n    file.write('x')\n"
    file = write(tmp_path / "grey.py", count + GREY)
    for title in ("", "", "TITLE = 'Other'\n", "TITLE = 'Other'\n"):
        write(file, count + title + GREY)
        spec = method_named(str(file))
    assert spec.title == "Other"
    assert (tmp_path / "runs").read_text() == "xx"


def test_the_bytes_of_the_file_are_run_and_never_a_cached_copy(tmp_path: Path) -> None:
    method_named(str(write(tmp_path / "grey.py", GREY)))
    assert [path.name for path in tmp_path.iterdir()] == ["grey.py"]


def test_dataclasses_and_typing_work_in_it(tmp_path: Path) -> None:
    source = (
        "from __future__ import annotations\nfrom dataclasses import dataclass, field\n\n\n"
        "@dataclass(kw_only=True)\nclass Config:\n    n: list[str] = field(default_factory=list)\n"
    )
    assert method_named(str(write(tmp_path / "typed.py", source + GREY))).title == "typed"


@pytest.mark.parametrize("name", ["ours", "bisenet", "pseg"])
def test_a_file_may_not_take_the_name_of_a_method(name: str, tmp_path: Path) -> None:
    if name not in METHODS:
        pytest.skip("install the package anew: its entry points are missing")
    file = write(tmp_path / f"{name}.py", GREY)
    with pytest.raises(InputError, match=f"would be recorded as '{name}'.*Rename the file"):
        method_named(str(file))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.py cannot be read \(No such file"):
        method_named(str(tmp_path / "absent.py"))


def test_a_name_in_a_record_runs_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records come from anywhere: their text is a name, even where a file is called so."""
    ran = tmp_path / "ran"
    write(tmp_path / "evil.py", f"with open({str(ran)!r}, 'w'):\n    pass\n{GREY}")
    monkeypatch.chdir(tmp_path)
    new = tmp_path / "new.json"
    record(method="evil.py", method_title="Evil").save(new)
    old = json.loads((Path(__file__).parents[1] / "evaluation/records_v1/images.json").read_text())
    old_path = write(tmp_path / "old.json", json.dumps(old | {"method": "evil.py"}))
    records = [load_record(path) for path in (new, old_path)]
    assert [found.method for found in records] == ["evil.py"] * 2
    assert build_report(records).tables
    with pytest.raises(InputError, match=r"Unknown method 'evil\.py'"):
        METHODS.get("evil.py")
    assert not ran.exists()
