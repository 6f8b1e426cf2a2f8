"""Element-wise functions of the input become a table of integers, or an affine function of them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.interpret.real import evaluated
from bnnhw.ir.exact import floats, full
from bnnhw.ir.ops import Affine, Binarize, IntegerTable, Lookup, Piecewise, limits_of
from bnnhw.ir.types import Bit, Integer, Real
from bnnhw.passes.rewrite import Links, fresh_name, splice, with_op

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.ops import Floats, Op

_WIDEST_INPUT = 8
_WIDEST_OUTPUT = 16
_RELATIVE = 4e-6
"""How far a table's values may lie from their grid, relative to the largest: float32 arithmetic."""


def fold_tables(graph: Graph) -> Graph:
    """The graph without Lookup, and without limits of the input that no sign follows.

    Raises:
        ModelError: the values of a table lie on no common grid of integers.
    """
    dtype = graph.tensors[graph.input].dtype
    if isinstance(dtype, Real):
        return graph
    nodes = _elementwise(graph)
    ops = [node.op for node in nodes]
    tables = [i for i, op in enumerate(ops) if isinstance(op, Lookup)]
    bent = [i for i, op in enumerate(ops) if limits_of(op)]
    signs = [i for i, op in enumerate(ops) if isinstance(op, Binarize)]
    if tables:
        last = max(tables + bent + signs)
    elif bent and not (signs and signs[0] > max(bent)):
        last = max(bent + signs)
    else:
        return graph
    if isinstance(dtype, Integer) and dtype.bits > _WIDEST_INPUT:
        raise ModelError(
            f"is a non-linear function of an input of type {dtype}; tables take 8 bits at most",
            where=nodes[last].where,
            fix="declare a narrower --input-type",
        )
    values = np.arange(dtype.low, dtype.high + 1).astype(np.float64)
    for op in ops[: last + 1]:
        values = _apply(op, values)
    made = _as_nodes(graph, nodes[last], values)
    return splice(graph, nodes[: last + 1], made)


def _elementwise(graph: Graph) -> list[Node]:
    """The path of nodes from the input that treat every element alike."""
    links, nodes = Links(graph), []
    readers = links.consumers(graph.input)
    node = readers[0] if len(readers) == 1 else None
    while node is not None and _alike(node.op):
        nodes.append(node)
        node = links.after(node)
    return nodes


def _alike(op: Op) -> bool:
    if isinstance(op, Affine):
        return op.uniform
    return isinstance(op, (Binarize, Lookup)) or limits_of(op) is not None


def _apply(op: Op, x: Floats) -> Floats:
    if isinstance(op, Lookup):
        return op.values
    if isinstance(op, Affine):
        return np.asarray(floats(op.scale[:1]) * x + floats(op.shift[:1]), np.float64)
    if isinstance(op, Piecewise):
        return evaluated(op, x[None, None])[0, 0]
    assert isinstance(op, Binarize)
    return np.where((x > 0) if op.strict else (x >= 0), op.high, op.low)


def _as_nodes(graph: Graph, node: Node, values: Floats) -> list[Node]:
    """A table of integers and the affine operation that makes them the values again."""
    integers, step, offset = grid_of(values, node)
    dtype = graph.tensors[graph.input].dtype
    assert not isinstance(dtype, Real)
    inputs = np.arange(dtype.low, dtype.high + 1)
    channels = graph.tensors[graph.input].shape[0]
    slope = int(integers[1] - integers[0])
    nodes = []
    if slope and (integers - integers[0] == slope * (inputs - inputs[0])).all():
        offset += step * (int(integers[0]) - slope * int(inputs[0]))
        step *= slope
    else:
        kind: Integer | Bit
        if len({*integers.tolist()}) == 2:
            bipolar = offset != 0
            if bipolar:
                integers, step, offset = 2 * integers - 1, step / 2, offset + step / 2
            kind = Bit(bipolar)
        else:
            kind = Integer.spanning(int(integers.min()), int(integers.max()))
        nodes.append(with_op(node, IntegerTable(integers, kind), fresh_name(graph, "input_table")))
    if step != 1 or offset != 0:
        name = fresh_name(graph, "input_table_scale")
        nodes.append(
            replace(node, name=name, op=Affine(full(channels, step), full(channels, offset)))
        )
    return nodes


def grid_of(
    values: Floats, node: Node
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.int64]], Fraction, Fraction]:
    """Integers k, a step and an offset with values = k * step + offset to float32's precision.

    The offset is 0 where the values allow it.
    """
    distinct = np.unique(values)
    if len(distinct) == 1:
        raise ModelError(
            f"is {distinct[0]:g} whatever the input",
            where=node.where,
            fix="check the preprocessing and the declared input scale",
        )
    reach = float(np.abs(distinct).max())
    tolerance = reach * _RELATIVE
    step = _common_step(np.diff(distinct), tolerance)
    if step is not None:
        from_zero = np.abs(values / step - np.rint(values / step)).max() * step
        origin = 0.0 if from_zero <= 2 * tolerance else float(distinct[0])
        integers = np.rint((values - origin) / step).astype(np.int64)
        if Integer.spanning(int(integers.min()), int(integers.max())).bits <= _WIDEST_OUTPUT:
            exact_step, exact_offset = _refine(integers, values, step, origin)
            error = np.abs(integers * float(exact_step) + float(exact_offset) - values).max()
            if error <= tolerance:
                return integers, exact_step, exact_offset
    raise ModelError(
        f"maps the input to {len(distinct)} values that are no multiples of one step",
        where=node.where,
        fix="quantise them (a QONNX Quant, or Round(x * n) / n), or start with an affine "
        "normalisation",
    )


def _common_step(gaps: Floats, tolerance: float) -> float | None:
    """The largest step of which all gaps are multiples (Euclid's algorithm with a tolerance)."""
    step = float(gaps.max())
    for gap in np.sort(gaps).tolist():
        a, b = step, float(gap)
        while b > 64 * tolerance:
            a, b = b, abs(a - b * round(a / b))
        step = a
        if step <= 64 * tolerance:
            return None
    return step


def _refine(
    integers: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    values: Floats,
    step: float,
    origin: float,
) -> tuple[Fraction, Fraction]:
    """The step and offset as the model's author meant them: the simplest near fractions."""
    high, low = int(integers.argmax()), int(integers.argmin())
    span = int(integers[high] - integers[low])
    step = float(values[high] - values[low]) / span
    near = Fraction(step).limit_denominator(1 << 16)
    if abs(float(near) - step) * span > _RELATIVE * max(abs(values[high]), abs(values[low])):
        near = Fraction(float(np.float32(step)))
    return near, Fraction(origin)
