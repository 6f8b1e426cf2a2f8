"""Where the widths of streams come from, in words, and whether the user's are of use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.ops import Conv, Dense, FixedAdd, FixedAffine, IntegerConv, IntegerDense, Quantise
from bnnhw.passes.calibrate import Range, calibrate, rough_ranges
from bnnhw.passes.mixed import may_be_real
from bnnhw.passes.options import ACTIVATION_BITS
from bnnhw.passes.rewrite import Links

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bnnhw.ir.graph import Graph, Node
    from bnnhw.passes.options import PassOptions
    from bnnhw.passes.stream_types import StreamTypes
    from bnnhw.passes.stream_values import Value


def ranges_of(graph: Graph, options: PassOptions) -> Mapping[str, Range]:
    """The range of every tensor: the user's, or from images or statistics."""
    given = options.calibration
    if isinstance(given, np.ndarray):
        return calibrate(graph, given)
    if options.rough:
        return rough_ranges(graph)
    return {**calibrate(graph), **(given or {})}


def described(graph: Graph, options: PassOptions, types: StreamTypes, nodes: Sequence[Node]) -> str:
    """What was decided about the streams, and from what."""
    if any(isinstance(node.op, Quantise) for node in graph.nodes) and not (types.derived):
        origin = "the model, which rounds to their types itself"
    elif not types.derived:
        origin = "the type of the input"
    elif isinstance(options.calibration, np.ndarray):
        origin = f"{len(options.calibration)} calibration images"
    elif options.calibration:
        origin = "the ranges given"
    elif graph.statistics:
        origin = "BatchNorm statistics and synthetic images (--calibrate takes real ones)"
    else:
        origin = "synthetic images, since the model holds no BatchNorm (--calibrate takes real)"
    sums = [n.op.dtype for n in nodes if isinstance(n.op, FixedAdd)]
    others = [n.op.dtype for n in nodes if isinstance(n.op, FixedAffine)]
    widths = sorted({dtype.bits for dtype in sums or others})
    layers = [n for n in nodes if isinstance(n.op, (IntegerConv, IntegerDense))]
    bits = sorted({n.op.weight_bits for n in layers})  # type: ignore[attr-defined]
    weights = f"the weights of {len(layers)} layers"
    if not widths:
        return f"{weights} are rounded to {_listed(bits)} bits; ranges come from {origin}"
    beside = f", {weights} to {_listed(bits)}" if layers else ""
    return (
        f"real-valued streams are rounded to {_listed(widths)} bits{beside}; ranges come from "
        f"{origin}"
    )


def real_on_bits(graph: Graph) -> list[str]:
    """A note on layers in the middle whose weights are real though they read bits."""
    links = Links(graph)
    found = [
        node
        for node in graph.nodes
        if isinstance(node.op, (Conv, Dense))
        and not node.op.is_binary
        and not may_be_real(links, node)
    ]
    if not found:
        return []
    return [
        f"{len(found)} layers between others read bits with weights that are not binary, first at "
        f"{found[0].where}: they become integers; if they should be binary, export these weights "
        "and not the latent ones"
    ]


def check_precision(
    graph: Graph,
    options: PassOptions,
    types: StreamTypes,
    values: Mapping[str, Value],
    nodes: Sequence[Node],
) -> None:
    """Raises ModelError for a width that belongs to nothing."""
    layers = {n.name for n in nodes if isinstance(n.op, (IntegerConv, IntegerDense))}
    outputs = {node.name: node.output for node in graph.nodes}
    for name, bits in options.precision.items():
        value = values.get(outputs.get(name, name))
        if name not in layers and value is not None and value.given:
            raise ModelError(
                f"'{name}' has {value.dtype}, the type that the model rounds it to",
                where="option --precision",
                fix="leave it out, or export the model without its rounding",
            )
        if name not in layers and not types.is_used(name):
            raise ModelError(
                f"'{name}' has neither integer weights nor a stream of its own",
                where="option --precision",
                fix="binary layers have one width; name a layer with real weights, or the "
                "addition or BatchNorm that a stream comes from",
            )
        if name not in layers and types.is_activation(name) and bits > ACTIVATION_BITS:
            raise ModelError(
                f"'{name}' is to have {bits} bits, but only layers with integer weights read it, "
                f"which take at most {ACTIVATION_BITS}",
                where="option --precision",
                fix=f"give {ACTIVATION_BITS} or less",
            )


def _listed(numbers: list[int]) -> str:
    *most, last = [*map(str, numbers)] or ["no"]
    return f"{', '.join(most)} and {last}" if most else last
