"""Directions, boundaries and flows give the numbers that the public code gave."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from l4f_bench.editing.attributes import ATTRIBUTES, edit_attribute, edit_light
from l4f_bench.editing.boundaries import condition, fit_boundary, interpolate
from l4f_bench.editing.directions import move
from l4f_bench.editing.flow import FlowArchitecture, StyleFlow
from l4f_bench.editing.ganspace import coordinate_stdev, incremental_pca
from l4f_bench.editing.sefa import convolution_weights, factorise, sefa, style_weights
from l4f_bench.generators.architecture import GeneratorArchitecture
from l4f_bench.generators.stylegan2 import Generator
from tests.goldens import GoldenCase, filled, golden_case

NO_LAYERS: tuple[int, ...] | None = None


@pytest.fixture(scope="module")
def generator() -> Generator:
    """The golden generator without what neither mapping nor styles need, which takes long."""
    case = golden_case("stylegan2_g32")
    with torch.device("meta"):
        network = Generator(GeneratorArchitecture(size=32, channels=(512,) * 4))
    state = case.state_dict(parts=("style.", "modulation."))
    network.load_state_dict(state, strict=False, assign=True)
    return network.eval()


@pytest.mark.parametrize(
    ("name", "layers"), [("all", NO_LAYERS), ("0_1", (0, 1)), ("2_5", (2, 3, 4, 5))]
)
def test_sefa(name: str, layers: tuple[int, ...] | None, generator: Generator) -> None:
    case = golden_case("sefa_g32")
    found = sefa(style_weights(generator, layers))
    case.check(f"out_eigenvalues_{name}", found.values)
    case.check(f"out_directions_{name}", found.directions[:8])


def test_factorisation_of_rosinality(generator: Generator) -> None:
    case = golden_case("sefa_g32")
    found = factorise(convolution_weights(generator))
    case.check("out_singular_values_ros", found.values)
    case.check("out_directions_ros", found.directions[:8])


@torch.no_grad()
def test_ganspace(generator: Generator) -> None:
    case = golden_case("ganspace_g32")
    pytest.importorskip("sklearn")
    w = generator.mapping(filled("ganspace.z", (4000, 512))).numpy()
    case.check("out_w", torch.from_numpy(w[:4]))
    found = incremental_pca(w, 12, 2000)
    for name, value in zip(("components", "mean", "stdev", "var_ratio"), found, strict=True):
        case.check(f"out_{name}", torch.from_numpy(value))
    more = generator.mapping(filled("ganspace.z2", (5000, 512))).numpy()
    stdev = coordinate_stdev(found.components, more)
    case.check("out_lat_stdev", torch.from_numpy(stdev))
    edited = [
        move(
            sample[None],
            torch.from_numpy(found.components[component]),
            strength,
            rows=range(first, end),
            meaning="target",
            stdev=float(stdev[component]),
            mean=torch.from_numpy(found.mean),
        )
        for sample in case.tensor("in_wplus")
        for component, first, end, strength in ((0, 0, 8, 2.0), (3, 2, 5, -1.5))
    ]
    case.check("out_edit", torch.cat(edited))


def test_interfacegan() -> None:
    case = golden_case("interfacegan_ops")
    arrays: dict[str, Any] = case.arrays
    rows = arrays["in_boundaries"]
    projected = [condition(rows[0], rows[1:end]) for end in (2, 3, 4)]
    case.check("out_projected", torch.from_numpy(np.concatenate(projected)))
    for name in ("w", "wplus"):
        moved = interpolate(arrays[f"in_{name}"], rows[:1], -2, 3, 5)
        case.check(f"out_interpolate_{name}", torch.from_numpy(moved))
    pytest.importorskip("sklearn")
    fitted = fit_boundary(arrays["in_codes"], arrays["in_scores"], chosen=0.25, split=1)
    assert fitted.accuracy is None
    case.check("out_boundary", torch.from_numpy(fitted.boundary))


@pytest.fixture(scope="module")
def flow_case() -> GoldenCase:
    return golden_case("styleflow_small")


@pytest.fixture(scope="module")
def flow(flow_case: GoldenCase) -> StyleFlow:
    pytest.importorskip("torchdiffeq")
    return StyleFlow.from_state_dict(flow_case.state_dict())


def test_styleflow_both_ways(flow_case: GoldenCase, flow: StyleFlow) -> None:
    context, edited = flow_case.tensor("in_context"), flow_case.tensor("in_context_edit")
    code = flow(flow_case.tensor("in_w"), context)
    flow_case.check("out_z", code)
    flow_case.check("out_w_edit", flow(code, edited, reverse=True))
    assert torch.allclose(flow(code, context, reverse=True), flow_case.tensor("in_w"), atol=1e-3)


def test_styleflow_densities(flow_case: GoldenCase, flow: StyleFlow) -> None:
    probe, w = flow_case.tensor("in_e"), flow_case.tensor("in_w")
    code, change = flow.with_density(w, flow_case.tensor("in_context"), probe=probe, tolerance=1e-7)
    flow_case.check("out_dlogp", change)
    back, change = flow.with_density(
        code, flow_case.tensor("in_context_edit"), probe=probe, reverse=True, tolerance=1e-7
    )
    flow_case.check("out_w_edit", back)
    flow_case.check("out_dlogp_back", change)
    _, exact = flow.with_density(w, flow_case.tensor("in_context"))
    flow_case.check("out_dlogp_exact", exact)


def test_styleflow_edits(flow_case: GoldenCase, flow: StyleFlow) -> None:
    w, context = flow_case.tensor("in_w")[:1], flow_case.tensor("in_context")[:1].flatten(1)
    wanted = (0, 1, 20, -20, 1, 1, 65, 0)
    edits = [
        edit_attribute(flow, w, context, name, value)
        for name, value in zip(ATTRIBUTES, wanted, strict=True)
    ]
    flow_case.check("out_attribute_edits", torch.cat([edited for edited, _ in edits]))
    lights = [
        edit_light(flow, w, context, preset, 0.75)[0]
        for preset in flow_case.tensor("in_light_presets")
    ]
    flow_case.check("out_light_edits", torch.cat(lights))
    turned = edit_attribute(flow, w, context, "yaw", 20)
    flow_case.check("out_sequence", edit_attribute(flow, *turned, "age", 65)[0])


def test_published_flow_has_the_published_keys(flow_case: GoldenCase) -> None:
    state = flow_case.state_dict("manifest_published.json")
    flow = StyleFlow.from_state_dict(state)
    assert flow.architecture == FlowArchitecture(widths=(512,) * 7, num_attributes=17, num_blocks=1)
    assert list(flow.state_dict()) == list(state)
