"""Round, the limits and the scale around it become one operation: to a fixed-point type.

A type has steps of a power of two; another scale stays behind, on integers. The limits may stand
before the rounding, behind it, or behind the scale: clip(round(x)) = round(clip(x)) where they are
integers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.exact import full
from bnnhw.ir.ops import Affine, Binarize, Piecewise, Quantise, Round, clip, limits_of
from bnnhw.ir.types import Integer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bnnhw.ir.graph import Node
    from bnnhw.ir.ops import Tensor

_WIDEST = 24
_PARTS = 4
_FLOAT32 = Fraction(1, 1 << 22)
"""Relative error of a ratio of float32 constants."""


def settle_rounding(
    nodes: Sequence[Node], output: str, tensors: Mapping[str, Tensor]
) -> list[Node]:
    """The nodes with a Quantise for every Round.

    Args:
        nodes: in execution order.
        output: the graph's output tensor.
        tensors: shapes of all tensors.

    Raises:
        ModelError: names a rounding without limits.
    """
    result = list(nodes)
    while True:
        node = next((n for n in result if isinstance(n.op, Round)), None)
        if node is None:
            return _on_steps(result)
        result = _settled(result, node, output, tensors)


def half_even(nodes: Sequence[Node]) -> list[Node]:
    """The Quantise nodes whose model rounds ties to even, where hardware rounds them up."""
    return [node for node in nodes if isinstance(node.op, Quantise) and node.op.half_even]


def _on_steps(nodes: list[Node]) -> list[Node]:
    """The nodes with shifts behind roundings that are whole parts of a step, as they were meant.

    Of n * 2/3 - 1 the shift is -3/2 steps; but 2/3 is a float, and the ratio is not quite that.
    """
    readers: dict[str, list[Node]] = {}
    for node in nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    moved: dict[str, Node] = {}
    for node in nodes:
        if not isinstance(node.op, Quantise):
            continue
        scale, shift, after = Fraction(1), Fraction(0), readers.get(node.output, [])
        last = None
        while len(after) == 1 and (line := _line(after[0])) is not None:
            scale, shift, last = scale * line[0], shift * line[0] + line[1], after[0]
            after = readers.get(last.output, [])
        steps = Fraction(2) ** -node.op.dtype.frac * scale
        if last is None or not steps:
            continue
        meant = (shift / steps).limit_denominator(_PARTS)
        apart = abs(meant * steps - shift)
        if apart and apart <= _FLOAT32 * abs(shift):
            assert isinstance(last.op, Affine)
            op = replace(last.op, shift=last.op.shift + (meant * steps - shift))
            moved[last.name] = replace(last, op=op)
    return [moved.get(node.name, node) for node in nodes]


@dataclass
class _Found:
    """What belongs to a Round.

    Attributes:
        first: the tensor that is rounded; the Round's own input but for limits before it.
        last: the tensor that holds the result.
        gone: names of the nodes that the Quantise replaces.
        also: further tensors that hold the result.
        limits: smallest and largest integer.
        scale: what the integers are multiplied by.
        shift: what is added to the integers before that.
    """

    first: str
    last: str
    gone: set[str]
    also: set[str] = field(default_factory=set)
    limits: tuple[int, int] | None = None
    scale: Fraction = Fraction(1)
    shift: Fraction = Fraction(0)


def _settled(
    nodes: list[Node], node: Node, output: str, tensors: Mapping[str, Tensor]
) -> list[Node]:
    found = _Surroundings(nodes, node, output).found()
    channels = tensors[node.output].shape[0]
    if found.limits is not None and found.limits[1] - found.limits[0] == 1:
        made = _as_sign(node, found, found.limits, channels)
    else:
        made = _made(node, found, _type(node, found), channels)
    done: list[Node] = []
    for other in nodes:
        if other is node:
            done += made
        elif other.name not in found.gone:
            inputs = tuple(found.last if name in found.also else name for name in other.inputs)
            done.append(replace(other, inputs=inputs))
    return done


def _as_sign(node: Node, found: _Found, limits: tuple[int, int], channels: int) -> list[Node]:
    """A rounding to two neighbouring integers: a sign, whose threshold lies halfway between them.

    Just there, half to even gives the even one.
    """
    assert isinstance(node.op, Round)
    low, high = limits
    middle = full(channels, -Fraction(low + high, 2))
    name = f"{node.name}_middle"
    affine = replace(
        node, name=name, op=Affine(full(channels, 1), middle), inputs=(found.first,),
        output=f"{name}:out",
    )  # fmt: skip
    zero, one = (float((limit + found.shift) * found.scale) for limit in limits)
    sign = Binarize(node.op.half_even and low % 2 == 0, zero, one)
    return [affine, replace(node, op=sign, inputs=(affine.output,), output=found.last)]


def _made(node: Node, found: _Found, dtype: Integer, channels: int) -> list[Node]:
    """The rounded numbers, in the units of what follows: scaled, limited where need be, rounded."""
    assert isinstance(node.op, Round)
    assert found.limits is not None
    scale, shift = found.scale, found.shift
    steps: list[tuple[str, Affine | Piecewise | Quantise]] = []
    if scale != 1 or shift != 0:
        affine = Affine(full(channels, scale), full(channels, shift * scale))
        steps.append((f"{node.name}_steps", affine))
    low, high = (limit + shift for limit in found.limits)
    if low != dtype.low or high != dtype.high:
        steps.append((f"{node.name}_limits", clip(float(low * scale), float(high * scale))))
    steps.append((node.name, Quantise(dtype, node.op.half_even)))
    made, tensor = [], found.first
    for name, op in steps:
        target = found.last if isinstance(op, Quantise) else f"{name}:out"
        made.append(replace(node, name=name, op=op, inputs=(tensor,), output=target))
        tensor = target
    return made


def _type(node: Node, found: _Found) -> Integer:
    """The fixed-point type that holds all results."""
    if found.limits is None:
        raise ModelError(
            "rounds, but nothing limits the result to so many bits",
            where=node.where,
            fix="clip to the range of an integer type next to it, or use Quant or QuantizeLinear",
        )
    low, high = (limit + int(found.shift) for limit in found.limits)
    dtype = Integer.spanning(min(low, 0), max(high, 0))
    if low == high or not 2 <= dtype.bits <= _WIDEST:
        raise ModelError(
            f"rounds to {low} .. {high}, "
            + (f"which takes {dtype.bits} bits" if high > low else "one number"),
            where=node.where,
            fix=f"round to 2 or more integers of at most {_WIDEST} bits",
        )
    scale = found.scale
    return replace(dtype, frac=scale.denominator.bit_length() - scale.numerator.bit_length())


class _Surroundings:
    """The nodes before and behind a Round, as far as each is the only reader of what it reads."""

    def __init__(self, nodes: Sequence[Node], node: Node, output: str) -> None:
        self._node, self._output = node, output
        self._producers = {n.output: n for n in nodes}
        self._readers: dict[str, list[Node]] = {}
        for n in nodes:
            for name in n.inputs:
                self._readers.setdefault(name, []).append(n)

    def found(self) -> _Found:
        """What belongs to the Round."""
        node = self._node
        found = _Found(node.inputs[0], node.output, {node.name})
        self._take_clip(found)
        self._take_scale(found)
        if found.limits is None:
            self._take_clip(found)
        if found.limits is None:
            self._take_clip_before(found)
        if found.limits is None or found.limits[1] - found.limits[0] > 1:
            self._take_bit(found)
        return found

    def _alone(self, tensor: str) -> bool:
        return tensor != self._output and len(self._readers.get(tensor, [])) == 1

    def _take_bit(self, found: _Found) -> None:
        """Limits that leave two integers of a wider type, by another Clip behind or one before.

        Where there are no limits yet, those before are taken, two integers or more.
        """
        tried = replace(found, gone={*found.gone})
        self._take_clip(tried)
        before = self._rounded_bounds(found.first)
        for made, low, high in ((tried, *(tried.limits or before)), (found, *before)):
            if found.limits is not None:
                low, high = max(low, found.limits[0]), min(high, found.limits[1])
            if high - low == 1:
                vars(found).update(vars(replace(made, limits=(int(low), int(high)))))
                return
        if found.limits is None and all(math.isfinite(bound) for bound in before):
            found.limits = (int(before[0]), int(before[1]))

    def _rounded_bounds(self, tensor: str) -> tuple[float, float]:
        """Smallest and largest result of the rounding, after a Clip, ReLU or sign before it."""
        assert isinstance(self._node.op, Round)
        scale, shift = Fraction(1), Fraction(0)
        node = self._producers.get(tensor)
        while node is not None and (line := _line(node)) is not None:
            scale, shift = scale * line[0], shift + scale * line[1]
            node = self._producers.get(node.inputs[0])
        bounds = (-math.inf, math.inf)
        if node is not None and isinstance(node.op, Binarize):
            bounds = (node.op.low, node.op.high)
        else:
            while node is not None and (ends := limits_of(node.op)) is not None:
                # Of a Min behind a Max, each gives one end.
                low, high = (min(max(end, bounds[0]), bounds[1]) for end in ends)
                bounds = low, high
                node = self._producers.get(node.inputs[0])
        half_even = self._node.op.half_even
        results = [
            _rounded(scale * Fraction(bound) + shift, half_even=half_even)
            if math.isfinite(bound)
            else bound * (1 if scale > 0 else -1)
            for bound in bounds
        ]
        return min(results), max(results)

    def _take_clip(self, found: _Found) -> None:
        """A Clip behind, its limits in integers of the rounding."""
        readers = self._readers.get(found.last, [])
        bounds = limits_of(readers[0].op) if self._alone(found.last) else None
        if bounds is None or not np.isfinite(bounds).all():
            return
        low, high = (Fraction(b) / found.scale - found.shift for b in bounds)
        if low.denominator == high.denominator == 1:
            found.limits = (int(low), int(high))
            found.last = readers[0].output
            found.gone.add(readers[0].name)

    def _take_scale(self, found: _Found) -> None:
        """The power of two that all readers multiply by; each holds the same result."""
        readers = self._readers.get(found.last, [])
        lines = [_line(reader) for reader in readers]
        line = lines[0] if lines else None
        if line is None or found.last == self._output or any(other != line for other in lines):
            return
        if not _is_power_of_two(line[0]) or (line[1] / line[0]).denominator > 1:
            return
        found.scale, found.shift = line[0], line[1] / line[0]
        # The model's output keeps its name.
        names = sorted((r.output for r in readers), key=lambda name: name != self._output)
        found.last, found.also = names[0], set(names[1:])
        found.gone.update(reader.name for reader in readers)

    def _take_clip_before(self, found: _Found) -> None:
        """A Clip to integers before, or before shifts that cancel (Add 1/2, then Floor)."""
        tensor, scale, shift = found.first, Fraction(1), Fraction(0)
        passed: set[str] = set()
        while self._alone(tensor) and tensor in self._producers:
            before = self._producers[tensor]
            bounds = limits_of(before.op)
            if bounds is not None and scale == 1 and shift == 0:
                if np.isfinite(bounds).all():
                    low, high = map(Fraction, bounds)
                    if low.denominator == high.denominator == 1:
                        found.limits, found.first = (int(low), int(high)), before.inputs[0]
                        found.gone |= {*passed, before.name}
                return
            line = _line(before)
            if line is None:
                return
            scale, shift = scale * line[0], shift + scale * line[1]
            passed.add(before.name)
            tensor = before.inputs[0]


def _rounded(x: Fraction, *, half_even: bool) -> int:
    return round(x) if half_even else math.floor(x + Fraction(1, 2))


def _is_power_of_two(value: Fraction) -> bool:
    over, under = value.numerator, value.denominator
    return value > 0 and not over & (over - 1) and not under & (under - 1)


def _line(node: Node) -> tuple[Fraction, Fraction] | None:
    """Scale and shift of an affine operation that treats all channels alike."""
    op = node.op
    if not isinstance(op, Affine) or not op.uniform:
        return None
    return Fraction(op.scale.flat[0]), Fraction(op.shift.flat[0])
