"""Which nodes of a graph the kernels execute together, and in which order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.interpret.fast.heads import Head, identity_head, layer_head, pool_head
from bnnhw.interpret.fast.stage import BitPoolStage, KernelStage, PlainStage
from bnnhw.interpret.fast.tail import affine_fits, build_tail
from bnnhw.interpret.fast.values import Values, fits, image_shape
from bnnhw.ir.ops import (
    BinaryConv,
    BinaryDense,
    BitMaxPool,
    FixedAdd,
    FixedAffine,
    Flatten,
    IntegerConv,
    IntegerDense,
    IntegerMaxPool,
    SumPool,
    Threshold,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from bnnhw.interpret.fast.cores import Spread
    from bnnhw.interpret.fast.stage import Stage
    from bnnhw.ir.graph import Graph, Node
    from bnnhw.ir.op_base import Ints, Tensor

_DENSE = (BinaryDense, IntegerDense)
_LAYERS = (BinaryConv, IntegerConv, *_DENSE)
_POOLS = (IntegerMaxPool, SumPool)
_TAIL = (FixedAffine, FixedAdd, Threshold)


@dataclass(frozen=True)
class _Chain:
    """A head, maybe, and the element-wise nodes that follow it on the same pixel.

    Attributes:
        head: layer or pool; None where the chain begins with an element-wise node.
        source: tensor that it reads.
        affine: node, if any.
        add: node, if any.
        threshold: node, if any.
        numbers: the tensor before the threshold, where anything else reads it; else "".
    """

    head: Node | None
    source: str
    affine: Node | None
    add: Node | None
    threshold: Node | None
    numbers: str


class Plan:
    """A graph as stages; ``keep`` names the tensors that are wanted beside the output.

    Args:
        graph: the graph.
        keep: see above.
        kernels: the module of kernels.
    """

    def __init__(self, graph: Graph, keep: Callable[[str], bool], kernels: ModuleType) -> None:
        self._tensors = graph.tensors
        self._input = graph.input
        self.output = graph.output
        self.largest = max(math.prod(tensor.shape) for tensor in graph.tensors.values())
        self._nodes = graph.nodes
        self._kernels = kernels
        self._kept = {name for name in graph.tensors if keep(name)} | {graph.output}
        self._readers: dict[str, list[Node]] = {name: [] for name in graph.tensors}
        for node in graph.nodes:
            for name in node.inputs:
                self._readers[name].append(node)
        self._image_of: dict[str, str] = {}
        self._claimed: set[str] = set()
        self._stages = [stage for _, stage in sorted(self._build(), key=lambda found: found[0])]

    def run(self, x: Ints, spread: Spread) -> dict[str, Ints]:
        """The values of the output and of kept tensors, for inputs [N, ...]."""
        values = Values(self._tensors)
        values.set_plain(self._input, x)
        for stage, done in zip(self._stages, self._done_after, strict=True):
            stage.run(values, spread)
            for name in done:
                values.drop(name)
        return {name: self._result(values, name) for name in self._kept}

    @cached_property
    def cost(self) -> float:
        """About how many nanoseconds per sample takes the kernels."""
        return sum(stage.cost for stage in self._stages if isinstance(stage, KernelStage))

    @cached_property
    def _done_after(self) -> list[list[str]]:
        """Tensors that nothing needs after each stage."""
        kept = {self._image_of.get(name, name) for name in self._kept}
        last = {name: i for i, stage in enumerate(self._stages) for name in stage.reads}
        done: list[list[str]] = [[] for _ in self._stages]
        for name, i in last.items():
            if name not in kept:
                done[i].append(name)
        return done

    def _result(self, values: Values, name: str) -> Ints:
        shape = self._tensors[name].shape
        plain = values.plain(self._image_of.get(name, name))
        return np.ascontiguousarray(plain.reshape(len(plain), *shape), np.int64)

    def _build(self) -> Iterator[tuple[int, Stage]]:
        """Stages, each with the place among the nodes at which all that it reads is there."""
        place = {node.output: i for i, node in enumerate(self._nodes)}
        for i, node in enumerate(self._nodes):
            if node.output in self._claimed:
                continue
            if isinstance(node.op, Flatten) and self._stays_an_image(node):
                self._image_of[node.output] = self._image(node.inputs[0])
            elif not self._exact(node):
                reads = tuple(map(self._image, node.inputs))
                yield i, PlainStage(node, reads, tuple(self._tensors[n] for n in node.inputs))
            elif isinstance(node.op, BitMaxPool):
                source = self._image(node.inputs[0])
                yield i, BitPoolStage(source, node.output, node.op.window, node.op.minimum)
            else:
                chain = self._chain(node)
                yield place[chain.add.output] if chain.add else i, self._stage(chain)

    def _image(self, name: str) -> str:
        """The image that a flattened tensor is read as; else the tensor itself."""
        return self._image_of.get(name, name)

    def _stays_an_image(self, node: Node) -> bool:
        """Whether no kernel needs the order of the flattened tensor: that of a layer does not."""
        _, height, width = image_shape(self._tensors[node.inputs[0]])
        readers = self._readers[node.output]
        return height * width == 1 or all(
            isinstance(n.op, _DENSE) and self._exact(n) for n in readers
        )

    def _exact(self, node: Node) -> bool:
        """Whether the kernels' numbers hold all that the node computes."""
        tensors = [self._tensors[name] for name in (*node.inputs, node.output)]
        if not isinstance(node.op, (BitMaxPool, *_LAYERS, *_POOLS, *_TAIL)):
            return False
        if isinstance(node.op, FixedAffine) and not affine_fits(node.op, tensors[0]):
            return False
        if isinstance(node.op, (BinaryConv, IntegerConv)) and node.op.groups > 1:
            return False
        return all(map(fits, tensors))

    def _chain(self, node: Node) -> _Chain:
        """The chain that begins with ``node``; its nodes are claimed."""
        head = None if isinstance(node.op, _TAIL) else node
        pending, current = (node, node.inputs[0]) if head is None else (None, node.output)
        taken: dict[type[Any], Node | None] = {}
        for kind in (FixedAffine, FixedAdd):
            step = pending if pending and isinstance(pending.op, kind) else None
            if pending is None:
                step = self._only_reader(current, kind)
            if step:
                pending, current = None, step.output
                self._claimed.add(step.output)
            taken[kind] = step
        threshold = pending or self._threshold(current)
        if threshold:
            self._claimed.add(threshold.output)
        others = [n for n in self._readers[current] if n is not threshold]
        stored = pending is None and bool(others or current in self._kept or not threshold)
        return _Chain(
            head=head,
            source=node.inputs[0],
            affine=taken[FixedAffine],
            add=taken[FixedAdd],
            threshold=threshold,
            numbers=current if stored else "",
        )

    def _only_reader(self, name: str, kind: type[Any]) -> Node | None:
        """The node of a kind that alone reads a tensor, and only once."""
        readers = self._readers[name]
        if len(readers) != 1 or name in self._kept or not isinstance(readers[0].op, kind):
            return None
        free = readers[0].output not in self._claimed and self._exact(readers[0])
        return readers[0] if free else None

    def _threshold(self, name: str) -> Node | None:
        """A threshold that reads a tensor."""
        found = (n for n in self._readers[name] if isinstance(n.op, Threshold))
        return next((n for n in found if n.output not in self._claimed and self._exact(n)), None)

    def _stage(self, chain: _Chain) -> KernelStage:
        source = self._image(chain.source)
        head = self._head(chain.head, self._tensors[source])
        before = chain.affine.output if chain.affine else ""
        before = before or (chain.head.output if chain.head else chain.source)
        other = ""
        if chain.add:
            other = chain.add.inputs[1 if chain.add.inputs[0] == before else 0]
        ops = [node.op if node else None for node in (chain.affine, chain.add, chain.threshold)]
        compared = self._tensors[chain.threshold.inputs[0]] if chain.threshold else None
        return KernelStage(
            kernel=head.kernel,
            fixed=head.fixed,
            geometry=head.geometry,
            tail=build_tail(self._kernels.Tail, ops, compared, head.size),
            source=source,
            from_bits=head.from_bits,
            padding=head.padding,
            other=self._image(other),
            numbers=chain.numbers,
            bits=chain.threshold.output if chain.threshold else "",
            size=head.size,
            cost=head.cost,
        )

    def _head(self, node: Node | None, tensor: Tensor) -> Head:
        if node is None:
            return identity_head(self._kernels, tensor)
        if isinstance(node.op, (IntegerMaxPool, SumPool)):
            return pool_head(self._kernels, node.op, tensor)
        assert isinstance(node.op, _LAYERS)
        return layer_head(self._kernels, node.op, tensor)
