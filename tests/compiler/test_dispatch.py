"""Every place that asks what an operation is knows all of them, and raises for a new one."""

from __future__ import annotations

from dataclasses import dataclass, is_dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest

from bnnhw.errors import ModelError
from bnnhw.frontend.growth import Growth
from bnnhw.hardware.stages.split import split_stages
from bnnhw.interpret.interpreter import execute, interpret_all
from bnnhw.interpret.real import execute_real_node
from bnnhw.ir import ops, real_ops
from bnnhw.ir.exact import exact, full
from bnnhw.ir.graph import Graph, InputFormat, Node, OutputMap, verify
from bnnhw.ir.ops import (
    FRONT_END,
    INTEGER,
    Add,
    Affine,
    AveragePool,
    Binarize,
    BinaryConv,
    BinaryDense,
    BitMaxPool,
    ChannelSum,
    Concat,
    Conv,
    Dense,
    Elementwise,
    FixedAdd,
    FixedAffine,
    FixedSelect,
    Flatten,
    IntegerConv,
    IntegerDense,
    IntegerMaxPool,
    IntegerTable,
    Lookup,
    MaxPool,
    Op,
    Pad,
    Product,
    Quantise,
    Round,
    Select,
    SumPool,
    Tensor,
    Threshold,
    Window,
    prelu,
    relu,
)
from bnnhw.ir.serialize import graph_to_bytes, read_graph
from bnnhw.ir.text import format_graph
from bnnhw.ir.types import Bit, Integer, Real
from bnnhw.passes.elementwise import monotone, repeated, rises
from bnnhw.passes.moments import follow
from bnnhw.passes.piecewise import compose
from bnnhw.passes.sign_predicates import predicate_of
from bnnhw.report.inspect import _kinds
from bnnhw.verify.near_ties import error_bound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INT8 = Integer(8, True)
IMAGE = Tensor((2, 4, 4), INT8)
VECTOR = Tensor((8,), INT8)
WINDOW, POOL = Window((2, 2)), Window((2, 2), (2, 2))
ONES = np.ones((3, 2, 2, 2), np.int64)

SAMPLES: dict[type[Op], tuple[Op, Tensor]] = {
    Add: (Add(), IMAGE),
    Affine: (Affine(exact(np.array([2.0, -1.0])), full(2, 1)), IMAGE),
    AveragePool: (AveragePool(POOL), IMAGE),
    Binarize: (Binarize(), IMAGE),
    ChannelSum: (ChannelSum(), IMAGE),
    Concat: (Concat(), IMAGE),
    Conv: (Conv(ONES.astype(float), WINDOW), IMAGE),
    Dense: (Dense(np.ones((3, 8))), VECTOR),
    Flatten: (Flatten(), IMAGE),
    Lookup: (Lookup(np.arange(256.0)), IMAGE),
    MaxPool: (MaxPool(POOL), IMAGE),
    Pad: (Pad("reflect", (1, 2, 0, 3)), IMAGE),
    ops.Piecewise: (prelu(exact(np.array([0.25, -1.0]))), IMAGE),
    Product: (Product(), Tensor((1, 4, 4), INT8)),
    Quantise: (Quantise(Integer(4, True)), IMAGE),
    Select: (Select(exact(np.array([2.5, -1.0])), below=True), IMAGE),
    ops.Smooth: (ops.Smooth("Tanh"), IMAGE),
    BinaryConv: (BinaryConv(ONES.astype(np.int8), WINDOW), IMAGE),
    BinaryDense: (BinaryDense(np.ones((3, 8), np.int8)), VECTOR),
    BitMaxPool: (BitMaxPool(POOL, np.array([True, False])), Tensor((2, 4, 4), Bit())),
    FixedAdd: (FixedAdd(Integer(9, True)), IMAGE),
    FixedAffine: (
        FixedAffine(np.full((1, 2), 3), np.full((1, 2), 1), 1, Integer(9, True)),
        IMAGE,
    ),
    FixedSelect: (
        FixedSelect(np.array([3, -2]), np.array([True, False]), (2, 1), Integer(9, True)),
        IMAGE,
    ),
    IntegerConv: (IntegerConv(ONES, WINDOW, 2, np.zeros((1, 1, 3), np.int64)), IMAGE),
    IntegerDense: (IntegerDense(np.ones((3, 8), np.int64), 2, np.zeros(3, np.int64)), VECTOR),
    IntegerMaxPool: (IntegerMaxPool(POOL), IMAGE),
    IntegerTable: (IntegerTable(np.arange(256) // 2, Integer(7, False)), IMAGE),
    SumPool: (SumPool(POOL), IMAGE),
    Threshold: (Threshold(np.zeros((1, 1, 2), np.int64)), IMAGE),
}


@dataclass(frozen=True)
class Unknown(Op):
    """What nobody has heard of."""

    level: ClassVar[str] = "real"

    def infer(self, *inputs: Tensor) -> Tensor:
        return Tensor(inputs[0].shape, Real())


def one_node(op: Op, tensor: Tensor) -> Graph:
    """A graph of one operation; the input twice where it takes two."""
    two = (Add, Concat, FixedAdd, FixedSelect, Product, Select)
    inputs = ("x", "x") if isinstance(op, two) else ("x",)
    form = InputFormat("x", tensor.shape, "float32", element=tensor.dtype)
    mapped = OutputMap("y", (1,), np.ones(1), np.zeros(1))
    tensors = {"x": tensor, "y": op.infer(*(tensor for _ in inputs))}
    return Graph("g", "x", "y", (Node("n", op, inputs, "y"),), tensors, form, mapped)


def numbers(tensor: Tensor) -> np.ndarray:
    high = tensor.dtype.high
    low = tensor.dtype.low if isinstance(tensor.dtype, Integer) else 2 * tensor.dtype.low
    return np.random.default_rng(1).choice([low // 2, high], (2, *tensor.shape)).astype(np.int64)


def test_the_samples_are_all_operations() -> None:
    known = {
        cls
        for module in (ops, real_ops)
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, Op) and is_dataclass(cls)
    }
    # Round is the front end's own: it leaves Quantise or Binarize in its place.
    assert set(SAMPLES) == FRONT_END | INTEGER == known - {Op, Elementwise, Round}


@pytest.mark.parametrize("kind", sorted(FRONT_END, key=lambda cls: cls.__name__))
def test_real_operations_are_known_to_all_that_ask(kind: type[Op]) -> None:
    op, tensor = SAMPLES[kind]
    graph = one_node(op, tensor)
    x = numbers(tensor).astype(float)
    (node,) = graph.nodes
    y = execute_real_node(node, [x for _ in node.inputs], graph.tensors)
    assert y.shape[1:] == graph.tensors["y"].shape
    found = follow(graph)["y"]
    by_channel = np.moveaxis(y, 1, 0).reshape(y.shape[1], -1)
    assert (found.low[:, None] <= by_channel).all()
    assert (by_channel <= found.high[:, None]).all()
    assert set(_kinds(graph)) == {"x", "y"}
    # Errors of what takes two are joined where they are walked over.
    if kind not in (Add, Concat, Product, Select):
        bound = error_bound(op, x, np.full_like(x, 1e-3), tensor, None)
        assert bound.shape == y.shape


@pytest.mark.parametrize("kind", sorted(INTEGER, key=lambda cls: cls.__name__))
def test_integer_operations_are_known_to_all_that_ask(kind: type[Op], tmp_path: Path) -> None:
    op, tensor = SAMPLES[kind]
    graph = one_node(op, tensor)
    x = numbers(tensor)
    y = execute(op, [x] * len(graph.nodes[0].inputs), [tensor] * len(graph.nodes[0].inputs))
    assert np.array_equal(y, interpret_all(graph, x)["y"])
    assert f"= {kind.__name__}[" in format_graph(graph)
    (tmp_path / "g.npz").write_bytes(graph_to_bytes(graph))
    again = read_graph(tmp_path / "g.npz")
    assert np.array_equal(interpret_all(again, x)["y"], y)


UNKNOWN: dict[str, Callable[[], object]] = {
    "execute": lambda: execute(Unknown(), [numbers(IMAGE)], [IMAGE]),
    "real": lambda: execute_real_node(
        one_node(Unknown(), IMAGE).nodes[0], [numbers(IMAGE) * 1.0], {"x": IMAGE}
    ),
    "moments": lambda: follow(one_node(Unknown(), IMAGE)),
    "rises": lambda: rises(Unknown()),
    "monotone": lambda: monotone(Unknown()),
    "repeated": lambda: repeated(Unknown(), 4),
    "compose": lambda: compose([relu(), Unknown()], 0),
    "predicate": lambda: predicate_of(Binarize(), [Unknown()], (0, 0, 0)),
    "inspect": lambda: _kinds(one_node(Unknown(), IMAGE)),
    "error bound": lambda: error_bound(
        Unknown(), numbers(IMAGE) * 1.0, numbers(IMAGE) * 0.0, IMAGE, None
    ),
    "stages": lambda: split_stages(one_node(Unknown(), IMAGE)),
    "growth": lambda: Growth().follow(Unknown(), ("x",), "y", "node"),
    "verify": lambda: verify(one_node(Unknown(), IMAGE), FRONT_END | INTEGER),
}


@pytest.mark.parametrize("place", UNKNOWN)
def test_an_unknown_operation_is_refused(place: str) -> None:
    with pytest.raises(ModelError):
        UNKNOWN[place]()
