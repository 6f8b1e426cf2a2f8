"""What a user may ask of the passes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bnnhw.errors import ModelError, did_you_mean
from bnnhw.ir.names import identifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.ir.graph import Graph
    from bnnhw.ir.ops import Ints
    from bnnhw.passes.calibrate import Range

STREAM_BITS = 12
"""Widest stream that is chosen where the user asks for no width."""
SIGNS_TURNED = 0.005
"""Share of the signs of a stream that its rounding may turn, as an estimate."""
STREAM_ERROR = 0.01
"""Mean absolute error of a stream by rounding, in its standard deviations."""
WEIGHT_BITS = 8
ACTIVATION_BITS = 8
FEW_BITS = 4
"""Numbers that a model rounds to so many bits are a few signs: the same care is taken of them."""
SCORE_BITS = 16
SIGNED_STREAM_ERROR = 0.015
"""The same of a stream that signs read: they bound it further, but not where they hardly turn."""
STREAM_SATURATION = 0.0015
"""The same by saturation alone: it is in few values, but large there."""
WIDEST_STREAM = 24
WIDEST_WEIGHT = 16


def known_names(graph: Graph, precision: Mapping[str, int]) -> dict[str, int]:
    """Widths by the graph's own names: PyTorch's b1.conv1 is b1_conv1 here."""
    names = {node.name for node in graph.nodes} | set(graph.tensors)
    return {
        name if name in names or identifier(name) not in names else identifier(name): bits
        for name, bits in precision.items()
    }


@dataclass(frozen=True)
class PassOptions:
    """Widths of integers and ranges of streams; matters to networks with real-valued streams only.

    Attributes:
        precision: bits by name: of a layer with integer weights, those of its weights; of any other
            node or tensor, those of the stream it belongs to.
        calibration: images as integers [N, C, H, W], or ranges by tensor, or nothing: ranges from
            BatchNorm statistics.
        rough: whether only errors count, no width and no threshold of a stream: in a hurry.
    """

    precision: Mapping[str, int] = field(default_factory=dict)
    calibration: Ints | Mapping[str, Range] | None = None
    rough: bool = False

    def check(self, graph: Graph) -> None:
        """Raises ModelError for a name that is none of the graph's, or a width no unit has."""
        names = {node.name for node in graph.nodes} | set(graph.tensors)
        for name, bits in self.precision.items():
            if name not in names:
                raise ModelError(
                    f"there is no layer or tensor '{name}'",
                    where="option --precision",
                    fix=did_you_mean(
                        name,
                        sorted(names),
                        "`bnnhw inspect --streams` lists what has a width",
                    ),
                )
            if not 2 <= bits <= WIDEST_STREAM:
                raise ModelError(
                    f"{bits} bits for '{name}' are out of range",
                    where="option --precision",
                    fix=f"give 2 to {WIDEST_WEIGHT} bits for weights, up to {WIDEST_STREAM} for "
                    "streams",
                )

    def weight_bits(self, layer: str) -> int:
        """Width of the weights of an integer layer."""
        bits = self.precision.get(layer, WEIGHT_BITS)
        if bits > WIDEST_WEIGHT:
            raise ModelError(
                f"{bits} bits for the weights of '{layer}' are out of range",
                where="option --precision",
                fix=f"give 2 to {WIDEST_WEIGHT} bits",
            )
        return bits
