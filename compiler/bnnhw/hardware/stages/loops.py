"""A run of equal blocks as one block, which a frame passes several times.

A frame of R passes flows through the units of such a block as R frames, tile by tile. To units that
treat elements alike these are the tiles of one frame of R times the channels; a layer of weights
has R times the output channels, and sees R frames of input.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bnnhw.hardware.stages.elements import Compare, ElementStage, Join, Rescale
from bnnhw.hardware.stages.layer import Layer
from bnnhw.hardware.stages.layer_facts import can_stream
from bnnhw.hardware.stages.stage import PlainStage, element_bits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.hardware.stages import Stage
    from bnnhw.ir.ops import FixedAffine, Ints, Threshold
    from bnnhw.ir.types import Bit, Integer

    S = TypeVar("S", bound=Stage)


@dataclass(frozen=True, eq=False)
class LoopStart(PlainStage):
    """Takes each frame from outside for its first pass, then what the loop's end sends back.

    Its inputs are the tensor that enters and the one that comes back.

    Attributes:
        count: how often a frame passes the loop.
        end: name of the loop's end.
        layer: name of the layer of weights whose tiles the loop's stream has.
    """

    count: int
    end: str
    layer: str

    @property
    def features(self) -> int:
        """The channels of all passes."""
        return self.channels * self.count

    @property
    def reads_tiles(self) -> bool:
        """A frame that comes pixel by pixel is put into order first."""
        return True

    def gives(self) -> Integer | Bit:
        """What it reads."""
        return self.element


@dataclass(frozen=True, eq=False)
class LoopEnd(PlainStage):
    """Sends each pass of a frame but the last back to the loop's start.

    Attributes:
        count: how often a frame passes the loop.
        back: the tensor that goes back.
    """

    count: int
    back: str

    @property
    def reads_tiles(self) -> bool:
        """Tiles are all that it reads."""
        return True

    def gives(self) -> Integer | Bit:
        """What it reads."""
        return self.element


def loop_key(stage: Stage, *, widths: bool = True) -> object | None:
    """What two stages have in common that one unit can stand for; None where none can.

    Without ``widths``, those of streams may differ.
    """
    if isinstance(stage, Layer):
        if not can_stream(stage) or int(np.prod(stage.out_size)) == 1:
            return None
        fused = stage.threshold is not None
        shape = (*stage.weight.shape, stage.weight_bits, stage.window, fused, stage.offset is None)
        return (Layer, stage.image, _wires(stage.element, widths=True), *shape)
    if not (isinstance(stage, ElementStage) and stage.reads_tiles):
        return None
    ends = [_wires(element, widths=widths) for element in (stage.element, stage.gives())]
    common = (type(stage), stage.image, *ends)
    if isinstance(stage, Rescale):
        return (*common, len(stage.op.multiplier))
    return common if isinstance(stage, (Compare, Join)) else None


def _wires(element: Integer | Bit, *, widths: bool) -> tuple[int, bool]:
    """What hardware sees of a type."""
    bits = element_bits(element)
    return bits if widths or bits == 1 else 0, element.low < 0


def rolled(stages: Sequence[S]) -> S:
    """One stage for those of all passes, in their order; they have one ``loop_key``."""
    first = stages[0]
    later = tuple((stage.name, stage.output) for stage in stages[1:])
    together: dict[str, Any] = {"later": later}
    if isinstance(first, Layer):
        layers = [stage for stage in stages if isinstance(stage, Layer)]
        together["weight"] = np.concatenate([layer.weight for layer in layers])
        thresholds = [layer.threshold for layer in layers if layer.threshold is not None]
        if thresholds:
            together["threshold"] = _thresholds(thresholds)
        offsets = [layer.offset for layer in layers if layer.offset is not None]
        if offsets:
            together["offset"] = np.concatenate(offsets, axis=-1)
        return replace(first, **together)
    together["image"] = (len(stages) * first.channels, *first.image[1:])
    if isinstance(first, Compare):
        for name in ("thresholds", "invert"):
            together[name] = np.concatenate([getattr(s, name) for s in stages])
    if isinstance(first, Rescale):
        together["op"] = _affine([stage.op for stage in stages if isinstance(stage, Rescale)])
    return replace(first, **together)


def _thresholds(ops: Sequence[Threshold]) -> Threshold:
    """Those of all passes; a layer whose weights come from memory has one class of positions."""
    none = [np.zeros(op.thresholds.shape[2], bool) for op in ops]
    return replace(
        ops[0],
        thresholds=np.concatenate([op.thresholds for op in ops], axis=2),
        invert=np.concatenate(
            [op.invert if op.invert.size else no for op, no in zip(ops, none, strict=True)]
        ),
    )


def _affine(ops: Sequence[FixedAffine]) -> FixedAffine:
    """One affine operation for the channels of all passes.

    All get the largest shift: (m x + b) / 2^s, rounded half up, is (2^d m x + 2^d b) / 2^(s + d).
    """
    shift = max(op.shift for op in ops)

    def joined(name: str) -> Ints:
        parts = [getattr(op, name) << (shift - op.shift) for op in ops]
        return np.concatenate(parts, axis=-1)

    return replace(
        ops[0],
        multiplier=joined("multiplier"),
        offset=joined("offset"),
        shift=shift,
        knee=np.concatenate([op.knee for op in ops], axis=-1),
        exponents=np.zeros(0, np.int64),
    )
