"""Vector instructions for the kernels, written in LLVM's own terms through numba.

LLVM finds vectors in plain loops too, but not in those over a few channels, and keeps no sums in
registers from one loop to the next. All vectors are of a fixed size and lie anywhere in memory;
LLVM splits them as the processor needs. Indices are the caller's to get right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from bnnhw.ir.packed import NUMBER_BLOCK, WORD, WORD_BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable

_INT32, _INT64 = ir.IntType(32), ir.IntType(64)
_VECTORS = 2
"""Vectors in a block of outputs; with those of two pixels they fit the registers."""


def _intrinsic(function: Callable[..., Any]) -> Callable[..., Any]:
    return intrinsic(function)


class _Code:
    """What emitting code for an intrinsic takes: arrays by their data, vectors at an index."""

    def __init__(self, context: Any, builder: Any, signature: Any, values: Any) -> None:
        self.builder = builder
        self.values = list(values)
        for i, kind in enumerate(signature.args):
            if isinstance(kind, types.Array):
                self.values[i] = context.make_array(kind)(context, builder, values[i]).data

    def at(self, pointer: Any, index: Any, lanes: int = 0) -> Any:
        """The address of an element, or of a vector that begins with it."""
        element = self.builder.gep(pointer, [index])
        if not lanes:
            return element
        kind = ir.VectorType(pointer.type.pointee, lanes)
        return self.builder.bitcast(element, kind.as_pointer())

    def load(self, pointer: Any, index: Any, lanes: int = 0) -> Any:
        """An element or a vector."""
        width = pointer.type.pointee.width
        return self.builder.load(self.at(pointer, index, lanes), align=width // 8)

    def splat(self, value: Any, lanes: int) -> Any:
        """A vector of copies of a value."""
        kind = ir.VectorType(value.type, lanes)
        first = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, _INT32(0))
        mask = ir.Constant(ir.VectorType(_INT32, lanes), [0] * lanes)
        return self.builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), mask)

    def popcount(self, vector: Any) -> Any:
        """The number of ones in each lane."""
        name = f"llvm.ctpop.v{vector.type.count}i{vector.type.element.width}"
        kind = ir.FunctionType(vector.type, [vector.type])
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, [vector])


def _write_sums(
    code: _Code,
    lanes: int,
    term: Callable[[Any, Any], Any],
    finish: Callable[[Any, Any], Any],
) -> None:
    """Sums of term(x, weights) over the windows of two pixels, for a block of outputs.

    The intrinsic's arguments are, in this order: x, the index of the first element of both windows,
    elements from row to row; weight, the index of the first vector; rows of a window, elements in
    each; start and out, each with the index of the block for both pixels. ``finish`` makes what
    is written of the start and the sum.
    """
    x, x_a, x_b, x_step, weight, w_first, rows, count = code.values[:8]
    start, s_a, s_b, out, o_a, o_b = code.values[8:14]
    builder = code.builder
    nothing = ir.Constant(ir.VectorType(weight.type.pointee, lanes), None)
    sums = [[cgutils.alloca_once_value(builder, nothing) for _ in range(_VECTORS)] for _ in "ab"]
    with cgutils.for_range(builder, rows) as row:
        x_rows = [builder.add(first, builder.mul(row.index, x_step)) for first in (x_a, x_b)]
        w_row = builder.add(w_first, builder.mul(row.index, count))
        with cgutils.for_range(builder, count) as column:
            at = builder.mul(builder.add(w_row, column.index), _INT64(lanes * _VECTORS))
            elements = [code.load(x, builder.add(x_row, column.index)) for x_row in x_rows]
            values = [code.splat(element, lanes) for element in elements]
            for i in range(_VECTORS):
                weights = code.load(weight, builder.add(at, _INT64(i * lanes)), lanes)
                for value, totals in zip(values, sums, strict=True):
                    total = builder.add(builder.load(totals[i]), term(value, weights))
                    builder.store(total, totals[i])
    for totals, first, place in zip(sums, (s_a, s_b), (o_a, o_b), strict=True):
        for i, total in enumerate(totals):
            begin = code.load(start, builder.add(first, _INT64(i * lanes)), lanes)
            into = code.at(out, builder.add(place, _INT64(i * lanes)), lanes)
            builder.store(finish(begin, builder.load(total)), into, 4)


@_intrinsic
def sum_bits(
    _typing: Any,
    x: Any,
    x_a: Any,
    x_b: Any,
    x_step: Any,
    weight: Any,
    w_first: Any,
    rows: Any,
    count: Any,
    start: Any,
    s_a: Any,
    s_b: Any,
    out: Any,
    o_a: Any,
    o_b: Any,
    scale: Any,
) -> tuple[Any, Callable[..., Any]]:
    """Writes start - scale * (bits that differ between x and weight), for WORD_BLOCK outputs."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        code, lanes = _Code(context, builder, signature, values), WORD_BLOCK // _VECTORS
        factor = code.splat(builder.trunc(code.values[-1], _INT32), lanes)

        def finish(begin: Any, total: Any) -> Any:
            return builder.sub(begin, builder.mul(factor, builder.trunc(total, begin.type)))

        _write_sums(code, lanes, lambda a, b: code.popcount(builder.xor(a, b)), finish)
        return context.get_dummy_value()

    n = types.int64
    return types.void(x, n, n, n, weight, n, n, n, start, n, n, out, n, n, n), emit


@_intrinsic
def sum_products(
    _typing: Any,
    x: Any,
    x_a: Any,
    x_b: Any,
    x_step: Any,
    weight: Any,
    w_first: Any,
    rows: Any,
    count: Any,
    start: Any,
    s_a: Any,
    s_b: Any,
    out: Any,
    o_a: Any,
    o_b: Any,
) -> tuple[Any, Callable[..., Any]]:
    """Writes start + sum of x * weight, for NUMBER_BLOCK outputs."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        code, lanes = _Code(context, builder, signature, values), NUMBER_BLOCK // _VECTORS
        _write_sums(code, lanes, builder.mul, builder.add)
        return context.get_dummy_value()

    n = types.int64
    return types.void(x, n, n, n, weight, n, n, n, start, n, n, out, n, n), emit


@_intrinsic
def compare(
    _typing: Any, x: Any, x_first: Any, table: Any, t_first: Any
) -> tuple[Any, Callable[..., Any]]:
    """A word of bits x >= table, of 64 numbers each; the first is in the lowest bit."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        code = _Code(context, builder, signature, values)
        numbers, at, limits, place = code.values
        bits = builder.icmp_signed(
            ">=", *(code.load(*of, WORD) for of in ((numbers, at), (limits, place)))
        )
        return builder.bitcast(bits, _INT64)

    return types.uint64(x, types.int64, table, types.int64), emit
