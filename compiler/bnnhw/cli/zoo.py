"""``bnnhw zoo list`` and ``describe``: the networks of the zoo and their figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from bnnhw.cli.options import Json
from bnnhw.cli.output import print_json, print_table
from bnnhw.zoo.cli import Classes, Image, Network, Width, app, require_torch
from bnnhw.zoo.names import ENTRIES

if TYPE_CHECKING:
    from bnnhw.zoo.figures import Figures, LayerFigures
    from bnnhw.zoo.printed import Comparison

__all__ = ["app"]

_COUNTS = (
    ("binary_parameters", "binary parameters"),
    ("real_parameters", "real parameters"),
    ("words", "parameters in 32-bit words"),
    ("bops", "BOPs"),
    ("flops", "FLOPs"),
    ("ops", "OPs = BOPs / 64 + FLOPs"),
)


@app.command("list", short_help="List the networks.")
def list_command(as_json: Json = False) -> None:
    """List the networks with their papers, parameters and operations of one image."""
    if as_json:
        print_json([asdict(entry) for entry in ENTRIES.values()])
        return
    rows = [
        (
            one.name,
            f"{one.paper} {one.year}",
            f"{one.image}x{one.image}" if one.image else "vector",
            str(one.width),
            _millions(one.parameters),
            _millions(one.ops),
        )
        for one in ENTRIES.values()
    ]
    headings = ("network", "paper", "image", "width", "parameters/M", "OPs/M")
    print_table(headings, rows, right=range(2, 6))


@app.command("describe", short_help="Show a network's layers and figures.")
def describe_command(
    network: Network,
    image: Image = None,
    width: Width = None,
    classes: Classes = None,
    as_json: Json = False,
) -> None:
    """Show a network's layers, parameters and operations, beside what its paper prints."""
    require_torch()
    from bnnhw.zoo.figures import network_figures
    from bnnhw.zoo.printed import PRINTED, compare

    found = network_figures(network, image=image, width=width, classes=classes)
    as_in_paper = image is None and width is None and classes is None
    compared = compare(network, found) if as_in_paper else []
    if as_json:
        print_json(
            {
                "network": network,
                "paper": ENTRIES[network].paper,
                "year": ENTRIES[network].year,
                **{key: getattr(found, key) for key, _ in _COUNTS},
                "layers": [_layer(layer) for layer in found.layers],
                "printed": [asdict(one) for one in compared],
            }
        )
        return
    _print_layers(found)
    typer.echo("")
    rows = [(what, f"{getattr(found, key):,.0f}") for key, what in _COUNTS]
    print_table(("of the network", ""), rows, right={1})
    if compared:
        typer.echo(f"\nprinted in {PRINTED[network].source}")
        for one in compared:
            typer.echo(_compared(one))


def _print_layers(found: Figures) -> None:
    rows = [
        (
            layer.name or "other parameters",
            layer.kind,
            layer.operation,
            " to ".join("x".join(map(str, shape)) for shape in layer.shape if shape),
            f"{layer.binary_parameters or layer.real_parameters:,}",
            f"{layer.bops:,}",
            f"{layer.flops:,}",
        )
        for layer in found.layers
    ]
    headings = ("layer", "kind", "operation", "shape", "parameters", "BOPs", "FLOPs")
    print_table(headings, rows, right=range(4, 7))


def _layer(layer: LayerFigures) -> dict[str, Any]:
    return {**asdict(layer), "ops": layer.ops}


def _compared(one: Comparison) -> str:
    counted = f"{one.counted:,.0f}"
    if one.agrees:
        return f"    {one.figure}: {one.printed}, and here {counted}"
    return f"    {one.figure}: {one.printed}, here {counted}: {one.reason}"


def _millions(count: int) -> str:
    return f"{count / 1e6:,.2f}"
