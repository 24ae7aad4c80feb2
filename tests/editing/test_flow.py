"""A flow whose solution is known, and the attributes that it edits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from l4f_bench.editing.attributes import ATTRIBUTES, edit_attribute, edit_light
from l4f_bench.editing.flow import FlowArchitecture, StyleFlow, load_flow
from l4f_bench.errors import InputError
from l4f_bench.files.errors import CheckpointError

pytest.importorskip("torchdiffeq")


@pytest.fixture
def drift() -> StyleFlow:
    """dx/dt = 0.1 times the context's sum at every number, for a time of 4."""
    architecture = FlowArchitecture(widths=(3, 2, 3), num_attributes=17, num_blocks=1)
    flow = StyleFlow(architecture).eval()
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.zero_()
        flow.get_parameter("chain.1.sqrt_end_time").fill_(2)
        bias = flow.get_parameter("chain.1.odefunc.diffeq.layers.1._hyper_bias.weight")
        bias[:, 1:] = 0.1  # time plays no role
    flow.get_buffer("chain.0.running_var").fill_(1 - 1e-4)
    flow.get_buffer("chain.2.running_var").fill_(1 - 1e-4)
    return flow


def test_a_constant_velocity_moves_by_its_time(drift: StyleFlow) -> None:
    w, context = torch.randn(2, 18, 3), torch.randn(2, 17)
    code = drift(w, context)
    expected = w + 0.4 * context.sum(1).view(2, 1, 1)
    assert torch.allclose(code, expected, atol=1e-5)
    assert torch.allclose(drift(code, context, reverse=True), w, atol=1e-5)
    again, change = drift.with_density(w, context)
    assert torch.allclose(again, code, atol=1e-5)
    assert torch.allclose(change, torch.zeros(2, 18, 1), atol=1e-5)


def test_an_edit_moves_the_rows_of_its_attribute_by_its_gain(drift: StyleFlow) -> None:
    w, context = torch.zeros(1, 18, 3), torch.zeros(1, 17)
    edited, after = edit_attribute(drift, w, context, "glasses", 0.5)
    assert after[0, ATTRIBUTES["glasses"].index] == 1.25
    assert edited[0, :, 0].nonzero().flatten().tolist() == [2, 3]
    assert torch.allclose(edited[0, 2:4], torch.tensor(-0.5), atol=1e-5)
    same, _ = edit_attribute(drift, w, context, "glasses", 0)
    assert torch.allclose(same, w, atol=1e-6)
    lit, after = edit_light(drift, w, context, torch.ones(9), 0.5)
    assert after[0].tolist() == [0.5] * 9 + [0] * 8
    assert lit[0, :, 0].nonzero().flatten().tolist() == [7, 8, 9, 10, 11]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [("age", 66, "0 to 65"), ("yaw", float("nan"), "-20 to 20"), ("hat", 1, "Known: gender")],
)
def test_values_out_of_range_are_refused(
    drift: StyleFlow, name: str, value: float, reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        edit_attribute(drift, torch.zeros(1, 18, 3), torch.zeros(1, 17), name, value)


def test_latents_that_do_not_fit_are_refused(drift: StyleFlow) -> None:
    for w, context in ((torch.zeros(1, 18, 4), torch.zeros(1, 17)),
                       (torch.zeros(1, 18, 3), torch.zeros(2, 17))):  # fmt: skip
        with pytest.raises(InputError, match="do not fit this flow"):
            drift(w, context)
    with pytest.raises(InputError, match="1024 pixels"):
        edit_attribute(drift, torch.zeros(1, 8, 3), torch.zeros(1, 17), "beard", 1)
    with pytest.raises(InputError, match="0 to 1"):
        edit_light(drift, torch.zeros(1, 18, 3), torch.zeros(1, 17), torch.ones(9), 2)


def test_files_of_flows(drift: StyleFlow, tmp_path: Path) -> None:
    path = tmp_path / "flow.pt"
    torch.save(drift.state_dict(), path)
    w, context = torch.randn(1, 18, 3), torch.randn(1, 17)
    assert torch.equal(load_flow(path)(w, context), drift(w, context))
    torch.save({"conv.weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="not StyleFlow's network"):
        load_flow(path)
