"""Whether the kernels work on this machine: a small network by them and by numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bnnhw.interpret.fast.cores import one_after_the_other
from bnnhw.interpret.fast.plan import Plan
from bnnhw.interpret.plain import interpret_plain
from bnnhw.ir.graph import Graph, InputFormat, Node, OutputMap
from bnnhw.ir.ops import (
    BinaryConv,
    FixedAdd,
    FixedAffine,
    IntegerConv,
    IntegerMaxPool,
    Tensor,
    Threshold,
    Window,
)
from bnnhw.ir.types import Integer

if TYPE_CHECKING:
    from types import ModuleType

    from bnnhw.ir.ops import Ints, Op

_CHANNELS = 70
_STREAM = Integer(9, signed=True)


def agrees(kernels: ModuleType) -> bool:
    """Whether every tensor of the network is the same; compiles the kernels where need be."""
    rng = np.random.default_rng(0)
    graph = _network(rng)
    x = rng.integers(0, 256, (2, *graph.tensors[graph.input].shape))
    want = interpret_plain(graph, x, lambda name: True)
    scores = Plan(graph, lambda name: False, kernels).run(x, one_after_the_other)
    every = Plan(graph, lambda name: True, kernels).run(x, one_after_the_other)
    same = all(np.array_equal(want[name], every[name]) for name in want)
    return same and np.array_equal(want[graph.output], scores[graph.output])


def _network(rng: np.random.Generator) -> Graph:
    """Both layers, a pool, a shortcut, one to three segments, thresholds, 70 channels."""
    same, pads = Window((3, 3), (1, 1), (1, 1, 1, 1)), Window((3, 2), (2, 1), (0, 1, 1, 0))
    weight = rng.integers(-128, 128, (_CHANNELS, 3, 3, 3))
    signs = rng.choice(np.array([-1, 1], np.int8), (_CHANNELS, _CHANNELS, 3, 3))
    knees = np.sort(rng.integers(-9, 9, (2, _CHANNELS)), axis=0)
    chain = [
        ("sums", IntegerConv(weight, same, 8, rng.integers(-99, 99, (1, 1, _CHANNELS))), "x"),
        ("stream", _affine(rng, 1 << 9, 16), "sums"),
        ("bits", _threshold(rng), "stream"),
        ("counts", BinaryConv(signs, same), "bits"),
        ("scaled", _affine(rng, 1 << 9, 10, knees[0]), "counts"),
        ("joined", FixedAdd(_STREAM), "scaled stream"),
        ("again", _threshold(rng), "joined"),
        ("pooled", IntegerMaxPool(pads), "joined"),
        ("last", BinaryConv(signs[..., :2], pads), "again"),
        ("small", _affine(rng, 1 << 9, 10, knees), "last"),
        ("scores", FixedAdd(_STREAM), "small pooled"),
    ]
    nodes = tuple(Node(name, op, tuple(reads.split()), name) for name, op, reads in chain)
    tensors = {"x": Tensor((3, 5, 6), Integer(8, signed=False))}
    for node in nodes:
        tensors[node.output] = node.op.infer(*(tensors[name] for name in node.inputs))
    ones = np.ones(1)
    return Graph(
        name="check",
        input="x",
        output="scores",
        nodes=nodes,
        tensors=tensors,
        input_format=InputFormat("x", (3, 5, 6), "uint8"),
        output_map=OutputMap("scores", tensors["scores"].shape, ones, ones),
    )


def _affine(rng: np.random.Generator, gain: int, shift: int, knee: Ints | None = None) -> Op:
    segments = (1 + (0 if knee is None else knee.size // _CHANNELS), _CHANNELS)
    multiplier = rng.integers(-gain, gain, segments)
    offset = rng.integers(-gain, gain, segments) << (shift - 4)
    return FixedAffine(
        multiplier, offset, shift, _STREAM, np.zeros(0, np.int64) if knee is None else knee
    )


def _threshold(rng: np.random.Generator) -> Op:
    invert = rng.random(_CHANNELS) < 0.5
    return Threshold(rng.integers(-99, 99, (1, 1, _CHANNELS)), invert=invert)
