"""Stages that treat every element alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.design import Memory
from bnnhw.hardware.stages.stage import PlainStage, StageBase, element_bits, signed_bits
from bnnhw.hardware.units.elements import ADD, AFFINE, SELECT, TABLE, THRESHOLD, affine_in_dsp
from bnnhw.hardware.units.kind import BLOCK, BOOTH, DSP, LUTS
from bnnhw.ir.types import Bit, Integer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.hardware.stages.stage import UnitParams
    from bnnhw.ir.ops import Bools, FixedAffine, Ints

# Words of parameters up to here stay in LUTs: a block RAM would be nearly empty.
_SHALLOW = 64
# OFFSET_LOW is a parameter of 32 bits.
_MOST_SHARED = 31


class ElementStage(PlainStage):
    """What treats elements alike may read them in any order, tile by tile too."""

    @property
    def reads_tiles(self) -> bool:
        """Tiles of one pixel flow like pixels."""
        return self.image[1] * self.image[2] > 1

    def _hold(self, *, tiles: bool) -> int:
        """Beats that share the parameters of the same channels."""
        return self.image[1] * self.image[2] if tiles else 1


@dataclass(frozen=True, eq=False)
class Compare(ElementStage):
    """A threshold that is fused to no layer: on the input, sums, a fixed-point stream, or bits.

    Attributes:
        thresholds: [C].
        invert: [C].
    """

    thresholds: Ints
    invert: Bools

    def gives(self) -> Integer | Bit:
        """Bits."""
        return Bit()

    def unit(self, lanes: int, *, tiles: bool = False) -> UnitParams:
        """``bnn_threshold``."""
        return THRESHOLD.name, {
            "IN_BITS": element_bits(self.element),
            "IN_SIGNED": int(self.element.low < 0),
            "LANES": lanes,
            "FOLDS": self.channels // lanes,
            "HOLD": self._hold(tiles=tiles),
        }

    def memory(self, params: Mapping[str, int]) -> Memory:
        """Fields {invert, T (IN_BITS + 1 bits, signed)}, one per channel."""
        return _thresholds(self, self.thresholds, self.invert, params["LANES"])


def _thresholds(stage: StageBase, values: Ints, flips: Bools, lanes: int) -> Memory:
    """Fields {invert, T (one bit more than elements have, signed)}, one per channel."""
    element = stage.element
    assert isinstance(element, Integer)
    thresholds, invert = values.copy(), flips.copy()
    never = thresholds > element.high
    thresholds[never], invert[never] = element.low, ~invert[never]
    thresholds = np.maximum(thresholds, element.low)
    fields: Ints = (invert.astype(np.int64) << (element.bits + 1)) | (
        thresholds & ((1 << (element.bits + 1)) - 1)
    )
    return Memory.from_fields(
        f"{stage.name}_thresholds", fields.reshape(-1, lanes), element.bits + 2
    )


@dataclass(frozen=True, eq=False)
class Rescale(ElementStage):
    """A fixed-point affine operation."""

    op: FixedAffine

    @property
    def label(self) -> str:
        """A function with a knee is a ReLU where its lower half is flat, else a PReLU."""
        if not self.op.knee.size:
            return ""
        return "PReLU" if self.op.multiplier[0].any() else "ReLU"

    @property
    def sparing(self) -> bool:
        """Each lane has a multiplier."""
        return True

    def gives(self) -> Integer | Bit:
        """Fixed-point numbers."""
        return self.op.dtype

    def unit(self, lanes: int, *, tiles: bool = False) -> UnitParams:
        """``bnn_affine``."""
        op, element = self.op, self.element
        folds = self.channels // lanes
        offset = self._offset()
        shared = _shared_bits(offset)
        params = {
            "IN_BITS": element_bits(element),
            "IN_SIGNED": int(element.low < 0),
            "OUT_BITS": op.dtype.bits,
            "OUT_SIGNED": int(op.dtype.signed),
            "LANES": lanes,
            "FOLDS": folds,
            "HOLD": self._hold(tiles=tiles),
            "SHIFT": op.shift,
            "MULTIPLIER_BITS": 0 if (op.multiplier == 1).all() else signed_bits(op.multiplier),
            "OFFSET_BITS": signed_bits(offset >> shared),
            "OFFSET_SHIFT": shared,
            "OFFSET_LOW": int(offset.flat[0]) & ((1 << shared) - 1),
            "SEGMENTS": len(op.multiplier),
            "STYLE": LUTS if folds <= _SHALLOW else BLOCK,
            "MULTIPLY_STYLE": DSP,
        }
        if params["MULTIPLIER_BITS"] and not affine_in_dsp(params):
            params["MULTIPLY_STYLE"] = BOOTH
        return AFFINE.name, params

    def memory(self, params: Mapping[str, int]) -> Memory:
        """Records {knee2, knee1, b2, m2, b1, m1, b0, m0}, of up to three segments, per channel."""
        op, lanes, offset = self.op, params["LANES"], self._offset()
        parts = []
        for segment in range(params["SEGMENTS"]):
            if params["MULTIPLIER_BITS"]:
                parts.append((op.multiplier[segment].reshape(-1, lanes), params["MULTIPLIER_BITS"]))
            stored = offset[segment] >> params["OFFSET_SHIFT"]
            parts.append((stored.reshape(-1, lanes), params["OFFSET_BITS"]))
        if op.knee.size:
            # Beyond the input's range any knee means the same as the nearest one there.
            knees = np.clip(op.knees, self.element.low, self.element.high + 1)
            parts += [(knee.reshape(-1, lanes), params["IN_BITS"] + 1) for knee in knees]
        return Memory.from_records(f"{self.name}_parameters", parts)

    def _offset(self) -> Ints:
        """The offsets with the constant that makes the shift round half up."""
        return self.op.offset + ((1 << self.op.shift) >> 1)


def _shared_bits(values: Ints) -> int:
    """How many of their low bits all values have in common: no memory holds these."""
    differ = int(np.bitwise_or.reduce((values ^ values.flat[0]).ravel()))
    return min((differ & -differ).bit_length() - 1, _MOST_SHARED) if differ else _MOST_SHARED


@dataclass(frozen=True, eq=False)
class Join(ElementStage):
    """The addition of two fixed-point streams of one width.

    Attributes:
        out_element: type of the sums.
    """

    out_element: Integer

    @property
    def sparing(self) -> bool:
        """Each lane has an adder."""
        return True

    def gives(self) -> Integer | Bit:
        """Fixed-point numbers."""
        return self.out_element

    def unit(self, lanes: int, *, tiles: bool = False) -> UnitParams:
        """``bnn_add``."""
        del tiles
        bits, out_bits = element_bits(self.element), self.out_element.bits
        return ADD.name, {"IN_BITS": bits, "OUT_BITS": out_bits, "LANES": lanes}


@dataclass(frozen=True, eq=False)
class Choose(ElementStage):
    """One of two numbers, as the first compares with a threshold.

    Attributes:
        thresholds: [C], on the first.
        invert: [C].
        factors: of both.
        second: type of the second input's elements.
        out_element: type of what is chosen.
    """

    thresholds: Ints
    invert: Bools
    factors: tuple[int, int]
    second: Integer
    out_element: Integer

    @property
    def sparing(self) -> bool:
        """Each lane has a comparator and a multiplexer."""
        return True

    def gives(self) -> Integer | Bit:
        """Integers."""
        return self.out_element

    def unit(self, lanes: int, *, tiles: bool = False) -> UnitParams:
        """``bnn_select``."""
        return SELECT.name, {
            "A_BITS": element_bits(self.element),
            "B_BITS": self.second.bits,
            "OUT_BITS": self.out_element.bits,
            "A_FACTOR": self.factors[0],
            "B_FACTOR": self.factors[1],
            "LANES": lanes,
            "FOLDS": self.channels // lanes,
            "HOLD": self._hold(tiles=tiles),
        }

    def memory(self, params: Mapping[str, int]) -> Memory:
        """As those of a threshold."""
        return _thresholds(self, self.thresholds, self.invert, params["LANES"])


@dataclass(frozen=True, eq=False)
class Table(PlainStage):
    """An element-wise table: on the input, or the numbers that bits stand for."""

    values: Ints
    out_element: Integer | Bit

    def gives(self) -> Integer | Bit:
        """What the table holds."""
        return self.out_element

    def unit(self, lanes: int, *, tiles: bool = False) -> UnitParams:
        """``bnn_table``."""
        del tiles
        bits, out_bits = element_bits(self.element), element_bits(self.out_element)
        return TABLE.name, {"IN_BITS": bits, "OUT_BITS": out_bits, "LANES": lanes}

    def memory(self, params: Mapping[str, int]) -> Memory:
        """The table by the raw bits of an element, two's complement where signed."""
        values = self.values
        if isinstance(self.out_element, Bit):
            values = (values > self.out_element.low).astype(np.int64)
        order = np.arange(1 << params["IN_BITS"])
        if self.element.low < 0:
            order = (order + len(order) // 2) % len(order)
        return Memory.from_fields(f"{self.name}_table", values[order][:, None], params["OUT_BITS"])
