"""What methods may leave out."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from l4f_bench.methods.batching import samples_per_batch
from l4f_bench.methods.checked import CheckedGenerativeMethod
from l4f_bench.methods.contracts import Samples, join_samples
from l4f_bench.methods.specs import MethodSpec

SPEC = MethodSpec(name="mine", title="Mine", load="nowhere:load")


def some(levels: tuple[int, ...], **more: Any) -> Samples:
    """Images of these grey levels."""
    image = torch.tensor(levels, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 2, 2)
    return Samples(image=image, alpha=torch.zeros(len(levels), 1, 2, 2), **more)


class Method:
    def sample(self, indices: Any, *, truncation: float, seed: int) -> Samples:
        return some(tuple(indices))


def test_batches_are_joined_with_what_all_of_them_have() -> None:
    full = [some(i, indices=i, background=some(i).image) for i in ((3, 1), (2,))]
    joined = join_samples(full)
    assert joined.indices == (3, 1, 2)
    assert joined.background is not None
    assert joined.background[:, 0, 0, 0].tolist() == joined.image[:, 0, 0, 0].tolist() == [3, 1, 2]
    assert joined.composite is joined.latent is None
    without = join_samples([full[0], some((2,))])
    assert without.indices is without.background is None


@pytest.mark.parametrize(
    ("attributes", "size"),
    [({}, 8), ({"device": torch.device("cpu"), "bytes_per_image": 1}, 1), ({"device": "cpu"}, 1)],
)
def test_a_method_that_says_nothing_gets_a_modest_batch(
    attributes: dict[str, Any], size: int
) -> None:
    method = Method()
    for name, value in attributes.items():
        setattr(method, name, value)
    assert samples_per_batch(method, None) == size
    assert samples_per_batch(CheckedGenerativeMethod(method, SPEC), None) == size
    assert samples_per_batch(method, 3) == 3


def test_alpha_that_is_still_being_learned_is_cut_off_from_its_gradients() -> None:
    class Learning(Method):
        def sample(self, indices: Any, *, truncation: float, seed: int) -> Samples:
            weight = torch.ones(1, requires_grad=True)
            return Samples(image=some((1,)).image, alpha=torch.zeros(1, 1, 2, 2) * weight)

    found = CheckedGenerativeMethod(Learning(), SPEC).sample([1], truncation=1.0, seed=0)
    assert found.alpha.numpy().sum() == 0


@pytest.mark.parametrize("kind", ["odd", ""])
def test_an_entry_of_no_known_kind_cannot_be_made(kind: Any) -> None:
    with pytest.raises(ValueError, match="no known kind"):
        MethodSpec(name="x", title="x", kind=kind, load="x:x")


def test_an_entry_says_how_it_is_loaded() -> None:
    with pytest.raises(ValueError, match="does not say how it is loaded"):
        MethodSpec(name="x", title="x")
