"""The pickle machine agrees with Python's on data, and makes nothing else."""

from __future__ import annotations

import collections
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l4f_bench.files.errors import RefusedError
from l4f_bench.files.restricted_pickle import Inert, Name, read_pickle

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 1000), 1 << 1000)
    | st.floats(allow_nan=False)
    | st.text()
)
DATA = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.tuples(inner, inner, inner, inner)
        | st.dictionaries(st.text() | st.integers(-99, 99), inner)
        | st.sets(st.text())
    ),
    max_leaves=20,
)


def read(data: bytes, allowed: tuple[tuple[str, str], ...] = ()) -> Any:
    content, end = read_pickle(memoryview(data), allowed)
    assert end == len(data)
    return content


@settings(derandomize=True, database=None, max_examples=150, deadline=None)
@given(value=DATA, protocol=st.integers(4, 5))
def test_plain_data_is_read_as_python_reads_it(value: Any, protocol: int) -> None:
    assert read(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_binary_protocol_is_read(protocol: int) -> None:
    value = {"text": ["a", "é" * 300, 1 << 40, 70000, -5, 2.5], "t": (1, (2,), (3, 4), ())}
    assert read(pickle.dumps(value, protocol)) == value


def test_shared_and_cyclic_values_stay_so() -> None:
    value: list[Any] = [[]]
    value += [value[0], value]
    found = read(pickle.dumps(value, 4))
    assert found[0] is found[1]
    assert found[2] is found


def test_bytes_are_views_of_the_file() -> None:
    data = pickle.dumps(b"x" * 1000, 4)
    found = read(data)
    assert isinstance(found, memoryview)
    assert found.obj is data
    assert found == b"x" * 1000


def test_call_of_an_allowed_name_becomes_a_record() -> None:
    value = collections.OrderedDict(a=1)
    found = read(pickle.dumps(value, 4), (("collections", "OrderedDict"),))
    assert isinstance(found, Inert)
    assert (found.path, found.args, found.items) == ("collections.OrderedDict", (), {"a": 1})


def test_allowed_name_alone_is_a_word() -> None:
    assert read(b"cbuiltins\nset\n.", (("builtins", "set"),)) == Name("builtins.set")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93.", "name not allowed: builtins.exec"),
        (b"cbuiltins\nset.pop\n.", "name not allowed: builtins.set.pop"),
        (b"cbuiltins.set\npop\n.", "name not allowed: builtins.set.pop"),
        (b"\x80\x06.", "protocol 6"),
        (b"\x80\x04", "incomplete"),
        (b"\x80\x04.", "its stack is empty"),
        (b"\x80\x04t.", "a mark is missing"),
        (b"\x80\x04h\x05.", "was not stored"),
        (b"\x80\x04}]K\x01s.", "dict key of type list"),
        (b"\x80\x04}\x8a\x06\x00\x00\x00\x00\x00\x01Ns.", "dict key of type int"),
        (b"\x80\x04NNR.", "not a name"),
        (b"\x80\x04N}b.", "a state for something that takes none"),
        (b"\x80\x04\x8b\xff\xff\xff\xff.", "an integer of -1 bytes"),
        (b"\x80\x04\x8b\xff\xff\x00\x00.", "an integer of 65535 bytes"),
        (b"\x80\x04\x82\x01.", "EXT1"),
        (b"I1\n.", "INT"),
        (b"\x80\x04\xff.", "0xff"),
    ],
)
def test_malformed_pickle_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        read(data, (("builtins", "set"),))


def test_state_is_not_replaced() -> None:
    with pytest.raises(RefusedError, match="a state for something"):
        read(b"\x80\x02cbuiltins\nset\n)R}b}b.", (("builtins", "set"),))
