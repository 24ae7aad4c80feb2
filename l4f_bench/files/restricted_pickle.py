"""Read a pickle as data: nothing in it is imported, called or executed.

The pickle language asks for objects by import path and calls them. Here nothing can be called: a
name on the allow-list becomes a `Name`, a call of it an `Inert` record of the arguments, and the
readers decide later what such a record means. Every length is compared with what the file holds
before anything is allocated, byte strings are views of the file, and the number of steps is
bounded, so time and memory stay proportional to the file.
"""

from __future__ import annotations

import pickletools
from typing import Any, NoReturn

from l4f_bench.files.errors import RefusedError
from l4f_bench.files.pickle_machine import (
    Inert,
    Machine,
    Name,
    Names,
    PersistentId,
    Record,
)
from l4f_bench.files.pickle_steps import STEPS

__all__ = ["MAX_STEPS", "Inert", "Name", "Names", "PersistentId", "Record", "read_pickle"]

MAX_STEPS = 500_000  # a 1024 px network file needs about 50,000
_STOP = ord(".")


def read_pickle(
    data: memoryview,
    allowed: Names,
    *,
    start: int = 0,
    max_steps: int = MAX_STEPS,
    records: list[Record] | None = None,
) -> tuple[Any, int]:
    """Content of the pickle at ``start``, and the position after it.

    Args:
        data: The whole file, bytes.
        allowed: Exact (module, name) pairs that may occur; anything else is refused.
        start: Where the pickle begins.
        max_steps: Opcodes that may be executed.
        records: A list that receives every ``Inert`` and ``PersistentId``.

    Returns:
        Dicts, lists, tuples, sets, strings, numbers, None, ``memoryview`` (of bytes), ``Name``,
        ``Inert`` and ``PersistentId``; and the offset of the first byte after the pickle. Objects
        may be shared and cyclic, as in any pickle.

    Raises:
        RefusedError: A name is not allowed, a length goes beyond the file, or it is malformed.
    """
    machine = Machine(data, allowed, start)
    for _ in range(max_steps):
        code = machine.take(1)[0]
        if code == _STOP:
            if records is not None:
                records.extend(machine.records)
            return machine.pop(), machine.position
        step = STEPS.get(code)
        if step is None:
            _refuse(code)
        step(machine)
    raise RefusedError(f"its pickle takes more than {max_steps} steps")


def _refuse(code: int) -> NoReturn:
    names = [op.name for op in pickletools.opcodes if ord(op.code) == code]
    name = names[0] if names else f"0x{code:02x}"
    raise RefusedError(f"not a network file: its pickle holds {name}, which none needs")
