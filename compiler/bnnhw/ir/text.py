"""The graph as text, one line a node."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.ir.ops import Window

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph
    from bnnhw.ir.ops import Op

_FEW = 6


def format_graph(graph: Graph) -> str:
    """A readable listing: input, nodes with their parameters' shapes and ranges, output, notes."""
    form, out = graph.input_format, graph.output_map
    lines = [
        f"graph {graph.name}",
        f"input {graph.input}: {graph.tensors[graph.input]} from {form.dtype}{list(form.shape)}"
        f"{' channels last' if form.channels_last else ''}, value = {form.scale!r} * integer"
        f" + {form.offset!r}",
    ]
    width = max((len(node.name) for node in graph.nodes), default=0)
    lines += [
        f"  {node.name:<{width}}  {node.output}: {graph.tensors[node.output]} = "
        f"{_operation(node.op)}({', '.join(node.inputs)})"
        for node in graph.nodes
    ]
    lines.append(
        f"output {graph.output}: {out.name}{list(out.shape)} = {_value(out.scale)} * score"
        f" + {_value(out.bias)}"
    )
    lines += [f"note: {note}" for note in graph.notes]
    return "\n".join(lines) + "\n"


def _operation(op: Op) -> str:
    parts = [f"{f.name}={_value(getattr(op, f.name))}" for f in fields(op)]
    return f"{type(op).__name__}[{', '.join(parts)}]"


def _value(value: object) -> str:
    if isinstance(value, Window):
        text = "x".join(map(str, value.kernel))
        text += f"/{'x'.join(map(str, value.stride))}" if value.stride != (1, 1) else ""
        return text + (f" pads {list(value.pads)}" if any(value.pads) else "")
    if isinstance(value, tuple) and len(value) > _FEW:
        return f"({value[0]}, {value[1]}, .. {value[-1]}: {len(value)})"
    if not isinstance(value, np.ndarray):
        return str(value)
    if value.dtype == bool:
        return f"{int(value.sum())} of {value.size}"
    numbers = value.astype(np.float64)
    if value.size and (numbers == numbers.flat[0]).all():
        return f"{numbers.flat[0]:.6g}"
    if value.size <= _FEW:
        return "[" + " ".join(f"{v:.6g}" for v in numbers.ravel()) + "]"
    return f"{list(value.shape)} {numbers.min(initial=0):.6g}..{numbers.max(initial=0):.6g}"
