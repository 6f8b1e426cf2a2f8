"""Compiles the shipped residual network for the PYNQ-Z2, runs real digits through its Verilog.

python examples/digits_demo.py
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from rich.console import Console
from sklearn.datasets import load_digits

from bnnhw.compiler import CompileOptions, compile_model
from bnnhw.report.record import record_simulation
from bnnhw.report.terminal import summary
from bnnhw.zoo.shipped import shipped_model

IMAGES = 10
TARGET_FPS = 50_000
FIRST = 1437  # where the images that training did not see begin


def main() -> None:
    """Compiles, simulates, and prints what came out."""
    started = time.monotonic()
    console = Console()
    data = load_digits()
    images = (data.images * 15).astype(np.uint8)[..., None]
    model = shipped_model("birealnet8-digits")
    out = Path("build") / "demo"
    console.print(f"Compiling {model.path.name} for the PYNQ-Z2 ...")
    unseen = out.with_name("unseen_digits.npz")
    unseen.parent.mkdir(parents=True, exist_ok=True)
    np.savez(unseen, images=images[FIRST:], labels=data.target[FIRST:])
    options = CompileOptions(board="pynq-z2", fps=TARGET_FPS, inputs=[unseen])
    compiled = compile_model(model.path, out, options, force=True)
    console.print(f"Simulating {IMAGES} images in Verilog, cycle by cycle ...")
    chosen = slice(FIRST, FIRST + IMAGES)
    result = record_simulation(compiled.build, images[chosen], None, hls=True)
    predicted = result.scores.reshape(IMAGES, -1).argmax(axis=1)
    for image, label, digit in zip(images[chosen], data.target[chosen], predicted, strict=True):
        shades = " .:-=+*#%@"
        rows = ["".join(shades[int(p) * 9 // 240] * 2 for p in row) for row in image[..., 0]]
        if label == data.target[FIRST]:
            console.print("\n".join(rows), highlight=False)
        console.print(f"label {label}  predicted {digit}", highlight=False)
    report = compiled.build.report
    for check in result.checks:
        console.print(
            f"{check.what} = {check.against} on {check.inputs} images: "
            f"{check.mismatches} mismatches"
        )
    summary(report, console)
    cycles = report["cycles_per_frame"]["simulated"]
    console.print(
        f"{cycles} cycles per frame in RTL simulation, {report['fps']:,.0f} FPS at 100 MHz"
    )
    console.print(f"report: {(out / 'report.html').absolute()}", soft_wrap=True)
    console.print(f"{time.monotonic() - started:.0f} s")
    if any(check.mismatches for check in result.checks):
        raise SystemExit("the simulation differs from the interpreter")


if __name__ == "__main__":
    main()
