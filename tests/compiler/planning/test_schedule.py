"""When layers work, and what a frame takes beyond the busiest stream's beats."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bnnhw.hardware.board import load_board
from bnnhw.ir.ops import Window
from bnnhw.ir.types import Bit
from bnnhw.passes import run
from bnnhw.planning.fifo_depths import size_fifos
from bnnhw.planning.lower import lower, with_fifo_depths
from bnnhw.planning.network import Network
from bnnhw.planning.schedule import _Scheduled, schedule
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from bnnhw.planning.token_model import DesignFlow, Prediction, ideal_cycles, predict
from graphs import GraphBuilder, cnv, digits
from random_networks import plain_network, residual_network
from residual import bireal

PYNQ = load_board("pynq-z2")


def design_of(graph, target=None):
    network = Network(graph)
    folding = FoldingSearch(network, PYNQ).choose(Target(target)).folding
    return size_fifos(lower(network, folding, board=PYNQ, clock_mhz=100.0))[0]


def check(design):
    """Whatever the design: all that a frame takes is accounted for, and frames keep their order."""
    found, prediction = schedule(design), predict(design)
    lost = sum(one.cycles for one in found.lost)
    assert lost == prediction.cycles_per_frame - ideal_cycles(design)
    assert all(one.cycles > 0 for one in found.lost)
    names = {unit.layer for unit in design.units} | {"the input port", "the output port"}
    assert {found.busiest, *(one.layer for one in found.lost)} <= names
    assert set(found.active) == {layer.name for layer in design.layers}
    for first, second in found.active.values():
        # Results that no window behind reads may come after the output's last.
        assert 0 <= first[0] < first[1] < prediction.latency_cycles + prediction.cycles_per_frame
        assert first[0] < second[0] and first[1] < second[1]
        assert second[1] - first[1] <= 2 * prediction.cycles_per_frame
    return found


@pytest.mark.parametrize(
    ("make", "target"),
    [
        (lambda: digits().graph(), 1024),
        (lambda: cnv().graph(), 32768),
        (lambda: run(bireal(stem="cifar", width=8, image=12).graph()), 16384),
    ],
    ids=["digits", "cnv", "residual"],
)
def test_all_of_a_frame_is_accounted_for(make, target):
    check(design_of(make(), target))


@pytest.mark.sampled(1)
@pytest.mark.parametrize("seed", [0, 3, 9, 27, 36, 45, 51, 57])
@pytest.mark.parametrize("make", [plain_network, residual_network])
def test_all_of_a_frame_of_random_networks_is_accounted_for(make, seed, tmp_path):
    from bnnhw.compiler import CompileOptions, compile_model
    from bnnhw.errors import BnnhwError

    network = make(seed)
    model = network.sketch.save(tmp_path / "random.onnx")
    options = CompileOptions(board="pynq-z2", input_type=network.input_type, verify=False)
    try:
        compiled = compile_model(model, tmp_path / "build", options)
    except BnnhwError as error:
        pytest.skip(f"refused: {error.what}")
    found = check(compiled.design)
    rows = compiled.report["cycles_per_frame"]
    assert rows["busiest"] == found.busiest
    assert rows["predicted"] == rows["ideal"] + sum(row["cycles"] for row in rows["lost"])


def test_a_queue_that_is_too_short_stalls_and_its_layer_is_named():
    design = design_of(run(bireal(stem="cifar", width=8, image=12).graph()), 4096)
    assert not [one for one in schedule(design).lost if one.cause == "stall"]
    join = next(unit for unit in design.units if unit.kind == "bnn_add")
    queue = max(join.sources, key=lambda name: design.streams[name].depth)
    for share in (0.9, 0.8, 0.7, 0.6):
        depth = int(design.streams[queue].depth * share)
        short = with_fifo_depths(design, {s: design.streams[s].depth for s in design.streams
                                          if design.streams[s].depth} | {queue: depth})  # fmt: skip
        if predict(short).cycles_per_frame > predict(design).cycles_per_frame:
            break
    stalls = [one for one in check(short).lost if one.cause in ("stall", "input")]
    assert stalls


def test_no_cycles_are_lost_where_the_model_falls_short_of_the_beats(monkeypatch):
    monkeypatch.setattr(DesignFlow, "prediction", lambda self: Prediction(1, 1))
    design = design_of(digits().graph())
    assert schedule(design).lost == _Scheduled(DesignFlow(design)).untraced().lost == ()


def test_padding_of_windows_made_side_by_side_is_a_border():
    builder = GraphBuilder((8, 12, 12), Bit(True), 1, name="padded")
    builder.conv("conv0", 8, Window((3, 3), (1, 1), (1, 1, 1, 1))).threshold("sign0")
    network = Network(builder.dense("scores", 5).graph())
    folding = FoldingSearch(network, PYNQ).choose(Target()).folding
    widest = {
        name: replace(fold, pe=8, simd=72) if name == "conv0" else fold
        for name, fold in folding.layers.items()
    }
    design = lower(network, replace(folding, layers=widest), board=PYNQ, clock_mhz=100.0)
    design = size_fifos(design)[0]
    found = check(design)
    assert found.busiest == "conv0"
    assert {(one.cause, one.layer) for one in found.lost} == {("border", "conv0")}
