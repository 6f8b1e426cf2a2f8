"""One network through every execution: interpreter, Verilog, HLS C++."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.backend.build import write_build
from bnnhw.backend.hls import emit_hls
from bnnhw.backend.manifest import emit_manifest
from bnnhw.backend.verilog import emit_bench, emit_verilog
from bnnhw.hardware.board import load_board
from bnnhw.hardware.folding import FoldingRequest
from bnnhw.interpret.interpreter import interpret_all
from bnnhw.ir.serialize import graph_to_bytes
from bnnhw.planning.fifo_depths import size_fifos
from bnnhw.planning.loops import chosen_loops, find_loops
from bnnhw.planning.lower import lower
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from bnnhw.planning.token_model import predict
from bnnhw.verify.hls_run import simulate_hls
from bnnhw.verify.probe import stream_values
from bnnhw.verify.simulate import simulate
from bnnhw.verify.top_k import best_scores

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bnnhw.hardware.design import Design
    from bnnhw.planning.token_model import Prediction
    from bnnhw.verify.simulate import Simulation
    from graphs import GraphBuilder


@dataclass
class Executed:
    """A design, what the model predicted of it, and what its simulation measured."""

    design: Design
    prediction: Prediction
    simulation: Simulation


def execute_everywhere(
    builder: GraphBuilder,
    folder: Path,
    *,
    target: int | None = None,
    request: FoldingRequest | None = None,
    frames: int = 4,
    top_k: int = 0,
    change: Callable[[Design], Design] = lambda design: design,
    rates: tuple[tuple[float, float], ...] = ((0.0, 0.0), (0.5, 0.4)),
) -> Executed:
    """Asserts that Verilog and HLS C++ give the interpreter's scores, bit for bit.

    Args:
        builder: the network; its inputs include the all-lowest and the all-highest frame.
        folder: where to build.
        target: cycles per frame.
        request: what is fixed of the folding.
        frames: frames back to back.
        top_k: as for lowering.
        change: what is done to the design before it is emitted.
        rates: (idle, back-pressure) of each simulation; the first is returned.
    """
    graph = builder.graph()
    network = Network(graph, top_k)
    loops = chosen_loops(find_loops(network.blocks), request or FoldingRequest())
    network = replace(network, loops=loops)
    choice = FoldingSearch(network, load_board("pynq-z2"), request).choose(Target(target))
    lowered = lower(network, choice.folding, board=load_board("pynq-z2"), clock_mhz=100.0)
    design = change(size_fifos(lowered)[0])
    prediction = predict(design)
    files: dict[str, str | bytes] = {
        **emit_verilog(design),
        **emit_bench(design, 4 * prediction.latency_cycles + 10_000),
        **emit_hls(design),
        **emit_manifest(design),
        "graph.npz": graph_to_bytes(graph),
    }
    build = write_build(folder / "build", files)
    x = builder.inputs(frames)
    tensors = interpret_all(graph, x)
    expected = tensors[graph.output]
    if top_k:
        expected = best_scores(expected, top_k)
    packed = build.input_port.pack(x)
    results = []
    for idle, back_pressure in rates:
        result = simulate(
            build, packed, frames, idle=idle, back_pressure=back_pressure, probe="all"
        )
        assert np.array_equal(build.output_port.unpack(result.data), expected)
        assert result.registers["errors"] == 0
        assert result.registers["frames_in"] == result.registers["frames_out"] == frames
        for stream in design.streams.values():
            if stream.tensor:
                carried = (stream.tensor, *(tensor for _, tensor in stream.later))
                for passed, tensor in enumerate(carried):
                    values = stream_values(result.probed[stream.name], stream, graph, passed)
                    whole = len(values)  # the last frame may not have been read to its end
                    assert whole >= frames - 1
                    assert np.array_equal(values, tensors[tensor][:whole]), (stream.name, passed)
        results.append(result)
    assert np.array_equal(
        build.output_port.unpack(simulate_hls(build.path, packed, frames)), expected
    )
    return Executed(design, prediction, results[0])


def assert_prediction_holds(executed: Executed, share: float = 0.01, slack: int = 4) -> None:
    """Cycles per frame and latency are as the token model said, within 1 % or a few cycles."""
    simulated = executed.simulation.cycles_per_frame
    predicted = executed.prediction.cycles_per_frame
    assert simulated is not None
    assert abs(simulated - predicted) <= max(slack, share * predicted)
    latency = executed.simulation.latency[0]
    assert abs(latency - executed.prediction.latency_cycles) <= max(slack, share * latency)
