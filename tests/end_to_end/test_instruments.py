"""In an instrumented build the host reads what each stream did, exactly; nothing else changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bnnhw.backend.build import write_build
from bnnhw.backend.manifest import emit_manifest
from bnnhw.backend.verilog import emit_verilog
from bnnhw.backend.yosys import synthesise
from bnnhw.compiler import CompileOptions, compile_model
from bnnhw.hardware.board import load_board
from bnnhw.hardware.cost.designs import design_resources
from bnnhw.hardware.cost.model import total
from bnnhw.hardware.folding import FoldingRequest
from bnnhw.interpret.interpreter import interpret
from bnnhw.planning.fifo_depths import size_fifos
from bnnhw.planning.lower import lower
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from bnnhw.planning.token_model import predict
from bnnhw.verify.run_simulation import simulate_build, simulate_netlist
from bnnhw.zoo.shipped import shipped_model
from faulty_design import Faulty
from graphs import residual

if TYPE_CHECKING:
    from pathlib import Path


MEMORY = ("block3_conv", "block3_down", "block4_conv", "scores")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Faulty:
    """Convolutions, pools and dense layers in a row."""
    options = CompileOptions(
        board="pynq-z2", cycles=600, backends=("verilog",), verify=False, instrument=True
    )
    compiled = compile_model(
        shipped_model("digits").path, tmp_path_factory.mktemp("digits") / "build", options
    )
    graph = compiled.build.graph
    latency = compiled.report["latency_cycles"]["predicted"]
    return Faulty(compiled.design, compiled.build, lambda x: interpret(graph, x), latency)


def residual_design(request: FoldingRequest, folder: Path) -> Faulty:
    graph = residual().graph()
    network = Network(graph, instrument=True)
    choice = FoldingSearch(network, load_board("pynq-z2"), request).choose(Target(2400))
    lowered = lower(network, choice.folding, board=load_board("pynq-z2"), clock_mhz=100.0)
    design = size_fifos(lowered)[0]
    build = write_build(folder / "build", {**emit_verilog(design), **emit_manifest(design)})
    return Faulty(design, build, lambda x: interpret(graph, x), predict(design).latency_cycles)


@pytest.fixture(scope="module")
def shortcuts(tmp_path_factory: pytest.TempPathFactory) -> Faulty:
    """Forks, additions and FIFOs, all weights on the chip."""
    return residual_design(FoldingRequest(), tmp_path_factory.mktemp("shortcuts"))


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Faulty:
    """The same, the last layers' weights in memory."""
    request = FoldingRequest({name: {"memory": "ddr"} for name in MEMORY})
    return residual_design(request, tmp_path_factory.mktemp("memory"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param("digits", marks=pytest.mark.slow), "shortcuts", "memory"]
)
def test_counters_are_exactly_what_the_monitors_of_the_simulation_say(
    name: str, request: pytest.FixtureRequest
) -> None:
    faulty: Faulty = request.getfixturevalue(name)
    assert any(one["depth"] for one in faulty.build.manifest["instruments"]) == (name != "digits")
    faulty.run([("counted", 9), ("cleared", 4), ("frames_in_mid", 5), ("counted", 2)], seed=4)


@pytest.mark.parametrize(
    ("name", "cycles", "inexact"),
    [
        pytest.param("digits", 1000, 0, marks=pytest.mark.slow),
        pytest.param("birealnet8-digits", 4096, 0.15, marks=pytest.mark.slow),
    ],
)
def test_the_token_model_predicts_what_streams_do(
    name: str, cycles: int, inexact: float, tmp_path: Path
) -> None:
    """Per frame, in steady state. For which of two reasons a beat waits is not always known."""
    options = CompileOptions(
        board="zcu104", cycles=cycles, backends=("verilog",), verify=False, instrument=True
    )
    build = compile_model(shipped_model(name).path, tmp_path / "build", options).build
    few, more = (simulate_build(build, None, n).simulation.streams for n in (7, 11))
    wrong = 0
    for one, a, b in zip(build.manifest["instruments"], few, more, strict=True):
        assert one["stream"] == a.stream == b.stream
        assert b.beats - a.beats == pytest.approx(4 * one["beats_per_frame"], rel=0.01)
        expected = one["predicted"]
        stall = abs(expected["stall"] - (b.stalled - a.stalled) / 4)
        starved = abs(expected["starved"] - (b.starved - a.starved) / 4)
        assert max(stall, starved) <= 3 + inexact * cycles, one
        wrong += max(stall, starved) > 3
        if one["depth"]:
            assert abs(expected["high_water"] - b.peak) <= 1 + 0.03 * b.peak, one
    assert wrong <= 2 * inexact * len(few)


@pytest.mark.slow
def test_the_netlist_of_a_design_with_instruments_computes_the_same(digits: Faulty) -> None:
    netlist = digits.build.path / "synth" / "netlist.v"
    found = synthesise(digits.build, netlist).total
    assert simulate_netlist(digits.build, netlist, None, 2).mismatches == 0
    estimated = total(design_resources(digits.design))
    assert found.ff == pytest.approx(estimated.ff, rel=0.05)
    assert found.lut == pytest.approx(estimated.lut, rel=0.15)
