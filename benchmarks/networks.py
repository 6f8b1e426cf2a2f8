"""The networks of the papers at 32x32: read, compiled, simulated, and what integers cost them.

Each network of the zoo is trained for a short time on scikit-learn's digits, enlarged to 32x32,
exported, compiled for the smallest of a few boards that holds it, and simulated in Verilog and HLS
C++ on images. Accuracy is that of the test images, which training has not seen. Results are kept,
one file per network, and a run goes on where the last one stopped.

    make networks
    python benchmarks/networks.py --only reactnet18 --seconds 60
    python benchmarks/networks.py --models FOLDER --data cifar10_test.npz    # trained elsewhere
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

import bnnhw
from bnnhw.errors import BnnhwError, FoldingError
from bnnhw.zoo.data import digit_images
from bnnhw.zoo.export import export_onnx
from bnnhw.zoo.figures import figures
from bnnhw.zoo.layers import clip_latent_weights
from bnnhw.zoo.networks import network
from bnnhw.zoo.train import accuracy

#: Widths: so narrow that Verilator builds each network within a few minutes.
WIDTHS = {
    "birealnet18": 16, "birealnet34": 16, "birealnet50": 16,
    "reactnet18": 16, "reactnet-a": 8, "reactnet-b": 8, "reactnet-c": 8,
    "ftbnn18": 16, "ftbnn18-g1-90m": 16, "ftbnn18-g3-90m": 24, "ftbnn18-g5-90m": 20,
    "ftbnn18-g8-90m": 32, "ftbnn34-g3-90m": 18, "ftbnn44-g1-90m": 16,
    "xnornet18": 16, "xnornet18-k": 16, "xnoralexnet": 24, "xnoralexnet-k": 24,
    "vgg-small": 32, "vgg11": 16, "vgg13": 16, "vgg16": 16, "vgg19": 16, "fracbnn20": 16,
}  # fmt: skip
BOARDS = ("pynq-z2", "zc706", "zcu104")
#: Cycles per frame that are tried, one after the other until a design fits.
PACES = (65_536, 131_072, 262_144, 524_288)
FRAMES, TEST, BATCH = 2, 360, 64
RESULTS = Path("build") / "networks"
COLUMNS = ("network", "binary layers", "OPs", "board", "cycles", "LUT", "BRAM36", "DSP")


@dataclass(frozen=True)
class Row:
    """What was found of one network.

    Attributes:
        name: of the network, and its width.
        layers: binary layers recognised, and those of the definition.
        ops: BOPs / 64 + FLOPs.
        board: that it was compiled for.
        cycles: per frame, simulated.
        lut: estimated.
        bram36: estimated.
        dsp: estimated.
        checks: what was compared with the interpreter on how many frames, and differences.
        float_top1: accuracy of the model, and in integers; of how many images.
        note: why something is missing.
    """

    name: str
    layers: str = ""
    ops: float = 0.0
    board: str = ""
    cycles: int = 0
    lut: float = 0.0
    bram36: float = 0.0
    dsp: float = 0.0
    checks: str = ""
    float_top1: float | None = None
    integer_top1: float | None = None
    images: int = 0
    note: str = ""


def digits() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Training and test images [N, 32, 32, 3], uint8, with labels."""
    images, labels = digit_images()
    small = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    large = F.interpolate(small, (32, 32), mode="bilinear", align_corners=False)
    pixels = large.round().to(torch.uint8).permute(0, 2, 3, 1).repeat(1, 1, 1, 3)
    classes = torch.from_numpy(labels)
    return (pixels[:-TEST], classes[:-TEST]), (pixels[-TEST:], classes[-TEST:])


def train(model: nn.Module, pixels: Tensor, classes: Tensor, seconds: float) -> None:
    """Adam with a rate that falls to zero over ``seconds``; BatchNorm statistics of its end."""
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    generator = torch.Generator().manual_seed(1)
    begin = time.monotonic()
    model.train()
    while (done := (time.monotonic() - begin) / seconds) < 1:
        optimiser.param_groups[0]["lr"] = 2e-3 * (1 - done)
        batch = torch.randint(0, len(pixels), (BATCH,), generator=generator)
        loss = F.cross_entropy(model(pixels[batch]), classes[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        clip_latent_weights(model)
    norms = [m for m in model.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    with torch.no_grad():
        for first in range(0, len(pixels) - BATCH, BATCH):
            model(pixels[first : first + BATCH])
    model.eval()


def definition(name: str) -> nn.Module:
    """The network for images of 32x32 and 10 classes."""
    return network(name, image=32, width=WIDTHS[name], classes=10)


def measured(name: str, model: Path, data: dict[str, np.ndarray], score: float | None) -> Row:
    """Compiles and simulates a network."""
    title = f"{name} w{WIDTHS[name]}"
    layers = [layer for layer in figures(definition(name)).layers if layer.kind == "binary"]
    try:
        totals = bnnhw.inspect(model).to_json()["totals"]
        read = {
            "layers": f"{totals['binary_layers']} of {sum(layer.bops > 0 for layer in layers)}",
            "ops": totals["ops"],
        }
    except BnnhwError as error:
        return Row(title, note=str(error))
    try:
        build = compiled(name, model, data)
        outcome = build.simulate(data["images"][:FRAMES], hls=True, check=False)
    except BnnhwError as error:
        return Row(title, **read, note=str(error))
    report = build.report
    found = report["accuracy"] or {}
    exact = [f"{check.what}: {check.mismatches or 'exact'}" for check in outcome.checks]
    resources = {key: report["resources"][key]["estimated"] for key in ("lut", "bram36", "dsp")}
    return Row(
        title,
        **read,
        board=report["board"],
        cycles=outcome.simulation.cycles_per_frame,
        **resources,
        checks=f"{', '.join(exact)} ({FRAMES} frames)",
        float_top1=found.get("float_top1", score),
        integer_top1=found.get("integer_top1"),
        images=found.get("labelled", 0),
    )


def compiled(name: str, model: Path, data: dict[str, np.ndarray]) -> bnnhw.Build:
    """The first design of ``PACES`` that fits, on the first of ``BOARDS`` that holds one."""
    refused: FoldingError | None = None
    for board in BOARDS:
        for cycles in PACES:
            try:
                return bnnhw.compile(
                    model,
                    board=board,
                    cycles=cycles,
                    output=RESULTS / name,
                    inputs=data["images"],
                    labels=data["labels"],
                    force=True,
                )
            except FoldingError as error:
                refused = error
    assert refused is not None
    raise refused


def table(rows: list[Row]) -> Table:
    """The rows as a table."""
    shown = Table(*COLUMNS, "against the interpreter", "float", "integers", box=None)
    for row in rows:
        share = ["" if v is None else f"{v:.1%}" for v in (row.float_top1, row.integer_top1)]
        figures = [f"{row.lut:,.0f}", f"{row.bram36:g}", f"{row.dsp:g}"] if row.board else [""] * 3
        shown.add_row(
            row.name, row.layers, f"{row.ops / 1e6:.2f} M", row.board, f"{row.cycles:,}",
            *figures, row.checks or row.note, *share,
        )  # fmt: skip
    return shown


def markdown(rows: list[Row]) -> str:
    """The rows as a table of Markdown."""
    lines = [
        f"| {' | '.join((*COLUMNS, 'float', 'integers'))} |",
        "|---" * (len(COLUMNS) + 2) + "|",
    ]
    for row in rows:
        share = ["" if v is None else f"{v:.1%}" for v in (row.float_top1, row.integer_top1)]
        cells = [row.name, row.layers, f"{row.ops / 1e6:.2f} M", row.board, f"{row.cycles:,}",
                 f"{row.lut:,.0f}", f"{row.bram36:g}", f"{row.dsp:g}", *share]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def row_of(name: str, arguments: argparse.Namespace) -> Row:
    """Trains a network, or takes it as it is, and measures it."""
    if arguments.models:
        with np.load(arguments.data) as file:
            data = {key: file[key] for key in ("images", "labels")}
        return measured(name, arguments.models / f"{name}.onnx", data, None)
    (pixels, classes), (test, right) = digits()
    torch.manual_seed(1)
    model = definition(name)
    train(model, pixels, classes, arguments.seconds)
    score = accuracy(model, test[:250], right[:250])
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / f"{name}.onnx"
        export_onnx(model, path)
        return measured(name, path, {"images": test.numpy(), "labels": right.numpy()}, score)


def main() -> None:
    """Measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=list(WIDTHS), choices=list(WIDTHS))
    parser.add_argument("--seconds", type=float, default=120.0, help="of training, per network")
    parser.add_argument("--models", type=Path, help="folder of trained NAME.onnx")
    parser.add_argument("--data", type=Path, help="their test images and labels, .npz")
    parser.add_argument("--again", action="store_true", help="measure what is kept, too")
    parser.add_argument("--markdown", type=Path, help="write the table there")
    arguments = parser.parse_args()
    if bool(arguments.models) != bool(arguments.data):
        parser.error("--models and --data go together")
    RESULTS.mkdir(parents=True, exist_ok=True)
    console, rows = Console(width=200), []
    for name in arguments.only:
        kept = RESULTS / f"{name}.json"
        if arguments.again or not kept.exists():
            found: dict[str, Any] = asdict(row_of(name, arguments))
            kept.write_text(json.dumps(found, indent=1) + "\n")
        rows.append(Row(**json.loads(kept.read_text())))
        console.print(re.sub(r"\s+", " ", str(rows[-1])))
    console.print(table(rows))
    if arguments.markdown:
        arguments.markdown.write_text(markdown(rows) + "\n")


if __name__ == "__main__":
    main()
