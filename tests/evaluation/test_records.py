from __future__ import annotations

import json
from pathlib import Path

import pytest

from l4f_bench.errors import InputError
from l4f_bench.evaluation.records import Record, find_records, load_record
from l4f_bench.metrics.intervals import Estimate
from l4f_bench.metrics.scores import TABLE_METRICS


def record(**changes: object) -> Record:
    fields: dict[str, object] = {
        "method": "ours",
        "label": "ours (published masks)",
        "dataset": "car",
        "setting": "custom",
        "truth": "custom",
        "truncation": None,
        "protocol": "l4f",
        "n": 2,
        "scores": {key: Estimate(0.9, 0.8, 0.95) for key in TABLE_METRICS},
        "images": [{"preds": "1.png", "target": "1.png", "tp": 1, "fp": 2, "fn": 3, "tn": 4}],
        "config": {"level": 128},
        "provenance": {"revision": None},
    }
    return Record(**(fields | changes))  # type: ignore[arg-type]


def test_a_record_survives_the_way_to_disk_and_back(tmp_path: Path) -> None:
    path = tmp_path / "run" / "record.json"
    scores = {key: Estimate(0.9, 0.8, 0.95) for key in TABLE_METRICS} | {"f1": Estimate(None)}
    original = record(scores=scores)
    original.save(path)
    assert load_record(path) == original
    assert json.loads(path.read_text())["version"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as a record"),
        ("[]", "is not a record"),
        ('{"format": "l4f-bench record", "version": 99}', "has version 99"),
        ('{"format": "l4f-bench record", "version": 1}', "lacks fields"),
        ('{"format": "l4f-bench record", "version": 1, "scores": {}}', "lacks fields"),
    ],
)
def test_other_files_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_record(path)


def test_folders_are_searched_and_nothing_is_found_twice(tmp_path: Path) -> None:
    path = tmp_path / "a" / "record.json"
    record().save(path)
    assert find_records([tmp_path, path]) == [path]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no record\.json"):
        find_records([tmp_path / "empty"])
    with pytest.raises(InputError, match="does not exist"):
        find_records([tmp_path / "none"])
