"""JSON documents: whatever text a record holds can be written, and is read back as it was."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l4f_bench.errors import InputError
from l4f_bench.files.documents import document_of, read_document, validated, write_document


@dataclass(frozen=True)
class Note:
    text: str
    parts: tuple[str, ...]


def written(note: Note, folder: str) -> Path:
    path = Path(folder) / "note.json"
    write_document(path, document_of(note, form="note", version=3))
    return path


@given(st.text(), st.lists(st.text()))
def test_any_text_comes_back(text: str, parts: list[str]) -> None:
    note = Note(text, tuple(parts))
    with tempfile.TemporaryDirectory() as folder:
        path = written(note, folder)
        content = read_document(path, form="note", version=3, otherwise="no note.")
        assert validated(path, content, Note, again="Write again.") == note


def test_names_that_are_no_utf8_are_escaped(tmp_path: Path) -> None:
    path = written(Note(b"a\xff".decode(errors="surrogateescape"), ()), str(tmp_path))
    assert read_document(path, form="note", version=3, otherwise="")["text"] == r"a\xff"


@pytest.mark.parametrize(
    ("form", "version", "said"),
    [("letter", 3, "is no letter"), ("note", 4, "has version 3; this release reads 4")],
)
def test_other_documents_are_refused(form: str, version: int, said: str, tmp_path: Path) -> None:
    path = written(Note("", ()), str(tmp_path))
    with pytest.raises(InputError, match=said):
        read_document(path, form=form, version=version, otherwise="no letter.")


def test_other_fields_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"parts: .*Write again\."):
        validated(tmp_path / "note.json", {"text": ""}, Note, again="Write again.")
