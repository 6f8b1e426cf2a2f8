"""Brevitas and QONNX files: BipolarQuant and Quant in either domain, declared or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from agreement import agrees, passes_agree
from bnnhw.frontend import LoadOptions
from bnnhw.frontend.constants import evaluate
from bnnhw.frontend.model_file import decode_node
from bnnhw.ir.ops import IntegerTable
from bnnhw.ir.types import Bit, Integer
from sketch import Sketch

if TYPE_CHECKING:
    from pathlib import Path

DOMAINS = ("onnx.brevitas", "qonnx.custom_op.general")


def brevitas_mlp(domain: str, *, declared: bool = True, scale: float = 1.0) -> Sketch:
    """2x - 1, BipolarQuant, then layers with BipolarQuant weights, as bnn_pynq's TFC exports."""
    sketch = Sketch(["N", 1, 4, 4], opset=11)
    sketch.op("Reshape", sketch.constant([-1, 16], np.int64))
    sketch.op("Mul", sketch.constant(2))
    sketch.op("Sub", sketch.constant(1))
    sketch.bipolar(scale, domain=domain)
    for cin, cout in ((16, 12), (12, 8)):
        raw = sketch.constant(sketch.rng.normal(size=(cout, cin)))
        weight = sketch.node("BipolarQuant", [raw, sketch.constant(scale)], domain=domain)
        sketch.dense(cin, cout, weight=sketch.node("Transpose", [weight], perm=[1, 0]))
        sketch.batch_norm(cout).bipolar(scale, domain=domain)
    sketch.dense(8, 4)
    sketch.op("Mul", sketch.constant(0.5))
    if not declared:
        del sketch.domains[domain]
    return sketch


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("scale", [1.0, 0.1])
def test_bipolar_quant_in_every_domain(
    tmp_path: Path, domain: str, declared: bool, scale: float
) -> None:
    path = brevitas_mlp(domain, declared=declared, scale=scale).save(tmp_path / "m.onnx")
    options = LoadOptions(input_type="uint8", input_scale=1 / 255)
    agrees(path, options)
    passes_agree(path, options)


def test_input_type_comes_from_the_annotation(tmp_path: Path) -> None:
    sketch = brevitas_mlp(DOMAINS[1])
    sketch.annotations["x"] = "BIPOLAR"
    graph = agrees(sketch.save(tmp_path / "m.onnx"))
    assert graph.input_format.element == Bit()


def quantised_cnn(*, narrow: int, signed: int = 1, scale: float = 1 / 128) -> Sketch:
    """2x - 1, an 8-bit Quant, a binary convolution: as bnn_pynq's CNV begins."""
    sketch = Sketch(["N", 3, 6, 6], opset=13)
    sketch.op("Mul", sketch.constant(2))
    sketch.op("Sub", sketch.constant(1))
    constants = [sketch.constant(v) for v in (scale, 0, 8)]
    sketch.op(
        "Quant", *constants, domain=DOMAINS[1], narrow=narrow, signed=signed, rounding_mode="ROUND"
    )
    sketch.domains[DOMAINS[1]] = 1
    sketch.conv(3, 8).batch_norm(8).bipolar().flatten().dense(128, 4)
    return sketch


@pytest.mark.parametrize("narrow", [0, 1])
def test_quant_of_declared_pixels_becomes_a_table(tmp_path: Path, narrow: int) -> None:
    path = quantised_cnn(narrow=narrow).save(tmp_path / "m.onnx")
    options = LoadOptions(input_type="uint8", input_scale=1 / 255)
    graph = agrees(path, options)
    assert isinstance(graph.nodes[0].op, IntegerTable)
    assert graph.tensors[graph.nodes[0].output].dtype == Integer(8, True)


def test_quant_of_an_undeclared_input_defines_it(tmp_path: Path) -> None:
    path = quantised_cnn(narrow=0).save(tmp_path / "m.onnx")
    graph = agrees(path)
    form = graph.input_format
    assert form.element == Integer(8, True)
    assert (form.rounds, form.scale, form.offset) == (True, 1 / 256, 0.5)
    # Values between two steps are rounded as the model's own quantiser rounds them.
    x = np.random.default_rng(1).random((32, 3, 6, 6)).astype(np.float32)
    want = np.clip(np.rint((2 * x - 1) * np.float32(128)), -128, 127)
    assert (form.encode(x) == want).all()


def test_quantize_linear_of_an_undeclared_input_defines_it(tmp_path: Path) -> None:
    sketch = Sketch(["N", 3, 6, 6], opset=13)
    quantiser = [sketch.constant(0.02), sketch.constant(3, np.int8)]
    sketch.op("QuantizeLinear", *quantiser)
    sketch.op("DequantizeLinear", *quantiser)
    sketch.conv(3, 8).batch_norm(8).sign().flatten().dense(128, 4)
    graph = agrees(sketch.save(tmp_path / "m.onnx"), ties=True)
    assert graph.input_format.element == Integer(8, True)
    assert graph.input_format.rounds


@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_constant_bipolar_quant_is_qonnxs_own(scale: float) -> None:
    module = pytest.importorskip("qonnx.custom_op.general.bipolar_quant")
    x = np.array([-2, -1e-9, -0.0, 0.0, 1e-9, 3], np.float32)
    node = decode_node(onnx.helper.make_node("BipolarQuant", ["x", "s"], ["y"], domain=DOMAINS[1]))
    mine = evaluate(node, [x, np.float32(scale).reshape(())], 13)[0]
    np.testing.assert_array_equal(mine, module.binary_quant(x, np.float32(scale)))


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("narrow", [0, 1])
@pytest.mark.parametrize("mode", ["ROUND", "HALF_EVEN", "FLOOR", "CEIL", "DOWN"])
def test_constant_quant_is_qonnxs_own(signed: int, narrow: int, mode: str) -> None:
    module = pytest.importorskip("qonnx.custom_op.general.quant")
    x = np.linspace(-9, 9, 73, dtype=np.float32)
    fields = {"signed": signed, "narrow": narrow, "rounding_mode": mode}
    proto = onnx.helper.make_node("Quant", list("xszb"), ["y"], domain=DOMAINS[1], **fields)
    values = [np.float32(v).reshape(()) for v in (0.5, 1 if not signed else 0, 4)]
    mine = evaluate(decode_node(proto), [x, *values], 13)[0]
    np.testing.assert_array_equal(mine, module.quant(x, *values, signed, narrow, mode))
