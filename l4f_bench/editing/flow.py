"""StyleFlow's conditional flow: w to a code that its attributes no longer show in, and back.

A chain of normalisations and ordinary differential equations whose velocity a small network gives
from the state, the time and the attributes. Parameter names are those of the released checkpoints.
Source: StyleFlow (TOG 2021), and its released code; solved by torchdiffeq.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from l4f_bench.editing.extra import needed
from l4f_bench.errors import InputError
from l4f_bench.files.errors import RefusedError, refusals_named
from l4f_bench.files.state_dicts import checked_tensors, without_prefix
from l4f_bench.files.tensor_files import read_object
from l4f_bench.tensors import StateDict, network_of, shape_of

Derivative = Callable[[Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]]
"""From time and state to the state's derivative."""
TOLERANCE = 1e-6
"""Of the solver, relative and absolute. Published is 1e-5 of a state that also holds the
log-density, which makes its steps shorter than those of w alone would be."""
_EPSILON = 1e-4  # under the variance of a normalisation
_LAYER = "chain.1.odefunc.diffeq.layers.{}._layer.weight"


@dataclass(frozen=True, kw_only=True, slots=True)
class FlowArchitecture:
    """Everything that fixes a flow's tensors."""

    widths: tuple[int, ...]
    """Width of w, of every hidden layer, and of w again."""
    num_attributes: int
    """Numbers that it is conditioned on."""
    num_blocks: int

    @classmethod
    def of(cls, state_dict: StateDict) -> FlowArchitecture:
        """Read the architecture off a state dict.

        Raises:
            InputError: Tensors that fix a size are missing or of another shape.
        """
        depth = _count(state_dict, _LAYER, 0, 1)
        if not depth:
            raise InputError("This is not StyleFlow's network: the layers of its flow are missing.")
        shapes = [shape_of(state_dict, _LAYER.format(index), 2) for index in range(depth)]
        gate = shape_of(state_dict, "chain.1.odefunc.diffeq.layers.0._hyper_gate.weight", 2)
        return cls(
            widths=(shapes[0][1], *(shape[0] for shape in shapes)),
            num_attributes=gate[1] - 1,
            num_blocks=_count(state_dict, "chain.{}.sqrt_end_time", 1, 2),
        )


class ConcatSquash(nn.Module):
    """Linear layer that the time and the attributes scale and shift."""

    def __init__(self, num_inputs: int, num_outputs: int, num_conditions: int) -> None:
        super().__init__()
        self._layer = nn.Linear(num_inputs, num_outputs)
        self._hyper_bias = nn.Linear(num_conditions, num_outputs, bias=False)
        self._hyper_gate = nn.Linear(num_conditions, num_outputs)

    def forward(self, x: Tensor, conditions: Tensor) -> Tensor:
        """Map ``[N, L, num_inputs]`` under ``[N, 1, num_conditions]``."""
        gate: Tensor = self._hyper_gate(conditions)
        y: Tensor = self._layer(x) * gate.sigmoid() + self._hyper_bias(conditions)
        return y


class Velocity(nn.Module):
    """dx / dt from x, t and the attributes."""

    def __init__(self, widths: Sequence[int], num_attributes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            ConcatSquash(a, b, 1 + num_attributes) for a, b in pairwise(widths)
        )

    def forward(self, t: Tensor, x: Tensor, attributes: Tensor) -> Tensor:
        """``[N, L, D]`` of x ``[N, L, D]`` and attributes ``[N, 1, A]``."""
        conditions = torch.cat([t.expand(len(attributes), 1, 1).to(x), attributes], dim=2)
        for index, layer in enumerate(self.layers):
            x = layer(x if index == 0 else torch.tanh(x), conditions)
        return x


class OdeFunction(nn.Module):
    """Holder of the velocity under its published name."""

    _num_evals: Tensor

    def __init__(self, widths: Sequence[int], num_attributes: int) -> None:
        super().__init__()
        self.diffeq = Velocity(widths, num_attributes)
        self.register_buffer("_num_evals", torch.tensor(0.0))


class ContinuousFlow(nn.Module):
    """The solution of the differential equation over a learnt time, forwards or backwards."""

    def __init__(self, widths: Sequence[int], num_attributes: int) -> None:
        super().__init__()
        self.sqrt_end_time = nn.Parameter(torch.tensor(1.0))
        self.odefunc = OdeFunction(widths, num_attributes)

    def solve(
        self,
        derivative: Derivative,
        state: tuple[Tensor, ...],
        *,
        reverse: bool,
        tolerance: float,
    ) -> tuple[Tensor, ...]:
        """The state at the other end of time.

        Raises:
            MissingDependencyError: torchdiffeq is not installed.
        """
        with needed("torchdiffeq", "StyleFlow"):
            from torchdiffeq import odeint
        end = self.sqrt_end_time.detach().square()
        times = torch.stack([end, end * 0] if reverse else [end * 0, end])
        solved = odeint(derivative, state, times, method="dopri5", rtol=tolerance, atol=tolerance)
        return tuple(part[-1] for part in solved)


class MovingBatchNorm(nn.Module):
    """Normalisation by stored moments, with an exact inverse."""

    running_mean: Tensor
    running_var: Tensor
    step: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("step", torch.zeros(1))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(self, x: Tensor, *, reverse: bool = False) -> Tensor:
        """Normalise ``[..., D]``, or undo it."""
        scale = (self.running_var + _EPSILON).rsqrt() * self.weight.exp()
        if reverse:
            return (x - self.bias) / scale + self.running_mean
        return (x - self.running_mean) * scale + self.bias

    def log_scale(self) -> Tensor:
        """Logarithm of its determinant, a number."""
        return (self.weight - 0.5 * (self.running_var + _EPSILON).log()).sum()


class StyleFlow(nn.Module):
    """The flow with the keys of the released checkpoints, in eval mode."""

    def __init__(self, architecture: FlowArchitecture) -> None:
        """Build with random weights; :meth:`from_state_dict` builds from a checkpoint's tensors."""
        super().__init__()
        self.architecture = architecture
        widths, count = architecture.widths, architecture.num_attributes
        self.chain = nn.ModuleList([MovingBatchNorm(widths[0])])
        for _ in range(architecture.num_blocks):
            self.chain.append(ContinuousFlow(widths, count))
            self.chain.append(MovingBatchNorm(widths[0]))

    @classmethod
    def from_state_dict(cls, state_dict: StateDict) -> StyleFlow:
        """A flow of the sizes that the tensors have, with these tensors, in eval mode.

        Raises:
            InputError: Tensors are missing, unexpected or misshapen; all are listed.
        """
        architecture = FlowArchitecture.of(state_dict)
        return network_of(lambda: cls(architecture), state_dict, optional=("._num_evals", ".step"))

    @torch.no_grad()
    def forward(
        self, x: Tensor, attributes: Tensor, *, reverse: bool = False, tolerance: float = TOLERANCE
    ) -> Tensor:
        """Turn w into its code, or with ``reverse`` a code into w.

        Args:
            x: w+ or a code, float ``[N, L, D]``; every row by itself.
            attributes: What the images show, ``[N, A]`` or as published ``[N, A, 1, 1]``.
            reverse: From code to w.
            tolerance: Of the solver, relative and absolute.

        Returns:
            ``[N, L, D]``.

        Raises:
            InputError: The shapes do not fit the flow.
            MissingDependencyError: torchdiffeq is not installed.
        """
        conditions = self._checked(x, attributes)
        for part in self._parts(reverse):
            if isinstance(part, MovingBatchNorm):
                x = part(x, reverse=reverse)
            elif isinstance(part, ContinuousFlow):
                derivative = _alone(part.odefunc.diffeq, conditions)
                (x,) = part.solve(derivative, (x,), reverse=reverse, tolerance=tolerance)
        return x

    def with_density(
        self,
        x: Tensor,
        attributes: Tensor,
        *,
        probe: Tensor | None = None,
        reverse: bool = False,
        tolerance: float = TOLERANCE,
    ) -> tuple[Tensor, Tensor]:
        """The same, and the change of log-density of every row, ``[N, L, 1]``.

        Args:
            x: As in :meth:`forward`, like the others.
            attributes: As there.
            probe: Vector of Hutchinson's estimate of the trace, as x; None for the exact trace,
                which takes D times as long.
            reverse: As there.
            tolerance: As there.
        """
        conditions = self._checked(x, attributes)
        change = x.new_zeros(*x.shape[:2], 1)
        for part in self._parts(reverse):
            if isinstance(part, MovingBatchNorm):
                x = part(x, reverse=reverse).detach()
                change = change + (1 if reverse else -1) * part.log_scale().detach()
            elif isinstance(part, ContinuousFlow):
                derivative = _with_trace(part.odefunc.diffeq, conditions, probe)
                x, change = part.solve(
                    derivative, (x, change), reverse=reverse, tolerance=tolerance
                )
        return x, change

    def _parts(self, reverse: bool) -> list[nn.Module]:
        return list(reversed(self.chain)) if reverse else list(self.chain)

    def _checked(self, x: Tensor, attributes: Tensor) -> Tensor:
        """Attributes ``[N, 1, A]`` that fit latents."""
        width, count = self.architecture.widths[0], self.architecture.num_attributes
        if x.ndim != 3 or x.shape[2] != width or attributes.flatten(1).shape != (len(x), count):
            raise InputError(
                f"Latents {list(x.shape)} with attributes {list(attributes.shape)} do not fit this "
                f"flow. Give w+ [N, L, {width}] with attributes [N, {count}]."
            )
        return attributes.flatten(1)[:, None].to(x)


def load_flow(path: Path) -> StyleFlow:
    """A flow of the file's sizes with its weights, on the CPU in eval mode.

    Args:
        path: A bare state dict, as published, or the same tensors in safetensors.

    Raises:
        CheckpointError: The file cannot be read, or its tensors do not fit.
    """
    with refusals_named(path):
        content = read_object(path)
        if not isinstance(content, dict):
            raise RefusedError("it holds no state dict")
        checked_tensors({"the flow": content}, path.stat().st_size)
        return StyleFlow.from_state_dict(without_prefix(content))


def _alone(velocity: Velocity, conditions: Tensor) -> Derivative:
    """The derivative of the state (x,)."""
    return lambda t, state: (velocity(t, state[0], conditions),)


def _with_trace(velocity: Velocity, conditions: Tensor, probe: Tensor | None) -> Derivative:
    """The derivative of the state (x, change of log-density)."""

    def derivative(t: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        with torch.enable_grad():
            x = state[0].detach().requires_grad_()
            speed = velocity(t, x, conditions)
            trace = _trace(speed, x, probe)
        return speed.detach(), -trace

    return derivative


def _trace(speed: Tensor, x: Tensor, probe: Tensor | None) -> Tensor:
    """Trace of the derivative of ``speed`` by ``x`` for every row, ``[N, L, 1]``."""
    if probe is not None:
        (product,) = torch.autograd.grad(speed, x, probe)
        return (product * probe).sum(dim=2, keepdim=True)
    total = torch.zeros_like(x[..., :1])
    for index in range(x.shape[2]):
        (row,) = torch.autograd.grad(speed[..., index].sum(), x, retain_graph=True)
        total = total + row[..., index : index + 1]
    return total


def _count(state_dict: StateDict, pattern: str, start: int, step: int) -> int:
    number = 0
    while pattern.format(start + step * number) in state_dict:
        number += 1
    return number
