"""Images padded with their own pixels: Verilog and HLS C++ give what the interpreter gives."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.hardware.folding import FoldingRequest
from bnnhw.ir.ops import EDGE, REFLECT, IntegerMaxPool, Pad, Window
from bnnhw.ir.types import Bit, Integer
from executions import Executed, assert_prediction_holds, execute_everywhere
from graphs import GraphBuilder


def pads_of(done: Executed) -> list[tuple[int, int, int]]:
    """ELEM_BITS, CHANNELS and LANES of each unit that pads."""
    units = [unit.params for unit in done.design.units if unit.kind == "bnn_pad"]
    return [(p["ELEM_BITS"], p["CHANNELS"], p["LANES"]) for p in units]


@pytest.mark.slow
def test_pixels_bits_and_numbers_are_padded(tmp_path) -> None:
    """The input before a layer, signs before another, a stream before a pool; all sides differ."""
    builder = GraphBuilder((3, 8, 8), Integer(8, False), 3, name="padded")
    builder.add("pad0", Pad(REFLECT, (2, 1, 0, 3))).layer("conv0", 8, Window((3, 3)))
    builder.rescale("affine0", Integer(8, True)).threshold("sign0")
    builder.add("pad1", Pad(EDGE, (1, 1, 1, 1))).conv("conv1", 8, Window((3, 3), (2, 1)))
    builder.rescale("affine1", Integer(6, True)).add("pad2", Pad(REFLECT, (0, 1, 2, 0)))
    builder.add("pool", IntegerMaxPool(Window((3, 3), (2, 2)))).threshold("sign1")
    done = execute_everywhere(builder.dense("scores", 5), tmp_path, target=600)
    assert_prediction_holds(done)
    assert [found[:2] for found in pads_of(done)] == [(8, 3), (1, 8), (6, 8)]


@pytest.mark.slow
def test_a_pad_and_a_shortcut_meet_in_a_sum(tmp_path) -> None:
    """The FIFO of the shortcut holds what a reflection waits for."""
    builder = GraphBuilder((2, 6, 8), Integer(8, False), 4, name="padded_residual")
    builder.layer("conv0", 4, Window((3, 3), pads=(1, 1, 1, 1))).rescale("a0", Integer(8, True))
    start = builder.end
    builder.threshold("sign0").add("pad0", Pad(REFLECT, (3, 2, 2, 2)))
    builder.conv("conv1", 4, Window((6, 5))).rescale("a1", Integer(8, True))
    builder.join("sum", start, Integer(8, True)).threshold("sign1")
    done = execute_everywhere(builder.dense("scores", 3), tmp_path, target=900)
    assert_prediction_holds(done)


@pytest.mark.slow
def test_tiles_are_padded_between_layers_of_weights_from_memory(tmp_path) -> None:
    builder = GraphBuilder((8, 9, 11), Bit(True), 5, name="padded_tiles")
    builder.conv("conv0", 16, Window((3, 3), pads=(1, 1, 1, 1))).threshold("sign0")
    builder.add("pad0", Pad(REFLECT, (1, 1, 1, 1)))
    builder.conv("conv1", 16, Window((3, 3))).threshold("sign1")
    layers = {name: {"memory": "ddr", "pe": 4} for name in ("conv0", "conv1", "scores")}
    request = FoldingRequest(layers)
    done = execute_everywhere(builder.dense("scores", 16), tmp_path, request=request)
    assert_prediction_holds(done, share=0.02)
    assert pads_of(done) == [(1, 4, 4)]
    assert {s.pixels for s in done.design.streams.values() if s.name == "pad0_out"} == {4}
    assert np.all([s.tiles for s in done.design.streams.values() if s.name == "pad0_out"])
