"""What a model consists of: its layers, what is binary in them, operations and parameters."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.errors import REPORT, ModelError
from bnnhw.frontend import LoadOptions, import_partly, load, read_model
from bnnhw.frontend.model_input import UndeclaredInputError
from bnnhw.ir.ops import (
    Add,
    Affine,
    AveragePool,
    Binarize,
    ChannelSum,
    Concat,
    Conv,
    Dense,
    Flatten,
    Lookup,
    MaxPool,
    Pad,
    Piecewise,
    Product,
    Quantise,
    Round,
    Select,
    Smooth,
)
from bnnhw.ir.types import Bit, Integer
from bnnhw.passes import run as run_passes
from bnnhw.passes.fixed_point import integer_bits
from bnnhw.passes.options import FEW_BITS, WEIGHT_BITS
from bnnhw.passes.widths import widths

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.ir.graph import Graph, Node
    from bnnhw.passes.widths import Width
    from bnnhw.report.possible_loops import PossibleLoop

BINARY_OPERATIONS_A_WORD = 64
"""Binary multiply-accumulates that count as one operation (Liu et al., ECCV 2018)."""
_REAL_BITS = 32


@dataclass(frozen=True)
class Layer:
    """A layer with weights.

    Attributes:
        name: as folding files and reports name it.
        op: the kind, e.g. "Conv 3x3 /2".
        shape: of its result, without the batch.
        weights: "binary" (+-alpha with one alpha per output channel), "real", or such as "int8":
            integers times a scale per output channel.
        input: "binary", "integer" (the image, scaled), "real", or the type that the model rounds
            to, such as "int8".
        macs: multiply-accumulates per frame; taps that fall on padding count.
        parameters: number of weights; biases and scales are left out.
        weight_bits: bits that all its weights take: 1 each where binary, 32 where real.
        bits: what the bits of a binary input mean: "bipolar" for {-1, +1}, "unipolar" for {0, 1},
            each times a scale; empty for other inputs.
    """

    name: str
    op: str
    shape: tuple[int, ...]
    weights: str
    input: str
    macs: int
    parameters: int
    weight_bits: int
    bits: str = ""

    @property
    def is_binary(self) -> bool:
        """Whether its multiply-accumulates are binary: weights and input are."""
        return self.weights == "binary" and self.input == "binary"

    @property
    def planes(self) -> int:
        """Binary multiply-accumulates of each of ``macs``: one per bit of few; 0 where real."""
        if self.weights != "binary":
            return 0
        few = re.fullmatch(r"u?int(\d+)", self.input)
        bits = 1 if self.input == "binary" else int(few[1]) if few else FEW_BITS + 1
        return bits if bits <= FEW_BITS else 0


@dataclass(frozen=True, repr=False)
class Inspection:
    """What could be read of a model.

    Attributes:
        graph: its real-valued graph; where it is unsupported, the part before the refused node.
        layers: the layers with weights, in order.
        problem: why the rest could not be read, or why what was read cannot become hardware; None
            where it can.
        undeclared: what the user has yet to declare for a compile; None where nothing. ``problem``
            is then what no declaration mends.
    """

    graph: Graph
    layers: tuple[Layer, ...]
    problem: ModelError | None = None
    undeclared: ModelError | None = None

    @cached_property
    def streams(self) -> tuple[Width, ...]:
        """What ``precision`` may name, with the width of each; empty for what is not complete."""
        return widths(self.graph) if self.complete else ()

    @cached_property
    def loops(self) -> tuple[PossibleLoop, ...]:
        """Runs of equal blocks that may become loops; takes as long as the passes of a compile."""
        from bnnhw.report.possible_loops import possible_loops  # planning: a look goes without

        return possible_loops(self.graph) if self.complete else ()

    def __repr__(self) -> str:
        binary = sum(layer.is_binary for layer in self.layers)
        error = self.problem or self.undeclared
        refused = "" if error is None else f", refused: {error.where or error.what}"
        return f"Inspection({self.graph.name}: {len(self.layers)} layers, {binary} binary{refused})"

    @property
    def complete(self) -> bool:
        """Whether the whole model was read and can become hardware."""
        return self.problem is None and self.undeclared is None

    @property
    def macs(self) -> int:
        """Multiply-accumulates per frame."""
        return sum(layer.macs for layer in self.layers)

    @property
    def bops(self) -> int:
        """Binary multiply-accumulates per frame; of inputs of a few bits, one for each bit."""
        return sum(layer.macs * layer.planes for layer in self.layers)

    @property
    def flops(self) -> int:
        """Multiply-accumulates per frame of which a factor is not binary."""
        return sum(layer.macs for layer in self.layers if not layer.planes)

    @property
    def ops(self) -> float:
        """BOPs/64 + FLOPs, as the Bi-Real Net paper counts operations."""
        return self.bops / BINARY_OPERATIONS_A_WORD + self.flops

    @property
    def others(self) -> dict[str, int]:
        """Number of the other operations, by kind."""
        kinds = Counter(
            "Sign" if isinstance(node.op, Binarize) else node.op.called
            for node in self.graph.nodes
            if not isinstance(node.op, (Conv, Dense, Flatten))
        )
        return dict(sorted(kinds.items()))

    def to_json(self) -> dict[str, Any]:
        """The inspection as JSON holds it."""
        real = [layer for layer in self.layers if layer.weights != "binary"]
        binary = [layer for layer in self.layers if layer.weights == "binary"]
        form = self.graph.input_format
        return {
            "network": self.graph.name,
            "input": {"name": form.name, "shape": list(form.shape), "dtype": form.dtype,
                      "element": str(form.element)},
            "layers": [{**vars(layer), "shape": list(layer.shape)} for layer in self.layers],
            "others": self.others,
            "totals": {
                "binary_layers": sum(layer.is_binary for layer in self.layers),
                "bops": self.bops,
                "flops": self.flops,
                "ops": self.ops,
                "ops_if_all_were_real": self.macs,
                "binary_weights": sum(layer.parameters for layer in binary),
                "real_weights": sum(layer.parameters for layer in real),
                "weight_bits": sum(layer.weight_bits for layer in self.layers),
            },
            "notes": list(self.graph.notes),
            "undeclared": _error_json(self.undeclared),
            "unsupported": _error_json(self.problem),
        }  # fmt: skip


def inspect_model(path: Path, options: LoadOptions | None = None) -> Inspection:
    """Reads as much of the model in ``path`` as is supported, and tries to lower it to integers.

    Raises:
        ModelError: the file is no ONNX model with one input and one output.
    """
    graph, problem = import_partly(read_model(path), options or LoadOptions())
    undeclared = isinstance(problem, UndeclaredInputError)
    if problem is None:
        problem = _lowering_problem(graph)
    if undeclared:
        further = _whatever_the_input(path, options or LoadOptions())
    kinds, bits = _kinds(graph), _bit_values(graph)
    layers = tuple(
        _layer(graph, node, kinds[node.inputs[0]], bits.get(node.inputs[0]))
        for node in graph.nodes
        if isinstance(node.op, (Conv, Dense))
    )
    if undeclared:
        return Inspection(graph, layers, further, problem)
    return Inspection(graph, layers, problem)


def _lowering_problem(graph: Graph) -> ModelError | None:
    """Why a graph cannot become integers; ranges of streams take no time unless one is at fault."""
    try:
        run_passes(graph, rough=True)
    except ModelError:
        try:
            run_passes(graph)
        except ModelError as error:
            return error
    return None


_DECLARATIONS = (
    {"input_type": "uint8", "input_scale": 1 / 255},
    {"input_type": "int8", "input_scale": 1 / 128},
    {"input_type": "bipolar"},
)
"""What undeclared inputs hold, most often."""


def _whatever_the_input(path: Path, options: LoadOptions) -> ModelError | None:
    """Why a model of an undeclared input cannot become hardware, whatever is declared; or None."""
    found: list[ModelError] = []
    for declared in _DECLARATIONS:
        try:
            problem = _lowering_problem(load(path, replace(options, **declared)))
        except ModelError as error:
            problem = error
        if problem:
            found.append(problem)
        if not found or (found[-1].where, found[-1].what) != (found[0].where, found[0].what):
            return None
    return found[0] if len(found) == len(_DECLARATIONS) else None


_REAL = (Add, AveragePool, ChannelSum, Conv, Dense, Piecewise, Product, Round, Select, Smooth)


def _kinds(graph: Graph) -> dict[str, str]:
    """By tensor: what ``Layer.input`` may say."""
    source = graph.tensors[graph.input].dtype
    of_input = {Bit: "binary", Integer: "integer"}.get(type(source), "real")
    kinds = {graph.input: of_input}
    for node in graph.nodes:
        kind = kinds[node.inputs[0]]
        op = node.op
        if isinstance(op, Binarize):
            kind = "binary"
        elif isinstance(op, Quantise):
            kind = str(replace(op.dtype, frac=0))
        elif isinstance(op, Affine):
            kind = kind if op.uniform or kind == "integer" else "real"
        elif isinstance(op, _REAL):
            kind = "real"
        elif isinstance(op, Concat):
            parts = {kinds[name] for name in node.inputs}
            kind = kind if len(parts) == 1 else "real"
        elif not isinstance(op, (Lookup, MaxPool, Pad, Flatten)):
            raise ModelError(f"what {type(op).__name__} makes of a stream is unknown", fix=REPORT)
        kinds[node.output] = kind
    return kinds


def _bit_values(graph: Graph) -> dict[str, tuple[Fraction, Fraction]]:
    """By tensor of bits: the numbers that bit 0 and bit 1 stand for."""
    source = graph.tensors[graph.input].dtype
    found: dict[str, tuple[Fraction, Fraction]] = {}
    if isinstance(source, Bit):
        found[graph.input] = Fraction(source.low), Fraction(1)
    for node in graph.nodes:
        op, before = node.op, found.get(node.inputs[0])
        if isinstance(op, Binarize):
            found[node.output] = Fraction(op.low), Fraction(op.high)
        elif before is not None and isinstance(op, Affine) and op.uniform:
            low, high = (v * op.scale.flat[0] + op.shift.flat[0] for v in before)
            found[node.output] = low, high
        elif before is not None and isinstance(op, (Concat, Flatten, MaxPool, Pad)):
            found[node.output] = before
    return found


def _layer(graph: Graph, node: Node, kind: str, values: tuple[Fraction, Fraction] | None) -> Layer:
    op = node.op
    assert isinstance(op, (Conv, Dense))
    shape = graph.tensors[node.output].shape
    binary, count = op.is_binary, op.weight.size
    bits = 1 if binary else integer_bits(op.weight, WEIGHT_BITS)
    name = "Dense"
    if isinstance(op, Conv):
        size, stride = op.window.kernel, op.window.stride
        name = f"Conv {size[0]}x{size[1]}"
        if stride != (1, 1):
            name += f" /{stride[0]}" if stride[0] == stride[1] else f" /{stride[0]}x{stride[1]}"
        if op.groups > 1:
            whole = op.groups == graph.tensors[node.inputs[0]].shape[0]
            name += " depthwise" if whole else f", {op.groups} groups"
    return Layer(
        name=node.name,
        op=name,
        shape=shape,
        weights="binary" if binary else f"int{bits}" if bits else "real",
        input=kind,
        macs=count * int(np.prod(shape[1:])),
        parameters=count,
        weight_bits=count * (bits or _REAL_BITS),
        bits=("unipolar" if values[0] == 0 else "bipolar") if kind == "binary" and values else "",
    )


def _error_json(error: ModelError | None) -> dict[str, str | None] | None:
    return None if error is None else {k: getattr(error, k) for k in ("where", "what", "fix")}
