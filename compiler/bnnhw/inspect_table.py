"""The inspection of a model as tables on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.inspect import Inspection


def print_inspection(found: Inspection, out: Console) -> None:
    """Prints layers, totals, and what was recognised."""
    form = found.graph.input_format
    out.print(
        f"{found.graph.name}: input {form.name} {form.dtype}{list(form.shape)}, {form.element}",
        highlight=False, markup=False,
    )  # fmt: skip
    table = Table(box=None)
    for title in ("layer", "operation", "output", "weights", "input"):
        table.add_column(title, overflow="fold", no_wrap=title != "layer")
    for title in ("MACs", "parameters", "weight bits"):
        table.add_column(title, justify="right", no_wrap=True)
    for layer in found.layers:
        numbers = (layer.macs, layer.parameters, layer.weight_bits)
        shape = "x".join(map(str, layer.shape))
        table.add_row(
            layer.name, layer.op, shape, layer.weights, layer.input, *(f"{n:,}" for n in numbers)
        )
    out.print(table)
    for line in _totals(found):
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def _totals(found: Inspection) -> list[str]:
    totals = found.to_json()["totals"]
    lines = [
        f"binary layers: {totals['binary_layers']} of {len(found.layers)}",
        f"operations: {found.bops:,} BOPs, {found.flops:,} FLOPs, "
        f"OPs = BOPs/64 + FLOPs = {found.ops:,.0f} ({found.ops:.3e})",
        f"weights: {totals['binary_weights']:,} binary, {totals['real_weights']:,} real, "
        f"{totals['weight_bits'] / 1e6:,.2f} Mbit (real ones of 32 bits)",
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
