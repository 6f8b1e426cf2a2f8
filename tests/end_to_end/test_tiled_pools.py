"""Pools between layers whose weights come from memory: streams that flow tile by tile."""

from __future__ import annotations

import pytest

from bnnhw.hardware.folding import FoldingRequest
from bnnhw.ir.ops import IntegerMaxPool, SumPool, Window
from bnnhw.ir.types import Bit
from executions import Executed, assert_prediction_holds, execute_everywhere
from graphs import GraphBuilder

PADDED = Window((3, 3), (1, 1), (1, 1, 1, 1))
APART = Window((2, 2), (2, 2))
OVERLAPPING = Window((3, 3), (2, 2), (1, 1, 1, 1))
DENSE = Window((3, 3), (1, 1), (1, 1, 1, 1))


def executed(builder: GraphBuilder, folder, pes: dict[str, int], **others: int) -> Executed:
    """All weights from memory, at these PEs; the streams into pools hold several tiles."""
    layers = {name: {"memory": "ddr", "pe": pe} for name, pe in pes.items()}
    done = execute_everywhere(builder, folder, request=FoldingRequest(layers), **others)
    assert all(plan.memory == "ddr" for plan in done.design.layers)
    assert_prediction_holds(done, share=0.02)
    return done


def kinds(done: Executed) -> list[str]:
    return [unit.kind for unit in done.design.units if "pool" in unit.name]


@pytest.mark.slow
def test_bits_that_are_pooled_tile_by_tile(tmp_path) -> None:
    """Rows and columns left over; in some channels of each tile the minimum."""
    builder = GraphBuilder((8, 9, 11), Bit(True), 5, name="tiled_bits")
    builder.conv("conv0", 16, PADDED).threshold("sign0").pool("pool0", APART)
    builder.conv("conv1", 16, PADDED).threshold("sign1").pool("pool1", OVERLAPPING)
    builder.conv("conv2", 8, PADDED).threshold("sign2").pool("pool2", Window((2, 3), (2, 3)))
    pes = {"conv0": 4, "conv1": 2, "conv2": 4, "scores": 4}
    done = executed(builder.dense("scores", 16), tmp_path, pes)
    assert kinds(done) == ["bnn_max_pool", "bnn_window", "bnn_pool_reduce", "bnn_max_pool"]
    tiled = {s.name: s.pixels for s in done.design.streams.values() if s.tiles}
    assert (tiled["pool0_out"], tiled["pool1_window_out"], tiled["pool1_out"]) == (4, 8, 8)
    assert "pool2_out" not in tiled


@pytest.mark.slow
@pytest.mark.parametrize("total", [False, True])
def test_integers_that_are_pooled_tile_by_tile(tmp_path, total: bool) -> None:
    pool = SumPool if total else IntegerMaxPool
    builder = GraphBuilder((8, 9, 11), Bit(True), 6, name="tiled_integers")
    for i, window in enumerate((APART, OVERLAPPING, DENSE)):
        builder.conv(f"conv{i}", 16, PADDED).add(f"pool{i}", pool(window)).threshold(f"sign{i}")
    pes = {"conv0": 4, "conv1": 2, "conv2": 8, "scores": 4}
    done = executed(builder.dense("scores", 16), tmp_path, pes)
    assert kinds(done) == [
        "bnn_int_pool", "bnn_int_pool_overlap", "bnn_window", "bnn_int_pool_reduce",
    ]  # fmt: skip
