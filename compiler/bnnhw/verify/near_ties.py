"""Signs that a model's float32 arithmetic decides otherwise than exact arithmetic.

A threshold is exact for the real-number meaning of the model's parameters; onnxruntime evaluates
the same expressions in float32. Where an expression lies closer to zero than the rounding error of
its evaluation, its sign is a matter of chance. Here the float32 error is bounded node by node
(standard error analysis, u = 2^-24), and a differing bit is accepted only inside that bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import REPORT, ModelError
from bnnhw.frontend import views
from bnnhw.frontend.precision import Precision
from bnnhw.interpret.interpreter import execute
from bnnhw.interpret.real import affine_arrays, convolve, execute_real, max_pool
from bnnhw.ir.ops import (
    Affine,
    AveragePool,
    Binarize,
    BitMaxPool,
    ChannelSum,
    Concat,
    Conv,
    Dense,
    Flatten,
    Lookup,
    MaxPool,
    Pad,
    Piecewise,
    Quantise,
    Select,
    Smooth,
)
from bnnhw.ir.types import Bit
from bnnhw.passes.rewrite import turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bnnhw.frontend import Imported
    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Bools, Floats, Ints, Op, Tensor
    from bnnhw.verify.session import Tracer

_AFFINE_UNITS = 8.0
_SMOOTH_UNITS = 16.0
"""Roundings in BatchNormalization: variance + epsilon, root, quotient, two products, two sums."""
FLOAT32 = Precision()
_LEAST = 2.0**-149
"""The smallest float32: products below it are lost."""
_GRID_BITS = 24
_TIE_BITS = 30
_AT_ONCE = 8


@dataclass
class Explanation:
    """The differences between model and integer graph, sign by sign.

    Attributes:
        ties: number of signs decided by rounding.
        largest: largest margin of them, relative to its bound.
        failure: the first difference that rounding does not explain; None if there is none.
        scores: integer scores that follow from the model's own bits.
        outputs: the model's outputs for the same inputs.
    """

    ties: int
    largest: float
    failure: str | None
    scores: Ints
    outputs: Floats

    def scores_differ(self, compare: Callable[[Ints, Floats], Bools]) -> Bools:
        """Which samples differ although the model's own bits were used."""
        return compare(self.scores, self.outputs)


@dataclass(frozen=True)
class _Aligned:
    """A tensor of bits that model, real graph and integer graph all have.

    Attributes:
        sign: the sign in the real graph.
        scaled: the affine operation behind it whose result the model's tensor is, if it is.
        tensor: ONNX name of the model's tensor.
        turned: whether the integer graph's bits are 1, the larger value, where the sign's are 0.
    """

    sign: Node
    scaled: Node | None
    tensor: str
    turned: bool


def explain(
    graph: Graph,
    imported: Imported,
    trace: Tracer,
    inputs: tuple[NDArray[np.generic], Ints],
    outputs: Floats,
) -> Explanation:
    """Follows model and integer graph sign by sign for ``inputs`` (the model's, and integers)."""
    aligned = _aligned(graph, imported)
    ties, largest, failure = 0, 0.0, None
    scores = []
    for first in range(0, len(outputs), _AT_ONCE):
        x, q = inputs[0][first : first + _AT_ONCE], inputs[1][first : first + _AT_ONCE]
        names = [place.tensor for place in aligned.values()]
        values = dict(zip(names, trace(names, x), strict=True)) if names else {}
        walk = _Walk(graph, imported, aligned, values, trace.precision)
        scores.append(walk.run(q))
        ties, largest = ties + walk.ties, max(largest, walk.largest)
        failure = failure or walk.failure
        if failure:
            break
    done = np.concatenate(scores)
    return Explanation(ties, largest, failure, done, outputs[: len(done)])


def _aligned(graph: Graph, imported: Imported) -> dict[str, _Aligned]:
    """By name: the signs' results (or those times a scale) that all three executions have."""
    written = {node.output for node in graph.nodes}
    nodes = imported.graph.nodes
    found = {}
    for node, after in zip(nodes, [*nodes[1:], None], strict=True):
        if not isinstance(node.op, Binarize):
            continue
        scaled = after if after is not None and isinstance(after.op, Affine) else None
        places: list[tuple[str, Node | None, str]] = [(node.output, None, node.output)]
        if scaled is not None:
            places += [(name, scaled, scaled.output) for name in (node.output, scaled.output)]
        for name, extra, tensor in places:
            bits = name in written and isinstance(graph.tensors[name].dtype, Bit)
            if bits and is_aligned(imported, tensor):
                turned = turns(node, [extra] if extra and extra.output == name else [])
                found[name] = _Aligned(node, extra, tensor, turned)
                break
    return found


class _Walk:
    """One batch through the integer graph and the real graph, with the model's bits put in."""

    def __init__(
        self,
        graph: Graph,
        imported: Imported,
        aligned: dict[str, _Aligned],
        values: dict[str, NDArray[np.generic]],
        precision: Precision,
    ) -> None:
        self._graph, self._imported, self._precision = graph, imported, precision
        self._aligned, self._values = aligned, values
        self.ties, self.largest = 0, 0.0
        self.failure: str | None = None
        self._position = 0
        self._real: Floats = np.zeros(0)
        self._error: Floats = np.zeros(0)

    def run(self, q: Ints) -> Ints:
        """Integer scores that follow from the model's bits, as far as these are explained."""
        self._real = q.astype(np.float64)
        self._error = np.zeros_like(self._real)
        x = q
        for node in self._graph.nodes:
            count = len(node.inputs)  # of copies, where there are several
            x = execute(node.op, [x] * count, [self._graph.tensors[node.inputs[0]]] * count)
            if node.output in self._aligned and self.failure is None:
                x = self._compare(node, x)
        return x

    def _compare(self, node: Node, bits: Ints) -> Ints:
        """The model's bits for an aligned tensor; sets ``failure`` where they cannot be."""
        place = self._aligned[node.output]
        margin, bound = self._up_to(place)
        model = self._model_bits(place)
        mine = (bits > 0) ^ place.turned
        differ = model != mine
        if differ.any():
            outside = differ & (np.abs(margin) > bound)
            if outside.any():
                channel = int(np.argwhere(outside)[0][1])
                self.failure = (
                    f"the first difference is at {place.sign.where}: {int(outside.sum())} of "
                    f"{outside.size} bits, first in channel {channel}"
                )
                return bits
            self.ties += int(differ.sum())
            share = np.abs(margin[differ]) / np.maximum(bound[differ], 1e-300)
            self.largest = max(self.largest, float(share.max()))
        op = place.sign.op
        assert isinstance(op, Binarize)
        self._real = np.where(model, op.high, op.low)
        if place.scaled is not None:
            self._step(place.scaled)
        self._error = np.zeros_like(self._real)
        dtype = self._graph.tensors[node.output].dtype
        assert isinstance(dtype, Bit)
        return np.where(model ^ place.turned, dtype.high, dtype.low)

    def _up_to(self, place: _Aligned) -> tuple[Floats, Floats]:
        """What the sign at ``place`` reads in the real graph, and the bound on its error."""
        nodes = self._imported.graph.nodes
        while nodes[self._position] is not place.sign:
            self._step(nodes[self._position])
            self._position += 1
        result = self._real, self._error
        self._position += 1 if place.scaled is None else 2
        return result

    def _step(self, node: Node) -> None:
        tensor = self._imported.graph.tensors[node.inputs[0]]
        if isinstance(node.op, Concat):
            copies = [self._real] * len(node.inputs), [self._error] * len(node.inputs)
            self._real, self._error = (np.concatenate(parts, axis=1) for parts in copies)
            return
        rounding = self._imported.rounding.get(node.name)
        self._error = error_bound(
            node.op, self._real, self._error, tensor, rounding, self._precision
        )
        self._real = execute_real(node.op, self._real, tensor)

    def _model_bits(self, place: _Aligned) -> Bools:
        name = place.tensor
        shape = self._imported.graph.tensors[name].shape
        values = model_values(self._imported, name, self._values[name])
        op = place.sign.op
        assert isinstance(op, Binarize)
        low, high = np.asarray(op.low), np.asarray(op.high)
        if place.scaled is not None:
            assert isinstance(place.scaled.op, Affine)
            scale, shift = affine_arrays(place.scaled.op, len(shape))
            low, high = low * scale + shift, high * scale + shift
        return np.asarray(np.abs(values - high) < np.abs(values - low))


def model_values(imported: Imported, name: str, values: NDArray[np.generic]) -> Floats:
    """What the model gives for its tensor ``name``, in the order and shape of the graph's."""
    shape = imported.graph.tensors[name].shape
    view = imported.views[name]
    sizes = views.axis_sizes(shape, len(values), view.order)
    array = views.samples_in_graph_order(view, values, sizes)
    return array.reshape(len(array), *shape).astype(np.float64)


def is_aligned(imported: Imported, name: str) -> bool:
    """Whether a tensor of the real graph is one of the model's too."""
    view = imported.views.get(name)
    return view is not None and view.tensor == name and view.batch_first


def error_bound(
    op: Op,
    x: Floats,
    error: Floats,
    tensor: Tensor,
    magnitude: Floats | None,
    precision: Precision = FLOAT32,
) -> Floats:
    """Bound on the error of an operation's result in the model's own floats.

    Args:
        op: the operation.
        x: its exact input.
        error: bound on the error of that input.
        tensor: describes the input.
        magnitude: for Affine, the sum of magnitudes of the terms of the shift, per channel.
        precision: how the model rounds.
    """
    bound = _error_bound(op, x, error, tensor, magnitude, precision)
    if not precision.half or isinstance(op, (Flatten, Binarize, MaxPool, BitMaxPool, Pad)):
        return bound
    return precision.stored(execute_real(op, x, tensor), bound)


def _error_bound(
    op: Op,
    x: Floats,
    error: Floats,
    tensor: Tensor,
    magnitude: Floats | None,
    precision: Precision,
) -> Floats:
    unit = precision.unit
    if isinstance(op, (Conv, Dense)):
        return _layer_error(op, x, error, unit)
    if isinstance(op, Affine):
        scale, shift = affine_arrays(op, x.ndim - 1)
        y = x * scale + shift
        if not error.any() and _exact_in_float32(scale, x * scale, y):
            return error
        size = np.abs(shift) if magnitude is None else magnitude.reshape(scale.shape)
        spread = _AFFINE_UNITS * unit * (np.abs(scale * x) + size)
        return np.abs(scale) * error + spread + _LEAST
    if isinstance(op, MaxPool):
        return max_pool(error, op.window)
    if isinstance(op, BitMaxPool):
        return max_pool(error, op.window)
    if isinstance(op, AveragePool):
        taps = op.window.kernel[0] * op.window.kernel[1]
        size = execute_real(op, np.abs(x), tensor)
        # Not less for many taps: roundings of equal pixels do not cancel.
        return execute_real(op, error, tensor) + (taps + 1) * unit * size
    if isinstance(op, ChannelSum):
        size = execute_real(op, np.abs(x), tensor)
        return execute_real(op, error, tensor) + tensor.shape[0] * unit * size
    if isinstance(op, Piecewise):
        steepest = float(np.abs(op.arrays[1]).max())
        return steepest * (error if op.limits else error + unit * np.abs(x))
    if isinstance(op, Smooth):
        return op.steepest * error + _SMOOTH_UNITS * unit
    if isinstance(op, Lookup):
        return np.abs(execute_real(op, x, tensor)) * _AFFINE_UNITS * unit
    if isinstance(op, Pad):
        return op.apply(error)
    if isinstance(op, Flatten):
        return error.reshape(len(error), -1)
    if isinstance(op, Binarize):
        unsure = (np.abs(x) <= error) & ((error > 0) | op.zero_is_zero)
        return np.where(unsure, abs(op.high - op.low), 0.0)
    if isinstance(op, Quantise):
        slack = error + op.half_even * 2.0 ** (-op.dtype.frac - _TIE_BITS)
        slack = precision.stored(x, slack)  # of the quotient, before it is rounded to steps
        ends = (execute_real(op, x + side * slack, tensor) for side in (-1, 1))
        y = execute_real(op, x, tensor)
        return np.maximum(*(np.abs(end - y) for end in ends))
    raise ModelError(f"no bound on the rounding of {type(op).__name__} is known", fix=REPORT)


def select_error(op: Select, x: list[Floats], error: list[Floats], precision: Precision) -> Floats:
    """Bound on the error of a Select, which may choose otherwise near its threshold."""
    limits = np.abs(op.thresholds.astype(np.float64)).reshape(-1, *(1,) * (x[0].ndim - 2))
    margin = x[0] - op.thresholds.astype(np.float64).reshape(limits.shape)
    unsure = np.abs(margin) <= error[0] + precision.unit * (np.abs(x[0]) + limits)
    spread = np.maximum(error[0], error[1])
    return np.asarray(np.where(unsure & (error[0] > 0), np.abs(x[1] - x[0]) + spread, spread))


def _layer_error(op: Conv | Dense, x: Floats, error: Floats, unit: float) -> Floats:
    reach = magnitude(op, x)
    if not error.any():
        bits = _fraction_bits(x) + _fraction_bits(op.weight)
        if reach.max(initial=0) * 2.0**bits <= 2.0**_GRID_BITS:
            return np.zeros_like(reach)
    return magnitude(op, error) + _units(op) * unit * reach


def error_of_sums(op: Conv | Dense, x: Floats, precision: Precision) -> Floats:
    """Bound on the error of a layer's sums that begin with a bias: each partial sum is rounded."""
    return _units(op) * precision.unit * magnitude(op, x)


def magnitude(op: Conv | Dense, x: Floats) -> Floats:
    """Sums of |w * x|."""
    size = np.abs(op.weight)
    if isinstance(op, Conv):
        return convolve(np.abs(x), size, op.window, groups=op.groups)
    return np.asarray(np.abs(x) @ size.T, np.float64)


def _units(op: Conv | Dense) -> float:
    taps = int(np.prod(op.weight.shape[1:]))
    return float(min(taps, 8 * np.sqrt(taps)))


def _fraction_bits(values: Floats) -> int:
    """The least k with every value a multiple of 2^-k; 64 where none is small enough."""
    finest = values * 2.0**_GRID_BITS
    if not np.array_equal(finest, np.rint(finest)):
        return 64
    for bits in range(_GRID_BITS + 1):
        scaled = values * 2.0**bits
        if np.array_equal(scaled, np.rint(scaled)):
            return bits
    return 64


def _exact_in_float32(scale: Floats, *results: Floats) -> bool:
    """Whether scaling by powers of two makes every result a float32 number exactly."""
    mantissa = np.frexp(scale)[0]
    powers = bool(np.isin(np.abs(mantissa), (0.0, 0.5)).all())
    with np.errstate(over="ignore"):
        return powers and all(np.array_equal(r, r.astype(np.float32)) for r in results)
