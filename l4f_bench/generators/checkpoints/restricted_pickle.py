"""Read a pickle as data: nothing in it is imported, called or executed.

The pickle language asks for objects by import path and calls them. This machine knows no objects:
a name on the allow-list becomes a `Name`, a call of it an `Inert` record of the arguments, and
the readers decide later what such a record means. Every length is compared with what the file
holds before anything is allocated, byte strings are views of the file, and the number of steps is
bounded, so time and memory stay proportional to the file.

Source: the opcodes are those of Python's ``pickletools`` (protocols 2 to 5).
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, NoReturn

from l4f_bench.generators.checkpoints.errors import RefusedError

MAX_STEPS = 2_000_000  # a 1024 px network file needs about 50,000
_MAX_INTEGER_BYTES = 255
_MAX_NAME_BYTES = 1024
_MAX_TEXT_BYTES = 4 << 20
_MAX_INT_KEY = 1 << 31  # larger integers can be chosen to collide in a dict

Names = Collection[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Name:
    """A name from the allow-list, ``module.name``; only a word, not the thing it names."""

    path: str


@dataclass(slots=True, eq=False, repr=False)
class Inert:
    """An object that the file wants made by calling ``path`` with ``args``; never made.

    ``state`` is what the file wants set on it, ``items`` what it wants put into it as a dict.
    """

    path: str
    args: tuple[Any, ...]
    state: Any = None
    items: dict[Any, Any] | None = None


@dataclass(slots=True, eq=False, repr=False)
class PersistentId:
    """A reference to something outside the pickle, such as a tensor's storage."""

    value: Any


def read_pickle(
    data: memoryview,
    allowed: Names,
    *,
    start: int = 0,
    max_steps: int = MAX_STEPS,
    references: list[PersistentId] | None = None,
) -> tuple[Any, int]:
    """Content of the pickle at ``start``, and the position after it.

    Args:
        data: The whole file, bytes.
        allowed: Exact (module, name) pairs that may occur; anything else is refused.
        start: Where the pickle begins.
        max_steps: Opcodes that may be executed.
        references: A list that receives every ``PersistentId``.

    Returns:
        Dicts, lists, tuples, sets, strings, numbers, None, ``memoryview`` (of bytes), ``Name``,
        ``Inert`` and ``PersistentId``; and the offset of the first byte after the pickle. Objects
        may be shared and cyclic, as in any pickle.

    Raises:
        RefusedError: A name is not allowed, a length goes beyond the file, or it is malformed.
    """
    machine = _Machine(data, allowed, start)
    for _ in range(max_steps):
        code = machine.take(1)[0]
        if code == _STOP:
            if references is not None:
                references.extend(machine.references)
            return machine.pop(), machine.position
        step = _STEPS.get(code)
        if step is None:
            _refuse_opcode(code)
        step(machine)
    raise RefusedError(f"its pickle takes more than {max_steps} steps")


class _Machine:
    """Stack, marks and memo of one pickle."""

    def __init__(self, data: memoryview, allowed: Names, start: int) -> None:
        self.data = data
        self.allowed = allowed
        self.position = start
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.references: list[PersistentId] = []

    def take(self, length: int) -> memoryview:
        end = self.position + length
        if end > len(self.data):
            left = len(self.data) - self.position
            raise RefusedError(f"incomplete: {length} bytes announced where {left} are left")
        part = self.data[self.position : end]
        self.position = end
        return part

    def number(self, layout: str) -> int:
        value: int = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def line(self) -> str:
        window = bytes(self.data[self.position : self.position + _MAX_NAME_BYTES])
        length = window.find(b"\n")
        if length < 0:
            raise RefusedError("malformed pickle: a name has no end")
        self.position += length + 1
        return window[:length].decode()

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        if not self.stack:
            raise RefusedError("malformed pickle: its stack is empty")
        return self.stack.pop()

    def top(self) -> Any:
        if not self.stack:
            raise RefusedError("malformed pickle: its stack is empty")
        return self.stack[-1]

    def pop_to_mark(self) -> list[Any]:
        if not self.outer:
            raise RefusedError("malformed pickle: a mark is missing")
        values, self.stack = self.stack, self.outer.pop()
        return values


def _refuse_opcode(code: int) -> NoReturn:
    known = pickletools.code2op.get(chr(code))
    name = known.name if known else f"0x{code:02x}"
    raise RefusedError(f"not a network file: its pickle holds {name}, which none needs")


def _name(machine: _Machine, module: Any, name: Any) -> None:
    if (module, name) not in machine.allowed:
        raise RefusedError(f"name not allowed: {module!s:.80}.{name!s:.80}; nothing was executed")
    machine.push(Name(f"{module}.{name}"))


def _global(machine: _Machine) -> None:
    _name(machine, machine.line(), machine.line())


def _stack_global(machine: _Machine) -> None:
    name, module = machine.pop(), machine.pop()
    if not (isinstance(name, str) and isinstance(module, str)):
        raise RefusedError("malformed pickle: a name is not text")
    _name(machine, module, name)


def _call(machine: _Machine) -> None:
    args, function = machine.pop(), machine.pop()
    if not (isinstance(function, Name) and isinstance(args, tuple)):
        raise RefusedError("malformed pickle: a call of something that is not a name")
    machine.push(Inert(function.path, args))


def _build(machine: _Machine) -> None:
    state, target = machine.pop(), machine.top()
    if not isinstance(target, Inert) or target.state is not None:
        raise RefusedError("malformed pickle: a state for something that takes none")
    target.state = state


def _set_items(machine: _Machine, values: list[Any]) -> None:
    target = machine.top()
    if isinstance(target, Inert):
        if target.items is None:
            target.items = {}
        target = target.items
    if not isinstance(target, dict) or len(values) % 2:
        raise RefusedError("malformed pickle: items for something that is no dict")
    for key, value in zip(values[::2], values[1::2], strict=True):
        target[_plain_key(key)] = value


def _plain_key(key: Any) -> Any:
    if key is None or isinstance(key, str) or (isinstance(key, int) and abs(key) < _MAX_INT_KEY):
        return key
    raise RefusedError(f"a dict key of type {type(key).__name__}, where only text can stand")


def _append(machine: _Machine, values: list[Any]) -> None:
    target = machine.top()
    if not isinstance(target, list):
        raise RefusedError("malformed pickle: elements for something that is no list")
    target.extend(values)


def _add(machine: _Machine, values: list[Any]) -> None:
    target = machine.top()
    if not isinstance(target, set):
        raise RefusedError("malformed pickle: elements for something that is no set")
    target.update(_plain_key(value) for value in values)


def _tuple(machine: _Machine, length: int) -> None:
    values = [machine.pop() for _ in range(length)]
    machine.push(tuple(reversed(values)))


def _refer(machine: _Machine) -> None:
    reference = PersistentId(machine.pop())
    machine.references.append(reference)
    machine.push(reference)


def _mark(machine: _Machine) -> None:
    machine.outer.append(machine.stack)
    machine.stack = []


def _set_item(machine: _Machine) -> None:
    value, key = machine.pop(), machine.pop()
    _set_items(machine, [key, value])


def _dict(machine: _Machine) -> None:
    values = machine.pop_to_mark()
    machine.push({})
    _set_items(machine, values)


def _recall(machine: _Machine, index: int) -> None:
    if index not in machine.memo:
        raise RefusedError("malformed pickle: it refers to something that was not stored")
    machine.push(machine.memo[index])


def _put(machine: _Machine, index: int) -> None:
    machine.memo[index] = machine.top()


def _integer(machine: _Machine, length: int) -> None:
    if not 0 <= length <= _MAX_INTEGER_BYTES:
        raise RefusedError(f"an integer of {length} bytes")
    machine.push(int.from_bytes(machine.take(length), "little", signed=True))


def _text(machine: _Machine, length: int) -> None:
    if length > _MAX_TEXT_BYTES and length <= len(machine.data):
        raise RefusedError(f"a text of {length} bytes")
    machine.push(bytes(machine.take(length)).decode())


def _latin1(machine: _Machine, length: int) -> None:
    if length < 0:
        raise RefusedError("malformed pickle: a negative length")
    machine.push(bytes(machine.take(length)).decode("latin1"))


def _protocol(machine: _Machine) -> None:
    protocol = machine.number("<B")
    if protocol > 5:
        raise RefusedError(f"pickle protocol {protocol}, where 5 is the newest known")


def _frame(machine: _Machine) -> None:
    start = machine.position + 8
    machine.take(machine.number("<Q"))
    machine.position = start


def _pushes(value: Any) -> Callable[[_Machine], None]:
    return lambda machine: machine.push(value)


def _number(layout: str) -> Callable[[_Machine], None]:
    return lambda machine: machine.push(machine.number(layout))


def _counted(function: Callable[[_Machine, int], None], layout: str) -> Callable[[_Machine], None]:
    return lambda machine: function(machine, machine.number(layout))


def _push_bytes(machine: _Machine, length: int) -> None:
    machine.push(machine.take(length))


_STOP = ord(".")
_BY_NAME: dict[str, Callable[[_Machine], Any]] = {
    "PROTO": _protocol,
    "FRAME": _frame,
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _call,
    "NEWOBJ": _call,
    "BUILD": _build,
    "BINPERSID": _refer,
    "NONE": _pushes(None),
    "NEWTRUE": _pushes(True),
    "NEWFALSE": _pushes(False),
    "EMPTY_TUPLE": _pushes(()),
    "EMPTY_LIST": lambda m: m.push([]),
    "EMPTY_DICT": lambda m: m.push({}),
    "EMPTY_SET": lambda m: m.push(set()),
    "MARK": _mark,
    "POP": lambda m: m.pop(),
    "POP_MARK": lambda m: m.pop_to_mark(),
    "TUPLE": lambda m: m.push(tuple(m.pop_to_mark())),
    "TUPLE1": lambda m: _tuple(m, 1),
    "TUPLE2": lambda m: _tuple(m, 2),
    "TUPLE3": lambda m: _tuple(m, 3),
    "LIST": lambda m: m.push(m.pop_to_mark()),
    "DICT": _dict,
    "APPEND": lambda m: _append(m, [m.pop()]),
    "APPENDS": lambda m: _append(m, m.pop_to_mark()),
    "ADDITEMS": lambda m: _add(m, m.pop_to_mark()),
    "SETITEM": _set_item,
    "SETITEMS": lambda m: _set_items(m, m.pop_to_mark()),
    "MEMOIZE": lambda m: _put(m, len(m.memo)),
    "BINPUT": _counted(_put, "<B"),
    "LONG_BINPUT": _counted(_put, "<I"),
    "BINGET": _counted(_recall, "<B"),
    "LONG_BINGET": _counted(_recall, "<I"),
    "BININT": _number("<i"),
    "BININT1": _number("<B"),
    "BININT2": _number("<H"),
    "BINFLOAT": _number(">d"),
    "LONG1": _counted(_integer, "<B"),
    "LONG4": _counted(_integer, "<i"),
    "SHORT_BINUNICODE": _counted(_text, "<B"),
    "BINUNICODE": _counted(_text, "<I"),
    "BINUNICODE8": _counted(_text, "<Q"),
    "SHORT_BINSTRING": _counted(_latin1, "<B"),
    "BINSTRING": _counted(_latin1, "<i"),
    "SHORT_BINBYTES": _counted(_push_bytes, "<B"),
    "BINBYTES": _counted(_push_bytes, "<I"),
    "BINBYTES8": _counted(_push_bytes, "<Q"),
}
_STEPS = {ord(op.code): _BY_NAME[op.name] for op in pickletools.opcodes if op.name in _BY_NAME}
