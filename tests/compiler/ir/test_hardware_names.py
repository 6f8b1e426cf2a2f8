"""Whatever layers, tensors and files are called, the hardware's names are legal and apart."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import graphs
from bnnhw.compiler import CompileOptions, compile_model
from bnnhw.hardware.board import load_board
from bnnhw.hardware.folding import FoldingRequest
from bnnhw.ir.names import hardware_names
from bnnhw.planning.loops import find_loops
from bnnhw.planning.lower import lower
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from bnnhw.verify.run_simulation import simulate_build
from sketch import Sketch

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.hardware.design import Design

NASTY = (
    *("input", "output", "clk", "rst_n", "module", "endmodule", "class", "int", "template"),
    *("a/b", "a_b", "A_B", "a__b", "input_out", "Output", "s_axis", "m_axis_tdata", "frame_in"),
    *("top_k", "registers", "read_arbiter", "memory", "weights_base", "bnn_fifo", "error"),
    *("x" * 300, "x" * 300 + "2", "X" * 299, "", "", "::", "слой", "层", "3d", "_", "a b", "\n"),
    *("a_b_window", "a_b_window_out", "a_b_converter1", "a_b_fork", "a_b_weights", "a_b_2"),
)


def network(names: list[str]) -> Sketch:
    """Dense layers of these names, behind an input and tensors of nasty names as well."""
    sketch = Sketch(["N", 16], np.float32)
    for name in names:
        weight = sketch.constant(sketch.signs(16, 16))
        sketch.op("MatMul", weight, name=name)
        sketch.batch_norm(16, spread=2).sign()
    return sketch.dense(16, 3)


def rename_tensors(sketch: Sketch, names: list[str]) -> None:
    """Calls the tensors between nodes by these names, as far as they reach."""
    written = [node.output[0] for node in sketch.nodes]
    new = dict(zip(written, names, strict=False))
    for node in sketch.nodes:
        node.input[:] = [new.get(name, name) for name in node.input]
        node.output[:] = [new.get(name, name) for name in node.output]
    sketch.tensor = new.get(sketch.tensor, sketch.tensor)


def lowered(network: Network, request: FoldingRequest | None = None) -> tuple[Network, Design]:
    board = load_board("pynq-z2")
    folding = FoldingSearch(network, board, request).choose(Target(3_000)).folding
    return network, lower(network, folding, board=load_board("pynq-z2"), clock_mhz=100.0)


def digits() -> tuple[Network, Design]:
    return lowered(Network(graphs.digits().graph(), top_k=3))


def residual() -> tuple[Network, Design]:
    return lowered(Network(graphs.residual().graph()))


def weights_from_memory() -> tuple[Network, Design]:
    network = Network(graphs.residual().graph())
    last = network.layers[-3:]
    memory = {layer.name: {"memory": "ddr"} for layer in last}
    return lowered(network, FoldingRequest(memory))


def loop() -> tuple[Network, Design]:
    network = Network(graphs.residual_blocks(3).graph())
    return lowered(replace(network, loops=tuple(find_loops(network.blocks))))


def assert_apart(names: list[str]) -> None:
    """Legal in Verilog and C++ behind a suffix, and different where case does not count."""
    assert all(re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) for name in names)
    assert not any("__" in name or len(name) > 200 for name in names)
    assert len({name.lower() for name in names}) == len(names)


def test_names_of_stages_are_legal_apart_and_always_the_same() -> None:
    made = hardware_names(NASTY)
    assert_apart(made)
    assert made == hardware_names(NASTY)
    assert hardware_names(["conv1", "conv1_maxpool", "fc", "layer1_0_conv2"]) == [
        *("conv1", "conv1_maxpool", "fc", "layer1_0_conv2"),
    ]


@pytest.mark.parametrize(
    "design", [digits, residual, weights_from_memory, loop], ids=lambda f: f.__name__
)
def test_a_stage_called_like_anything_in_a_design_gets_another_name(design) -> None:
    network, made = design()
    stages = [stage.name for stage in network.blocks]
    streams = [f"{name}{end}" for name in made.streams for end in ("", "_w", "_fifo", "_monitor")]
    taken = {*streams, *made.memories, *(unit.name for unit in made.units)}
    for name in sorted(taken):
        names = hardware_names([*stages, name])
        assert names[:-1] == stages
        assert names[-1] not in taken, name
        assert_apart(names)


@pytest.mark.slow
def test_a_network_of_nasty_names_is_exact_in_every_execution(tmp_path: Path) -> None:
    names = ["input", "output", "clk", "module", "class", "a/b", "a_b", "A_B", "a_b_window"]
    names += ["top_k", "x" * 300, "x" * 300 + "2", "слой", "", "3d"]
    sketch = network(names)
    rename_tensors(sketch, [f"{name}:out" for name in dict.fromkeys(("clk", "matmul1", *NASTY))])
    model = sketch.save(tmp_path / f"{'module ' * 30}.onnx")
    options = CompileOptions(board="pynq-z2", cycles=64, input_type="bipolar")
    compiled = compile_model(model, tmp_path / "build", options)
    design = compiled.design
    for kind in (design.streams, design.memories, [unit.name for unit in design.units]):
        assert_apart(list(kind))
    outcome = simulate_build(compiled.build, None, 3, hls=True, probes=("all",))
    assert [check.mismatches for check in outcome.checks] == [0] * len(outcome.checks)
