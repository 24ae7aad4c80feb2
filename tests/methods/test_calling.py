"""How the function is called that gives a method."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from l4f_bench.errors import InputError
from l4f_bench.methods.calling import call_load


class Method:
    """Remembers what its function was given."""

    def __init__(self, *given: object) -> None:
        self.given = given

    def segment(self, image: Any) -> Any:
        raise NotImplementedError


def call(load: Any, weights: Path | None = None, **options: object) -> tuple[Any, dict[str, str]]:
    return call_load(
        load, "the thing", weights=weights, dataset="shapes", device="cpu", options=options
    )


WEIGHTS = Path("a.pt")


@pytest.mark.parametrize(
    ("load", "given"),
    [
        (lambda path: Method(path), (WEIGHTS,)),
        (lambda weights: Method(weights), (WEIGHTS,)),
        (
            lambda path, *, dataset, device: Method(path, dataset, device),
            (WEIGHTS, "shapes", "cpu"),
        ),
        (lambda device, weights=None: Method(device, weights), ("cpu", WEIGHTS)),
        (lambda path, extra=3, **more: Method(path, extra, more), (WEIGHTS, 3, {})),
        (lambda path, alpha: Method(path, alpha), (WEIGHTS, "b.pt")),
    ],
)
def test_a_function_gets_what_it_names(load: Callable[..., Method], given: tuple[Any, ...]) -> None:
    method, digests = call(load, WEIGHTS, alpha="b.pt")
    assert method.given == given
    assert digests == {}  # there is no such file


def test_a_class_is_a_function_that_gives_a_method() -> None:
    assert isinstance(call(Method)[0], Method)


def test_digests_are_those_it_tells_or_that_of_the_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "a.pt"
    file.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    assert call(lambda path: Method(), file)[1] == {"weights": digest}
    assert call(lambda path: (Method(), {"net": "1"}), file)[1] == {"net": "1"}
    assert call(lambda path: (Method(), {}), None)[1] == {}


@pytest.mark.parametrize(
    ("load", "weights", "said"),
    [
        (lambda model: Method(), None, "asks for 'model'"),
        (lambda: Method(), WEIGHTS, "takes no checkpoint"),
        (lambda: None, None, "returns NoneType"),
        (lambda: (Method(), {"a": 1}), None, r"returns \(Method, dict\)"),
        (lambda: (Method(), "digest"), None, r"returns \(Method, str\)"),
        (lambda: [][0], None, "failed .IndexError"),
        (3, None, "no function"),
    ],
)
def test_what_cannot_be_used_is_one_line(load: Any, weights: Path | None, said: str) -> None:
    with pytest.raises(InputError, match=f"^The thing .*{said}") as caught:
        call(load, weights)
    assert "\n" not in str(caught.value)
