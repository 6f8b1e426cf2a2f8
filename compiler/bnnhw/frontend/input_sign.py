"""A sign that reads the model's input and nothing else: its bits become the graph's input."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.ir.exact import floats
from bnnhw.ir.ops import Affine, Binarize, Flatten, Piecewise, Tensor
from bnnhw.ir.pieces import Piece
from bnnhw.ir.types import Bit, Real

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.frontend.context import Context
    from bnnhw.ir.graph import Node
    from bnnhw.ir.ops import Exacts, Op


_TIES = {
    "decided": "",
    "sign_zero": "; the model gives 0 at that value, which is no bit: --sign-zero chooses it",
    "rounded": "; the model rounds before it, so that values next to that one may turn",
}


def take_sign_of_input(ctx: Context, nodes: Sequence[Node]) -> None:
    """Lets the host take the sign of a float input whose type nobody declared.

    Between input and sign there may be one scale and one shift for all elements, a Clip with the
    sign's threshold between its limits, and a Flatten.

    Args:
        ctx: the model as read; its input's type and nodes change where there is such a sign.
        nodes: those of its nodes that the output depends on.
    """
    form = ctx.input_format
    if form is None or not isinstance(ctx.tensors[ctx.input_tensor].dtype, Real):
        return
    read, chain = ctx.input_tensor, []
    while True:
        readers = [node for node in nodes if read in node.inputs]
        if len(readers) != 1:
            return
        (node,) = readers
        if isinstance(node.op, Binarize):
            break
        chain.append(node)
        read = node.output
    point, step = Fraction(0), Fraction(1)  # where the sign turns, and what is 1 before it
    for before in reversed(chain):
        line = _line(before.op, point)
        if line is None:
            return
        point, step = (point - line.shift) / line.scale, step / line.scale
    op = node.op
    element = Bit(bipolar=(op.low, op.high) != (0.0, 1.0))
    middle = Fraction(element.low + element.high, 2)  # between the bits
    arithmetic = any(isinstance(before.op, Affine) for before in chain)
    tie = "sign_zero" if op.zero_is_zero else "rounded" if arithmetic else "decided"
    ctx.input_format = replace(
        form,
        element=element,
        point=float(point),
        tie=tie,
        rounds=True,
        ties_high=not op.strict,
        falls=step < 0,
        scale=float(abs(step)),
        offset=float(point - middle * abs(step)),
    )
    _replace(ctx, chain, node, element)
    comparison = ("<" if step < 0 else ">") + ("" if op.strict else "=")
    ctx.notes.append(
        f"the model begins with a sign of its input ({node.where}): frames are bits, 1 where a "
        f"value is {comparison} {float(point):g}{_TIES[tie]}"
    )


def _line(op: Op, point: Fraction) -> Piece | None:
    """What an operation does to all elements where its result is ``point``; None if not one line.

    A function that rises nowhere else above that point, nor falls below it, turns no other value
    over it: a Clip is no obstacle to a sign between its limits.
    """
    if isinstance(op, Flatten):
        return Piece(None, Fraction(1), Fraction(0))
    if isinstance(op, Affine) and op.uniform and op.scale.flat[0] and not op.row_class:
        return Piece(None, op.scale.flat[0], op.shift.flat[0])
    if not isinstance(op, Piecewise) or len(op.functions) > 1:
        return None
    (pieces,) = op.functions
    if any(piece.scale < 0 for piece in pieces):
        return None
    for piece, behind in zip_longest(pieces, pieces[1:]):
        if piece.scale == 0:
            continue
        at = (point - piece.shift) / piece.scale
        begins = piece.start is None or piece.start < at
        if begins and (behind is None or behind.start is None or at < behind.start):
            return piece
    return None


def _replace(ctx: Context, chain: Sequence[Node], sign: Node, element: Bit) -> None:
    """Takes scales out of the way of the bits, and gives them the values of the sign."""
    source = ctx.input_tensor
    ctx.tensors[source] = Tensor(ctx.tensors[source].shape, element)
    op = sign.op
    assert isinstance(op, Binarize)
    low, high = Fraction(op.low), Fraction(op.high)
    span = Fraction(element.high - element.low)
    factor = (high - low) / span
    made = {}
    for node in chain:
        if not isinstance(node.op, Flatten):
            ctx.tensors.pop(node.output, None)
            gone = [name for name, view in ctx.views.items() if view.tensor == node.output]
            for name in gone:
                del ctx.views[name]
        else:
            made[node.name] = replace(node, inputs=(source,))
            source = node.output
            ctx.tensors[source] = Tensor(ctx.tensors[source].shape, Real())
    channels = ctx.tensors[source].shape[0]
    values = Affine(_all(factor, channels), _all(low - element.low * factor, channels))
    made[sign.name] = replace(sign, op=values, inputs=(source,))
    ctx.rounding[sign.name] = np.abs(floats(values.shift))
    dropped = {node.name for node in chain}
    ctx.nodes = [
        made.get(node.name, node)
        for node in ctx.nodes
        if node.name in made or node.name not in dropped
    ]


def _all(value: Fraction, channels: int) -> Exacts:
    result = np.empty(channels, object)
    result[:] = value
    return result
