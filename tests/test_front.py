"""The front door, as a notebook uses it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import l4f_bench as lb
from l4f_bench.errors import InputError
from l4f_bench.evaluation.settings import Images
from tests.records import record, samples

ROOT = Path(__file__).parents[1]
EXAMPLE = Path(lb.__file__).parent / "assets" / "example"


def test_importing_it_imports_next_to_nothing() -> None:
    code = (
        "import sys; import l4f_bench; l4f_bench.__version__\n"
        "heavy = {'torch', 'numpy', 'pandas', 'typer', 'importlib.metadata'}\n"
        "sys.exit(bool(heavy & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_name_is_there_and_no_other() -> None:
    for name in lb.__all__:
        assert getattr(lb, name) is not None
    assert set(dir(lb)) == set(lb.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'scores'"):
        lb.scores  # noqa: B018


def test_the_lines_of_the_page_run(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    monkeypatch.chdir(ROOT)
    found: dict[str, object] = {}
    exec(code, found)
    assert len([line for line in code.splitlines() if line]) <= 5


def test_scores_are_those_of_the_command() -> None:
    (found,) = lb.score(str(EXAMPLE / "preds"), EXAMPLE / "truth", level=200)
    assert (found.n, found.level) == (8, 200)
    assert found.scores["miou"].value == pytest.approx(0.945, abs=0.01)


def test_an_evaluation_is_named_or_given(tmp_path: Path) -> None:
    options = {"method": "bisenet", "limit": 3}
    named = lb.evaluate("images", **options, out=str(tmp_path / "run"))
    given = lb.evaluate(Images(**options))
    assert named[0].images == given[0].images
    assert lb.load_records(str(tmp_path / "run"))[0] == named[0]
    assert "bisenet against exact masks on Shapes: miou 0.9" in repr(named)
    assert named.to_frame()["n"].tolist() == [3]


def test_results_of_strangers_are_shown_as_text() -> None:
    odd = record(label="<b>", dataset_title="<i>Theirs</i>", dataset="theirs")
    tables = lb.report([odd, samples()])
    assert "<i>" not in tables._repr_html_()
    assert "&lt;b&gt;" in tables._repr_html_()
    assert "<i>" not in lb.load_records.__globals__["Records"]([odd])._repr_html_()
    assert tables.to_frame("shapes")["measured"].notna().all()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: lb.evaluate("sample"), "Did you mean 'samples'"),
        (lambda: lb.evaluate("samples", limt=3), "Unknown option of samples 'limt'"),
        (lambda: lb.evaluate(Images(), limit=3), "leave out limit"),
        (lambda: lb.score("nowhere", "nowhere"), "nowhere does not exist"),
        (lambda: lb.load_method("pesg"), "Did you mean 'pseg'"),
        (lambda: lb.report([record()]).to_frame("table3"), "Unknown table 'table3'"),
    ],
)
def test_what_cannot_be_meant_is_one_line(call: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        call()
