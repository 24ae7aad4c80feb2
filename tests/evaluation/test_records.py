from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from l4f_bench.errors import InputError
from l4f_bench.evaluation.records import Record, find_records, load_record
from l4f_bench.metrics.intervals import Estimate
from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.metrics.scores import TABLE_METRICS
from l4f_bench.reporting.lines import record_lines
from tests.records import record, samples

V1 = sorted((Path(__file__).parent / "records_v1").glob("*.json"))


@pytest.mark.parametrize("protocol", PROTOCOLS.names())
def test_a_record_survives_the_way_to_disk_and_back(protocol: str, tmp_path: Path) -> None:
    path = tmp_path / "run" / "record.json"
    scores = dict.fromkeys(TABLE_METRICS, Estimate(None))
    original = record(protocol=PROTOCOLS.get(protocol), scores=scores)
    original.save(path)
    assert load_record(path) == original
    assert json.loads(path.read_text())["version"] == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as a record"),
        ("[]", "is not a record"),
        ('{"format": "l4f-bench record", "version": 99}', "has version 99"),
        ('{"format": "l4f-bench record", "version": 1}', "lacks fields"),
        ('{"format": "l4f-bench record", "version": 1, "scores": {}}', "lacks fields"),
        ('{"format": "l4f-bench record", "version": 2}', "lacks fields"),
        ("[" * 100_000, "cannot be read as a record"),
    ],
)
def test_other_files_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load_record(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", 3),
        ("n", "two"),
        ("scores", {"miou": 0.5}),
        ("scores", {"miou": {"value": 0.5}}),
        ("scores_without_bars", {"miou": {"value": 0.5}}),
        ("protocol", None),
        ("scores", {"miou": {"value": "high"}}),
        ("images", [{"key": "a"}]),
        ("images", [{"key": i, "tp": 1 << 70, "fp": 0, "fn": 0, "tn": 1} for i in range(2)]),
        ("images", [{"key": i, "tp": 1, "fp": 0, "fn": -1, "tn": 1} for i in range(2)]),
        ("protocol", "l4f"),
        ("setting", 3),
        ("subset", None),
        ("stranger", 1),
        ("annotator", {"name": "bisenet"}),
        ("warnings", "none"),
    ],
)
def test_fields_of_another_type_are_named(field: str, value: object, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps(record().to_json() | {field: value}))
    with pytest.raises(InputError, match=f"lacks fields of a record or has others.*{field[:4]}"):
        load_record(path)


def test_names_that_are_no_utf8_are_escaped_wherever_they_stand(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    entry = replace(record().images[0], key=name, preds=name)
    written = record([[10, 0, 10, 80]], images=[entry], config={"preds": [name]}, label=name)
    written.save(tmp_path / name / "record.json")
    read = load_record(tmp_path / name / "record.json")
    assert (read.label, read.images[0].preds) == ("caf\\xe9", "caf\\xe9")
    assert read.config == {"preds": ["caf\\xe9"]}


def test_the_order_of_scores_in_a_file_decides_nothing() -> None:
    written = record()
    turned = replace(written, scores=dict(reversed(written.scores.items())))
    assert record_lines(turned) == record_lines(written)


@pytest.mark.parametrize("path", V1, ids=lambda path: path.stem)
def test_records_of_version_1_are_lifted(path: Path) -> None:
    old, new = json.loads(path.read_text()), load_record(path)
    assert old["version"] == 1
    assert new.to_json()["scores"] == old["scores"]
    same = ("method", "dataset", "label", "truncation", "n", "digests", "provenance")
    assert [getattr(new, name) for name in same] == [old[name] for name in same]
    assert new.counts().tolist() == [
        [entry[name] for name in ("tp", "fp", "fn", "tn")] for entry in old["images"]
    ]
    assert new.subset == old["subset"]
    assert new.protocol_name == old["protocol"]
    assert new.dataset_title in ("Shapes", "LSUN-Car")


def lifted(stem: str) -> Record:
    return load_record(next(path for path in V1 if path.stem == stem))


def test_lifted_records_say_in_fields_what_stood_in_nested_configurations() -> None:
    custom, drawn, trust = lifted("custom"), lifted("samples"), lifted("trust-annotator")
    assert (custom.setting, custom.truth, custom.level) == ("images", "human", 128)
    assert custom.images_digest == custom.digests["target"]
    assert custom.images[0].preds == "Car1.png"
    assert custom.drawn == custom.n == 10
    assert (drawn.setting, drawn.threshold, drawn.level) == ("samples", 0.9, None)
    assert drawn.annotator is not None
    assert (drawn.annotator.title, drawn.annotator.min_area) == ("BiSeNet", 0.05)
    assert (trust.setting, trust.truth, trust.threshold) == ("trust", "bisenet", 0.5)
    assert lifted("images").annotator is None
    quality = lifted("quality")
    assert quality.protocol is None
    assert quality.distance is not None
    assert [side.kind for side in quality.distance.sides] == ["samples", "world"]


def test_samples_are_the_same_images_as_no_other_methods() -> None:
    assert samples().image_keys() is None
    keys = record().image_keys()
    assert keys == record(method="bisenet").image_keys() != record(images_digest="x").image_keys()


def test_folders_are_searched_and_nothing_is_found_twice(tmp_path: Path) -> None:
    path = tmp_path / "a" / "record.json"
    record().save(path)
    assert find_records([tmp_path, path]) == [path]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no record\.json"):
        find_records([tmp_path / "empty"])
    with pytest.raises(InputError, match="does not exist"):
        find_records([tmp_path / "none"])
