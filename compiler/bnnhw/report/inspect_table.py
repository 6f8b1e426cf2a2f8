"""The inspection of a model as tables on the terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from bnnhw.passes.widths import Width
    from bnnhw.report.inspect import Inspection, Layer
    from bnnhw.report.possible_loops import PossibleLoop

_HEADINGS = ("operation", "output", "weights", "input", "MACs", "parameters", "weight bits")
_WORDS = 4  # columns of words; numbers follow
_GAP = "  "
_INDENT = " "  # of figures below their layer: those of networks at 224x224 just fit 80 columns


def print_inspection(found: Inspection, out: Console) -> None:
    """Prints layers, totals, and what was recognised."""
    form = found.graph.input_format
    head = f"{found.graph.name}: input {form.name} {form.dtype}{list(form.shape)}, {form.element}"
    for line in (head, *_table(found.layers, out.width)):
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    for text in _totals(found):
        for line in _wrapped(text, out.width):
            out.print(line, highlight=False, markup=False, soft_wrap=True)


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of a text, broken between words alone: names stay whole."""
    return [
        line
        for part in text.splitlines()
        for line in textwrap.wrap(
            part, width, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
        )
    ]


def print_widths(widths: Sequence[Width], out: Console) -> None:
    """Prints what --precision may name, with the width that each has now."""
    if not widths:
        out.print("--precision has nothing to set: all layers are binary, no stream is real-valued")
        return
    out.print("what --precision NAME=BITS may name, and its width without:")
    longest = max(len(width.name) for width in widths)
    for width in widths:
        line = f"  {width.name:{longest}}  {width.what:7}  {width.bits:2d} bits  {width.type}"
        out.print(line.rstrip(), highlight=False, markup=False, soft_wrap=True)
        for other in width.others:
            out.print(
                f"    the same stream: {other}", highlight=False, markup=False, soft_wrap=True
            )


def print_loops(loops: Sequence[PossibleLoop], out: Console) -> None:
    """Prints which runs of equal blocks a folding file may make loops."""
    if not loops:
        out.print("no run of equal blocks could become a loop")
        return
    out.print('what "loops" of a folding file may name:')
    for loop in loops:
        layers = "; ".join(", ".join(block) for block in loop.blocks)
        text = (
            f"{loop.name}: {loop.passes} passes, {loop.weight_bits / 1e6:,.2f} Mbit of weights, "
            f"of the blocks {layers}"
        )
        for i, line in enumerate(_wrapped(text, out.width - 4)):
            indent = "  " if i == 0 else "    "
            out.print(indent + line, highlight=False, markup=False, soft_wrap=True)


def _table(layers: tuple[Layer, ...], width: int) -> list[str]:
    """A row per layer; names that leave no room for the figures get a line of their own."""
    rows = [_HEADINGS, *(_cells(layer) for layer in layers)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    figures = [
        _GAP.join(
            cell.ljust(size) if i < _WORDS else cell.rjust(size)
            for i, (cell, size) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    names = ["layer", *(layer.name for layer in layers)]
    longest = max(map(len, names))
    if longest + len(_GAP) + len(figures[0]) <= width:
        return [
            f"{name.ljust(longest)}{_GAP}{row}" for name, row in zip(names, figures, strict=True)
        ]
    return [
        line for pair in zip(names, figures, strict=True) for line in (pair[0], _INDENT + pair[1])
    ]


def _cells(layer: Layer) -> tuple[str, ...]:
    numbers = (layer.macs, layer.parameters, layer.weight_bits)
    shape = "x".join(map(str, layer.shape))
    read = layer.bits or layer.input
    return layer.op, shape, layer.weights, read, *(f"{n:,}" for n in numbers)


def _totals(found: Inspection) -> list[str]:
    totals = found.to_json()["totals"]
    real = {layer.weights == "real" for layer in found.layers if layer.weights != "binary"}
    kind = "integer" if real == {False} else "real" if len(real) < 2 else "integer or real"
    lines = [
        f"binary layers: {totals['binary_layers']} of {len(found.layers)}",
        f"operations: {found.bops:,} BOPs, {found.flops:,} FLOPs, "
        f"OPs = BOPs/64 + FLOPs = {found.ops:,.0f} ({found.ops:.3e})",
        f"weights: {totals['binary_weights']:,} binary, {totals['real_weights']:,} {kind}, "
        f"{totals['weight_bits'] / 1e6:,.2f} Mbit"
        + (" (real ones of 32 bits)" if real != {False} else ""),
    ]
    if found.ops and found.bops:
        share = totals["ops_if_all_were_real"] / found.ops
        lines[1] += f", {share:.2f} times fewer than with real weights and activations"
    others = ", ".join(f"{count} {kind}" for kind, count in found.others.items())
    lines += [f"other operations: {others}"] if others else []
    lines += [f"note: {note}" for note in found.graph.notes]
    if found.undeclared is not None:
        lines.append(f"a compile needs more: {found.undeclared}")
    return lines
