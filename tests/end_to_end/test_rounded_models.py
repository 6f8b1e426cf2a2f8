"""Models that round their own streams, in RTL and HLS C++: types, limits and sums as they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnhw.compiler import CompileOptions, compile_model
from bnnhw.verify.run_simulation import simulate_build
from sketch import Sketch, image

if TYPE_CHECKING:
    from pathlib import Path

QONNX = "qonnx.custom_op.general"


def quant(sketch: Sketch, scale: float, bits: int, *, signed: int = 1) -> str:
    constants = [sketch.constant(v) for v in (scale, 0, bits)]
    sketch.domains[QONNX] = 1
    return sketch.op("Quant", *constants, domain=QONNX, signed=signed, rounding_mode="HALF_UP")


def sums_of_other_types() -> Sketch:
    """Streams of 6 and 4 bits with other binary points; their sum is rounded to 5 bits, or not."""
    sketch = image(6, 3, seed=3)
    sketch.conv(3, 8, pads=1).batch_norm(8)
    shortcut = quant(sketch, 1 / 16, 6)
    sketch.sign().conv(8, 8, pads=1).batch_norm(8)
    quant(sketch, 1 / 4, 4)
    sketch.op("Add", shortcut)
    shortcut = sketch.tensor
    sketch.sign().conv(8, 8, pads=1).batch_norm(8)
    quant(sketch, 1 / 8, 5)
    sketch.op("Add", shortcut)
    quant(sketch, 1 / 16, 5)
    sketch.pool()
    return sketch.flatten().dense(72, 5)


def activations_of_four_bits() -> Sketch:
    """W1A4, unsigned, by a scale that is no power of two, and narrower limits than the type's."""
    sketch = image(6, 3, seed=4)
    sketch.conv(3, 8, pads=1).batch_norm(8)
    quant(sketch, 0.3, 4, signed=0)
    sketch.conv(8, 8, pads=1).batch_norm(8)
    sketch.op("Mul", sketch.constant(4))
    sketch.op("Add", sketch.constant(0.5))
    sketch.op("Floor")
    sketch.op("Clip", sketch.constant(-5), sketch.constant(7))
    return sketch.flatten().dense(288, 5)


@pytest.mark.slow
@pytest.mark.parametrize("model", [sums_of_other_types, activations_of_four_bits])
def test_is_exact_in_rtl_and_hls(tmp_path: Path, model) -> None:
    path = model().save(tmp_path / "m.onnx")
    options = CompileOptions(board="pynq-z2", cycles=4_000)
    compiled = compile_model(path, tmp_path / "build", options)
    images = np.random.default_rng(1).integers(0, 256, (4, 3, 6, 6)).astype(np.uint8)
    outcome = simulate_build(compiled.build, images, None, hls=True, probes=("all",))
    assert len(outcome.checks) >= 7
    assert not any(check.mismatches for check in outcome.checks)
    assert len(np.unique(outcome.scores)) > 5
