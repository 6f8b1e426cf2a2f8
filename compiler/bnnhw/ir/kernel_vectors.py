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
"""Vectors of sums that are kept in registers together."""


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


def _sums(code: _Code, lanes: int, term: Callable[[Any, Any], Any]) -> list[Any]:
    """Vectors of sums over the rows of a window, of term(x, weights).

    The intrinsic's first arguments are x, the index of the first element, elements from row to row,
    weight, the index of its first vector, vectors from row to row, rows, elements in each.
    """
    x, x_first, x_step, weight, w_first, w_step, rows, count = code.values[:8]
    builder, block = code.builder, lanes * _VECTORS
    kind = ir.VectorType(weight.type.pointee, lanes)
    sums = [cgutils.alloca_once_value(builder, ir.Constant(kind, None)) for _ in range(_VECTORS)]
    with cgutils.for_range(builder, rows) as row:
        x_row = builder.add(x_first, builder.mul(row.index, x_step))
        w_row = builder.add(w_first, builder.mul(row.index, w_step))
        with cgutils.for_range(builder, count) as column:
            value = code.splat(code.load(x, builder.add(x_row, column.index)), lanes)
            base = builder.mul(builder.add(w_row, column.index), _INT64(block))
            for i, total in enumerate(sums):
                weights = code.load(weight, builder.add(base, _INT64(i * lanes)), lanes)
                builder.store(builder.add(builder.load(total), term(value, weights)), total)
    return [builder.load(total) for total in sums]


@_intrinsic
def sum_bits(
    _typing: Any,
    x: Any,
    x_first: Any,
    x_step: Any,
    weight: Any,
    w_first: Any,
    w_step: Any,
    rows: Any,
    count: Any,
    start: Any,
    s_first: Any,
    scale: Any,
    out: Any,
    o_first: Any,
) -> tuple[Any, Callable[..., Any]]:
    """Writes start - scale * (bits that differ between x and weight), for WORD_BLOCK outputs."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        code, lanes = _Code(context, builder, signature, values), WORD_BLOCK // _VECTORS
        first, at, factor, into, place = code.values[8:]
        factor = code.splat(builder.trunc(factor, _INT32), lanes)
        found = _sums(code, lanes, lambda a, b: code.popcount(builder.xor(a, b)))
        for i, total in enumerate(found):
            narrow = builder.trunc(total, ir.VectorType(_INT32, lanes))
            begin = code.load(first, builder.add(at, _INT64(i * lanes)), lanes)
            result = builder.sub(begin, builder.mul(factor, narrow))
            builder.store(result, code.at(into, builder.add(place, _INT64(i * lanes)), lanes), 4)
        return context.get_dummy_value()

    n = types.int64
    arguments = (x, n, n, weight, n, n, n, n, start, n, n, out, n)
    return types.void(*arguments), emit


@_intrinsic
def sum_products(
    _typing: Any,
    x: Any,
    x_first: Any,
    x_step: Any,
    weight: Any,
    w_first: Any,
    w_step: Any,
    rows: Any,
    count: Any,
    start: Any,
    s_first: Any,
    out: Any,
    o_first: Any,
) -> tuple[Any, Callable[..., Any]]:
    """Writes start + sum of x * weight, for NUMBER_BLOCK outputs."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        code, lanes = _Code(context, builder, signature, values), NUMBER_BLOCK // _VECTORS
        first, at, into, place = code.values[8:]
        for i, total in enumerate(_sums(code, lanes, builder.mul)):
            begin = code.load(first, builder.add(at, _INT64(i * lanes)), lanes)
            target = code.at(into, builder.add(place, _INT64(i * lanes)), lanes)
            builder.store(builder.add(begin, total), target, 4)
        return context.get_dummy_value()

    n = types.int64
    return types.void(x, n, n, weight, n, n, n, n, start, n, out, n), emit


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
