"""Bits of 0 and 1: signs behind ReLU, as in FTBNN's Appendix B."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bnnhw.compiler import CompileOptions, compile_model
from bnnhw.ir.ops import BinaryConv, IntegerTable
from bnnhw.ir.types import Bit
from bnnhw.report.inspect import inspect_model
from bnnhw.verify.run_simulation import simulate_build

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("simulated", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_ftbnn_behind_relu_reads_bits_of_0_and_1_at_no_extra_operations(
    tmp_path: Path, simulated: bool
) -> None:
    torch = pytest.importorskip("torch")
    from bnnhw.zoo.export import export_onnx
    from bnnhw.zoo.ftbnn import FTBNN
    from bnnhw.zoo.random_statistics import randomise_batch_norms

    torch.manual_seed(2)
    model = FTBNN(18, unipolar=True, derived=True, classes=10, stem="cifar", width=4,
                  image=(16, 16, 3), normalise=True)  # fmt: skip
    randomise_batch_norms(model)
    export_onnx(model.eval(), tmp_path / "m.onnx")
    binary = [layer for layer in inspect_model(tmp_path / "m.onnx").layers if layer.is_binary]
    assert len(binary) == 18 and {layer.bits for layer in binary} == {"unipolar"}
    options = CompileOptions(board="pynq-z2", cycles=40_000)
    compiled = compile_model(tmp_path / "m.onnx", tmp_path / "build", options)
    graph = compiled.build.graph
    layers = [node for node in graph.nodes if isinstance(node.op, BinaryConv)]
    assert len(layers) == 18
    assert {graph.tensors[node.inputs[0]].dtype for node in layers} == {Bit(bipolar=False)}
    assert not any(isinstance(node.op, IntegerTable) for node in graph.nodes)
    if simulated:
        outcome = simulate_build(compiled.build, None, 1, hls=True)
        assert [check.mismatches for check in outcome.checks] == [0, 0]
