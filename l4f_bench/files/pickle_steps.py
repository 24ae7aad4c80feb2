"""What each pickle opcode does to the machine; opcodes that no network file needs are absent.

Source: Python's ``pickletools``, protocols 2 to 5.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any

from l4f_bench.files.errors import RefusedError
from l4f_bench.files.pickle_machine import (
    Inert,
    Machine,
    Name,
    PersistentId,
    Record,
)

_MAX_INTEGER_BYTES = 255
_MAX_TEXT_BYTES = 4 << 20
_MAX_INT_KEY = 1 << 31  # larger integers can be chosen to collide in a dict


def _name(machine: Machine, module: Any, name: Any) -> None:
    if (module, name) not in machine.allowed:
        raise RefusedError(f"name not allowed: {module!s:.80}.{name!s:.80}; nothing was executed")
    machine.push(Name(f"{module}.{name}"))


def _global(machine: Machine) -> None:
    _name(machine, machine.line(), machine.line())


def _stack_global(machine: Machine) -> None:
    name, module = machine.pop(), machine.pop()
    if not (isinstance(name, str) and isinstance(module, str)):
        raise RefusedError("malformed pickle: a name is not text")
    _name(machine, module, name)


def _call(machine: Machine) -> None:
    args, function = machine.pop(), machine.pop()
    if not (isinstance(function, Name) and isinstance(args, tuple)):
        raise RefusedError("malformed pickle: a call of something that is not a name")
    _record(machine, Inert(function.path, args))


def _record(machine: Machine, record: Record) -> None:
    machine.records.append(record)
    machine.push(record)


def _build(machine: Machine) -> None:
    state, target = machine.pop(), machine.top()
    if not isinstance(target, Inert) or target.state is not None:
        raise RefusedError("malformed pickle: a state for something that takes none")
    target.state = state


def _set_items(machine: Machine, values: list[Any]) -> None:
    target = machine.top()
    if isinstance(target, Inert):
        if target.items is None:
            target.items = {}
        target = target.items
    if not isinstance(target, dict) or len(values) % 2:
        raise RefusedError("malformed pickle: items for something that is not a dict")
    for key, value in zip(values[::2], values[1::2], strict=True):
        target[_plain_key(key)] = value


def _plain_key(key: Any) -> Any:
    if key is None or isinstance(key, str) or (isinstance(key, int) and abs(key) < _MAX_INT_KEY):
        return key
    raise RefusedError(f"a dict key of type {type(key).__name__}, where only text can stand")


def _append(machine: Machine, values: list[Any]) -> None:
    target = machine.top()
    if not isinstance(target, list):
        raise RefusedError("malformed pickle: elements for something that is not a list")
    target.extend(values)


def _add(machine: Machine, values: list[Any]) -> None:
    target = machine.top()
    if not isinstance(target, set):
        raise RefusedError("malformed pickle: elements for something that is not a set")
    target.update(_plain_key(value) for value in values)


def _tuple(machine: Machine, length: int) -> None:
    values = [machine.pop() for _ in range(length)]
    machine.push(tuple(reversed(values)))


def _refer(machine: Machine) -> None:
    _record(machine, PersistentId(machine.pop()))


def _mark(machine: Machine) -> None:
    machine.outer.append(machine.stack)
    machine.stack = []


def _set_item(machine: Machine) -> None:
    value, key = machine.pop(), machine.pop()
    _set_items(machine, [key, value])


def _dict(machine: Machine) -> None:
    values = machine.pop_to_mark()
    machine.push({})
    _set_items(machine, values)


def _recall(machine: Machine, index: int) -> None:
    if index not in machine.memo:
        raise RefusedError("malformed pickle: it refers to something that was not stored")
    machine.push(machine.memo[index])


def _put(machine: Machine, index: int) -> None:
    machine.memo[index] = machine.top()


def _integer(machine: Machine, length: int) -> None:
    if not 0 <= length <= _MAX_INTEGER_BYTES:
        raise RefusedError(f"an integer of {length} bytes")
    machine.push(int.from_bytes(machine.take(length), "little", signed=True))


def _text(machine: Machine, length: int) -> None:
    if length > _MAX_TEXT_BYTES and length <= len(machine.data):
        raise RefusedError(f"a text of {length} bytes")
    machine.push(bytes(machine.take(length)).decode())


def _latin1(machine: Machine, length: int) -> None:
    if length < 0:
        raise RefusedError("malformed pickle: a negative length")
    machine.push(bytes(machine.take(length)).decode("latin1"))


def _protocol(machine: Machine) -> None:
    protocol = machine.number("<B")
    if protocol > 5:
        raise RefusedError(f"pickle protocol {protocol}, where 5 is the newest known")


def _frame(machine: Machine) -> None:
    start = machine.position + 8
    machine.take(machine.number("<Q"))
    machine.position = start


def _pushes(value: Any) -> Callable[[Machine], None]:
    return lambda machine: machine.push(value)


def _number(layout: str) -> Callable[[Machine], None]:
    return lambda machine: machine.push(machine.number(layout))


def _counted(function: Callable[[Machine, int], None], layout: str) -> Callable[[Machine], None]:
    return lambda machine: function(machine, machine.number(layout))


def _push_bytes(machine: Machine, length: int) -> None:
    machine.push(machine.take(length))


_BY_NAME: dict[str, Callable[[Machine], Any]] = {
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
STEPS = {ord(op.code): _BY_NAME[op.name] for op in pickletools.opcodes if op.name in _BY_NAME}
