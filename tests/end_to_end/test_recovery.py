"""After a fault of its surroundings a design's next frame is exact."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnhw.backend.build import Build, write_build
from bnnhw.backend.manifest import emit_manifest
from bnnhw.backend.verilog import emit_verilog
from bnnhw.compiler import CompileOptions, compile_model
from bnnhw.hardware.board import load_board
from bnnhw.hardware.folding import FoldingRequest
from bnnhw.hardware.stages import streamed_parameters
from bnnhw.interpret.interpreter import interpret
from bnnhw.planning.fifo_depths import size_fifos
from bnnhw.planning.loops import find_loops
from bnnhw.planning.lower import lower
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from bnnhw.planning.token_model import predict
from bnnhw.verify.simulated_memory import MemoryTiming
from bnnhw.zoo.shipped import shipped_model
from faulty_design import Faulty
from graphs import residual, residual_blocks
from memory_designs import two_layers

if TYPE_CHECKING:
    from pathlib import Path

FAULTS = [("short_frames", 3), ("long_frames", 3), ("packets", 2), ("bad_reads", 4),
          ("reset_when_idle", 2), ("packet_during_reset", 2), ("reserved", 1)]  # fmt: skip


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Faulty:
    """The shipped network, weights on the chip."""
    options = CompileOptions(board="pynq-z2", cycles=600, backends=("verilog",), verify=False)
    compiled = compile_model(
        shipped_model("digits").path, tmp_path_factory.mktemp("digits") / "build", options
    )
    graph = compiled.build.graph
    latency = compiled.report["latency_cycles"]["predicted"]
    return Faulty(compiled.design, compiled.build, lambda x: interpret(graph, x), latency)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Faulty:
    """Two binary layers whose weights come from memory by two readers behind one port."""
    design, layers = two_layers()
    files: dict[str, str | bytes] = {**emit_verilog(design), **emit_manifest(design)}
    build: Build = write_build(tmp_path_factory.mktemp("pair") / "build", files)
    first, last = layers

    def compute(x: np.ndarray) -> np.ndarray:
        bits = (first.sums(x.transpose(0, 2, 3, 1)) >= 0).astype(np.int64)
        sums = last.sums(bits).reshape(len(x), last.pixels, last.tiles, last.pe)
        return sums.swapaxes(1, 2).reshape(len(x), -1)

    return Faulty(design, build, compute, 1000)


def faulty(network: Network, request: FoldingRequest, folder: Path) -> Faulty:
    """A network at some folding, ready to be disturbed."""
    choice = FoldingSearch(network, load_board("pynq-z2"), request).choose(Target(2400))
    lowered = lower(network, choice.folding, board=load_board("pynq-z2"), clock_mhz=100.0)
    design = size_fifos(lowered)[0]
    files: dict[str, str | bytes] = {**emit_verilog(design), **emit_manifest(design)}
    build: Build = write_build(folder / "build", files)
    graph = network.graph
    return Faulty(design, build, lambda x: interpret(graph, x), predict(design).latency_cycles)


@pytest.fixture(scope="module")
def every_stage(tmp_path_factory: pytest.TempPathFactory) -> Faulty:
    """A residual network with every kind of stage, the last layers' weights in memory."""
    names = ("block3_conv", "block3_down", "block4_conv", "scores")
    request = FoldingRequest({name: {"memory": "ddr"} for name in names})
    return faulty(Network(residual().graph()), request, tmp_path_factory.mktemp("every_stage"))


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Faulty:
    """A residual network whose three blocks are one that each frame passes three times.

    Parameters come from memory too.
    """
    network = Network(residual_blocks(3).graph())
    network = replace(network, loops=tuple(find_loops(network.blocks)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streamed_parameters, "_READER_LUTS", 0)
        made = faulty(network, FoldingRequest(), tmp_path_factory.mktemp("loop"))
    assert any(unit.kind == "bnn_stream_affine" for unit in made.design.units)
    return made


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", ["digits", "loop", "pair"])
def test_next_frame_is_exact_after_any_fault(name: str, request: pytest.FixtureRequest) -> None:
    faulty: Faulty = request.getfixturevalue(name)
    assert faulty.run([*FAULTS, ("stopped", 40_000)], seed=1) > 50


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", ["loop", "digits", "pair"])
def test_next_frame_is_exact_after_a_reset_at_any_cycle(
    name: str, request: pytest.FixtureRequest
) -> None:
    faulty: Faulty = request.getfixturevalue(name)
    assert faulty.run([("frames_in_mid", 25)], seed=2) >= 25


def test_reset_waits_for_words_that_come_late(pair: Faulty) -> None:
    late = MemoryTiming((300, 900), 100, 1000)
    assert pair.run([("frames_in_mid", 15), ("bad_reads", 2)], seed=3, timing=late) > 15


@pytest.mark.slow
@pytest.mark.parametrize("seed", [10, 11, 12])
@pytest.mark.parametrize("name", ["digits", "pair", "every_stage", "loop"])
def test_next_frame_is_exact_after_hundreds_of_faults(
    name: str, seed: int, request: pytest.FixtureRequest
) -> None:
    """Each seed is another power-up state and another order of events."""
    faulty: Faulty = request.getfixturevalue(name)
    faulty.run([*FAULTS, ("frames_in_mid", 200), *FAULTS, ("stopped", 40_000)], seed=seed)
