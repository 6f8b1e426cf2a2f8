"""Widths and binary points of real-valued streams.

The two inputs of an addition and its result share one binary point, and so do what a concatenation
reads and gives, and input and result of a max pool or a pad: tensors joined so form a group (in a
residual network, one per stage).

Where signs read a group, its steps are so fine that rounding turns at most SIGNS_TURNED of them,
and that the error for other readers stays within SIGNED_STREAM_ERROR standard deviations of the
group's calmest tensor. Where no sign reads it, the limit is STREAM_ERROR. Saturation may cost
STREAM_SATURATION. No stream is chosen wider than STREAM_BITS: signs of values near 0 turn with any
rounding, and a network of many signs carries each on to others; wider streams were found to give no
better accuracy.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.ops import Add, Concat, MaxPool, Pad, Select
from bnnhw.ir.types import Integer
from bnnhw.passes.calibrate import REACH, Range, union
from bnnhw.passes.options import (
    ACTIVATION_BITS,
    SCORE_BITS,
    SIGNED_STREAM_ERROR,
    SIGNS_TURNED,
    STREAM_BITS,
    STREAM_ERROR,
    STREAM_SATURATION,
)
from bnnhw.passes.sign_loss import sign_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bnnhw.ir.graph import Graph
    from bnnhw.ir.ops import Floats, Ints
    from bnnhw.passes.options import PassOptions
    from bnnhw.passes.sign_loss import SignArgument

_FINEST = 40
_OCTAVES = 8
"""Most by which a channel's values are enlarged: its 8 bits then hold what others round to 0."""


class StreamTypes:
    """The fixed-point type of each tensor, should it be a stream.

    Args:
        graph: with real-valued operations.
        ranges: gives the ranges of its tensors; asked once, and only where they matter.
        options: widths the user asks for.
    """

    def __init__(
        self, graph: Graph, ranges: Callable[[], Mapping[str, Range]], options: PassOptions
    ) -> None:
        self._ask_ranges = ranges
        self._leader = {name: name for name in graph.tensors}
        for node in graph.nodes:
            if isinstance(node.op, (Add, Concat, MaxPool, Pad, Select)):
                for name in node.inputs:
                    self._leader[self._find(name)] = self._find(node.output)
        self._members: dict[str, list[str]] = {}
        for name in graph.tensors:
            self._members.setdefault(self._find(name), []).append(name)
        self._outputs = {node.name: node.output for node in graph.nodes}
        self._signs: dict[str, list[SignArgument]] = {}
        for sign in () if options.rough else sign_arguments(graph):
            self._signs.setdefault(self._find(sign.tensor), []).append(sign)
        self._used: set[str] = set()
        self._activations: set[str] = set()
        self._scores: set[str] = set()
        self._bits = self._asked(options)
        self._types: dict[str, Integer] = {}

    @cached_property
    def _ranges(self) -> Mapping[str, Range]:
        return self._ask_ranges()

    @property
    def derived(self) -> bool:
        """Whether any type was derived from ranges."""
        return "_ranges" in vars(self)

    def stream(self, tensor: str) -> Integer:
        """Of a tensor's group: signed, of the width asked for or as narrow as its error allows."""
        group = self._find(tensor)
        self._used.add(group)
        if group not in self._types:
            found = self._range(self._members[group])
            if group in self._bits:
                bits = self._bits[group]
                self._types[group] = Integer(bits, True, found.binary_point(bits))
            else:
                self._types[group] = self._narrowest(group, found)
        return self._types[group]

    def _narrowest(self, group: str, found: Range) -> Integer:
        """What leaves few signs turned, and little error to what else reads the group."""
        if not found.deviation:
            return Integer(STREAM_BITS, True, found.binary_point(STREAM_BITS))
        signs = [s for s in self._signs.get(group, []) if self._ranges[s.tensor].channels]
        error = SIGNED_STREAM_ERROR if signs else STREAM_ERROR
        spreads = [s for name in self._members[group] if len(s := self._spread(name))]
        # Rounding to steps of 2^-frac costs a quarter of a step.
        frac = math.ceil(-math.log2(4 * error * found.deviation))
        while frac < _FINEST and (
            any((2.0**-frac / 4 / s).mean() > error for s in spreads)
            or any(s.turned(2.0**-frac, self._ranges[s.tensor]) > SIGNS_TURNED for s in signs)
        ):
            frac += 1
        bits = max(2, 1 + found.exponent(STREAM_SATURATION) + frac)
        if bits <= STREAM_BITS:
            return Integer(bits, True, frac)
        return Integer(STREAM_BITS, True, found.binary_point(STREAM_BITS))

    def _spread(self, tensor: str) -> Floats:
        """Standard deviations of a tensor's channels, of those that any bits would hold."""
        found = self._ranges[tensor]
        std = np.array(found.channels).reshape(-1, 2)[:, 1]
        return std[std > found.deviation / 2**_OCTAVES]

    def activation(self, tensor: str) -> Integer:
        """Of what a layer with integer weights reads: at most 8 bits, unsigned where it can be."""
        self._used.add(self._find(tensor))
        self._activations.add(self._find(tensor))
        bits = min(ACTIVATION_BITS, self._bits.get(self._find(tensor), ACTIVATION_BITS))
        found = self._range([tensor])
        signed = found.low < 0
        return Integer(bits, signed, found.binary_point(bits, signed=signed))

    def exponents(self, tensor: str) -> Ints:
        """[C]: by how many octaves the values of each channel of an activation are smaller.

        Empty where that is not known, all are alike, or all values are 0.
        """
        found = self._range([tensor])
        if found.reach == 0:  # the model multiplies it by 0
            return np.zeros(0, np.int64)
        spread = np.array(self._ranges[tensor].channels).reshape(-1, 2)
        own = np.minimum(np.abs(spread[:, 0]) + REACH * spread[:, 1], found.reach)
        octaves = np.floor(np.log2(found.reach / np.maximum(own, found.reach / 2**_OCTAVES)))
        return octaves.astype(np.int64) if octaves.any() else np.zeros(0, np.int64)

    def scores(self, tensor: str, largest: float) -> Integer:
        """Of the scores, none of which is beyond ``largest``: nothing saturates in calibration."""
        self._used.add(self._find(tensor))
        self._scores.add(self._find(tensor))
        bits = self._bits.get(self._find(tensor), SCORE_BITS)
        reach = min(largest, 2 * self._ranges[tensor].reach) or largest
        return Integer(bits, True, Range(-reach, reach).binary_point(bits))

    def group(self, name: str) -> str:
        """What all tensors of one type have in common, of the tensor or node ``name``."""
        return self._find(self._outputs.get(name, name))

    def chosen(self, name: str) -> Integer | None:
        """The type of the stream of a tensor or node; None where no stream asked for one."""
        return self._types.get(self.group(name))

    def is_used(self, name: str) -> bool:
        """Whether a type was asked for that the width given for ``name`` decides."""
        tensor = self._outputs.get(name, name)
        return tensor in self._leader and self.group(name) in self._used

    def is_activation(self, name: str) -> bool:
        """Whether a tensor or node has a type only for layers with integer weights to read."""
        group = self.group(name)
        return group in self._activations - self._scores and group not in self._types

    def _find(self, tensor: str) -> str:
        while self._leader[tensor] != tensor:
            tensor = self._leader[tensor]
        return tensor

    def _range(self, tensors: list[str]) -> Range:
        return union(self._ranges[name] for name in tensors)

    def _asked(self, options: PassOptions) -> dict[str, int]:
        found: dict[str, int] = {}
        for name, bits in options.precision.items():
            tensor = self._outputs.get(name, name)
            if tensor not in self._leader:
                continue
            group = self._find(tensor)
            if found.setdefault(group, bits) != bits:
                raise ModelError(
                    f"'{name}' is to have {bits} bits, but is added to a stream of {found[group]}",
                    where="option --precision",
                    fix="give all tensors that an addition joins the same width",
                )
        return found
