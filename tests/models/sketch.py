"""Tiny ONNX models, written node by node as exporters spell them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SIGNS = (
    "greater",
    "greater_or_equal",
    "less",
    "less_or_equal",
    "swapped",
    "cast",
    "not",
    "sign_repaired",
)
"""Spellings of a bipolar sign; see ``Sketch.sign``."""


class Sketch:
    """An ONNX model that grows at its end: ``tensor`` is what the next operation reads."""

    def __init__(
        self,
        shape: Sequence[int | str | None],
        dtype: Any = np.float32,
        *,
        opset: int = 17,
        seed: int = 1,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.inputs = [
            helper.make_tensor_value_info(
                "x", helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), list(shape)
            )
        ]
        self.tensor = "x"
        self.domains = {"": opset}
        self.annotations: dict[str, str] = {}
        self._count = 0

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """Name of a new initialiser."""
        self._count += 1
        name = f"c{self._count}"
        self.initializers.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def op(
        self, kind: str, *others: str, domain: str = "", first: bool = True, **attrs: Any
    ) -> str:
        """Appends ``kind`` reading the last tensor (first or last) and ``others``."""
        inputs = [self.tensor, *others] if first else [*others, self.tensor]
        self.tensor = self.node(kind, inputs, domain=domain, **attrs)
        return self.tensor

    def node(self, kind: str, inputs: Sequence[str], *, domain: str = "", **attrs: Any) -> str:
        """Appends a node off the main path; returns the name of its output."""
        self._count += 1
        out = f"t{self._count}"
        name = attrs.pop("name", f"{kind.lower()}_{self._count}")
        self.nodes.append(
            helper.make_node(kind, list(inputs), [out], name=name, domain=domain, **attrs)
        )
        return out

    # ------------------------------------------------------------------------------- layers

    def signs(self, *shape: int) -> NDArray[np.float32]:
        """Random weights in {-1, +1}."""
        return self.rng.choice([-1.0, 1.0], shape).astype(np.float32)

    def conv(
        self, cin: int, cout: int, kernel: int = 3, *, weight: Any = None, **attrs: Any
    ) -> Sketch:
        """A convolution; ``pads`` may be one number."""
        if isinstance(attrs.get("pads"), int):
            attrs["pads"] = [attrs["pads"]] * 4
        if weight is None:
            weight = self.signs(cout, cin, kernel, kernel)
        name = weight if isinstance(weight, str) else self.constant(weight)
        self.op("Conv", name, **attrs)
        return self

    def dense(self, cin: int, cout: int, *, weight: Any = None) -> Sketch:
        """MatMul by [cin, cout]."""
        weight = self.signs(cin, cout) if weight is None else weight
        self.op("MatMul", weight if isinstance(weight, str) else self.constant(weight))
        return self

    def batch_norm(self, channels: int, *, spread: float = 4.0, **fields: Any) -> Sketch:
        """BatchNormalization with random parameters; gains of both signs."""
        values = {
            "gain": self.rng.normal(size=channels),
            "bias": self.rng.normal(size=channels),
            "mean": self.rng.normal(size=channels) * spread,
            "variance": self.rng.uniform(0.5, 2, channels) * spread**2,
            **{k: np.broadcast_to(v, channels) for k, v in fields.items()},
        }
        names = [self.constant(values[k]) for k in ("gain", "bias", "mean", "variance")]
        self.op("BatchNormalization", *names, epsilon=1e-5)
        return self

    def batch_norm_pieces(self, shape: Sequence[int]) -> Sketch:
        """(x - mean) / (variance + epsilon)^0.5 * gain + bias, constants computed in the graph."""
        mean, gain, bias = (self.constant(self.rng.normal(size=shape)) for _ in range(3))
        variance = self.constant(self.rng.uniform(1, 9, shape))
        shifted = self.node("Add", [variance, self.constant(1e-3)])
        root = self.node("Pow", [shifted, self.constant(0.5)])
        self.op("Sub", mean)
        self.op("Div", root)
        self.op("Mul", gain)
        self.op("Add", bias)
        return self

    def sign(self, spelling: str = "greater") -> Sketch:
        """A bipolar sign in one of its spellings."""
        one, minus, zero = (self.constant(v) for v in (1, -1, 0))
        x = self.tensor
        comparisons = {
            "greater": "Greater",
            "greater_or_equal": "GreaterOrEqual",
            "less": "Less",
            "less_or_equal": "LessOrEqual",
        }
        if spelling in comparisons:
            turned = spelling.startswith("less")
            self.op(comparisons[spelling], zero)
            self.op("Where", *((minus, one) if turned else (one, minus)))
        elif spelling == "swapped":
            self.op("Less", zero, first=False)
            self.op("Where", one, minus)
        elif spelling == "cast":
            self.op("Greater", zero)
            self.op("Cast", to=1)
            self.op("Mul", self.constant(2))
            self.op("Sub", one)
        elif spelling == "not":
            self.op("Less", zero)
            self.op("Not")
            self.op("Where", one, minus)
        elif spelling == "sign_repaired":
            equal = self.node("Equal", [x, zero])
            sign = self.node("Sign", [x])
            self.tensor = self.node("Where", [equal, one, sign])
        elif spelling == "sign":
            self.op("Sign")
        else:
            raise ValueError(spelling)
        return self

    def bipolar(self, scale: Any = 1.0, *, domain: str = "qonnx.custom_op.general") -> Sketch:
        """QONNX's BipolarQuant."""
        self.op("BipolarQuant", self.constant(scale), domain=domain)
        self.domains.setdefault(domain, 1)
        return self

    def flatten(self) -> Sketch:
        """Flatten."""
        self.op("Flatten")
        return self

    def pool(self, kernel: int = 2, stride: int = 2, **attrs: Any) -> Sketch:
        """MaxPool."""
        self.op("MaxPool", kernel_shape=[kernel] * 2, strides=[stride] * 2, **attrs)
        return self

    # -------------------------------------------------------------------------------- output

    def proto(self, *, inputs_too: bool = False) -> onnx.ModelProto:
        """The model; ``inputs_too`` lists initialisers among the inputs, as old files do."""
        inputs = list(self.inputs)
        if inputs_too:
            inputs += [
                helper.make_tensor_value_info(t.name, t.data_type, t.dims)
                for t in self.initializers
            ]
        output = onnx.ValueInfoProto(name=self.tensor)
        graph = helper.make_graph(self.nodes, "tiny", inputs, [output], self.initializers)
        for tensor, datatype in self.annotations.items():
            note = graph.quantization_annotation.add(tensor_name=tensor)
            note.quant_parameter_tensor_names.add(key="finn_datatype", value=datatype)
        opsets = [helper.make_opsetid(d, v) for d, v in self.domains.items()]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def save(self, path: Path, **kwargs: Any) -> Path:
        """Writes the model to ``path``."""
        path.write_bytes(self.proto(**kwargs).SerializeToString())
        return path


def image(size: int = 6, channels: int = 3, **kwargs: Any) -> Sketch:
    """A model of uint8 images [N, C, H, W], cast to float and scaled to x/128 - 1."""
    sketch = Sketch(["N", channels, size, size], np.uint8, **kwargs)
    sketch.op("Cast", to=1)
    sketch.op("Div", sketch.constant(128))
    sketch.op("Sub", sketch.constant(1))
    return sketch


def small_cnn(spelling: str = "greater", **kwargs: Any) -> Sketch:
    """Padded conv - BatchNorm - sign - pool - conv - BatchNorm - sign - flatten - dense - scale."""
    sketch = image(6, 3, **kwargs)
    sketch.conv(3, 8, pads=1).batch_norm(8).sign(spelling).pool()
    sketch.conv(8, 6, pads=1).batch_norm(6).sign(spelling).flatten().dense(54, 5)
    sketch.op("Mul", sketch.constant(0.25))
    return sketch
