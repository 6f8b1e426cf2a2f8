"""``bnnhw zoo train`` and ``export``: trains the zoo's networks and exports them as ONNX."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bnnhw.errors import BnnhwError, ToolError
from bnnhw.zoo.names import NETWORKS

app = typer.Typer(
    help="The networks of the papers as PyTorch definitions: list, describe, train, export.",
    short_help="List, describe, train and export networks in PyTorch.",
    no_args_is_help=True,
)

Network = Annotated[
    str,
    typer.Argument(
        help="A name that zoo list shows.",
        autocompletion=lambda incomplete: [n for n in NETWORKS if n.startswith(incomplete)],
    ),
]
Image = Annotated[
    int | None,
    typer.Option(help="224 or 32: the stem of ImageNet, or that of CIFAR. Default: the network's."),
]
Width = Annotated[
    int | None,
    typer.Option(
        min=1, help="Channels of the first stage; all others follow. Default: the network's."
    ),
]
Classes = Annotated[
    int | None,
    typer.Option(
        min=1, help="Scores. Default: the network's, or 1000 for 224 and 10 for 32 pixels."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]


@app.command("train")
def train_command(
    network: Network,
    output: Annotated[Path, typer.Option("--output", "-o", help="The ONNX file to write.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder of the .npz files; those for digits need none.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Saved after each epoch; resumed if it exists.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads of PyTorch.")] = None,
    as_json: Json = False,
) -> None:
    """Train a network by its recipe and export it."""
    require_torch()
    from dataclasses import replace

    import torch

    from bnnhw.zoo.data import load_data
    from bnnhw.zoo.export import export_onnx
    from bnnhw.zoo.networks import network as build
    from bnnhw.zoo.rounding import exportable
    from bnnhw.zoo.train import RECIPES, accuracy, train
    from bnnhw.zoo.training_bar import training_bar

    if network not in RECIPES:
        raise BnnhwError(
            "has no training recipe",
            where=f"network '{network}'",
            fix=f"choose {', '.join(RECIPES)}",
        )
    recipe = (
        RECIPES[network]
        if epochs is None
        else replace(RECIPES[network], epochs=epochs, restarts=(), rounded_epochs=0)
    )
    if threads:
        torch.set_num_threads(threads)
    torch.manual_seed(recipe.seed)
    train_set, test_set = load_data(network, data)
    model = build(network)
    with training_bar(recipe.all_epochs, partial(typer.echo, err=as_json)) as told:
        train(
            model,
            recipe,
            train_set,
            test_set,
            checkpoint=checkpoint,
            log=told.log,
            progress=told.step,
        )
    model = exportable(model)
    export_onnx(model, output)
    score = accuracy(model, *(torch.from_numpy(part) for part in test_set))
    if as_json:
        found = {"model": str(output), "accuracy": score, "test_images": len(test_set[1])}
        typer.echo(json.dumps(found, indent=2))
        return
    typer.echo(f"{output}: {score:.2%} on {len(test_set[1])} test images")


@app.command("export")
def export_command(
    network: Network,
    output: Annotated[Path, typer.Option("--output", "-o", help="The ONNX file to write.")],
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Of zoo train or of the authors; without one, random weights."),
    ] = None,
    image: Image = None,
    width: Width = None,
    classes: Classes = None,
    as_json: Json = False,
) -> None:
    """Export a network, trained or with random weights."""
    require_torch()
    import torch

    from bnnhw.zoo.checkpoint import load_checkpoint
    from bnnhw.zoo.export import export_onnx
    from bnnhw.zoo.networks import network as build
    from bnnhw.zoo.random_statistics import randomise_batch_norms
    from bnnhw.zoo.rounding import exportable

    torch.manual_seed(1)
    model = build(network, image=image, width=width, classes=classes)
    if checkpoint is not None:
        load_checkpoint(model, checkpoint)
    else:
        randomise_batch_norms(model)
    export_onnx(exportable(model), output)
    typer.echo(json.dumps({"model": str(output)}, indent=2) if as_json else str(output))


def require_torch() -> None:
    """Raises ToolError where PyTorch is missing."""
    import importlib.util

    if importlib.util.find_spec("torch") is None:
        raise ToolError("the zoo needs PyTorch", fix="pip install 'bnnhw[zoo]'")
