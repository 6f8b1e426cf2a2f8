"""The graph: a list of named nodes in execution order, each with one output tensor."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import REPORT, ModelError
from bnnhw.ir.types import Bit, Integer, Real

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from numpy.typing import NDArray

    from bnnhw.ir.ops import Floats, Ints, Op, Tensor


@dataclass(frozen=True)
class Node:
    """One operation of the graph.

    Attributes:
        name: stable name, unique in the graph; what folding files and reports use.
        op: what it computes.
        inputs: names of the tensors it reads.
        output: name of the tensor it writes.
        source: the ONNX node or nodes it comes from, for messages.
    """

    name: str
    op: Op
    inputs: tuple[str, ...]
    output: str
    source: str = ""

    @property
    def where(self) -> str:
        """The node as error messages name it."""
        return f"node '{self.source or self.name}'"


@dataclass(frozen=True)
class InputFormat:
    """How the model's own input becomes the graph's integer input.

    Attributes:
        name: name of the ONNX input.
        shape: its shape without the batch, in the model's own order.
        dtype: numpy name of its element type, e.g. "float32" or "uint8".
        channels_last: whether the model's order is (H, W, C), or (L, C).
        element: integer or bit type of the graph's input; Real while undecided.
        scale: model value = integer * scale + offset; one for all, or one per channel.
        offset: see ``scale``.
        rounds: whether the model itself quantises its input, so that ``encode`` rounds (half to
            even) and saturates as that quantiser does instead of refusing values in between. To a
            bit, it compares with the point half way between.
        ties_high: where it rounds to a bit, whether that point itself is bit 1.
        falls: where it rounds to a bit, whether values below that point are bit 1.
        point: where it is a sign of the input that the model takes itself, the value that inputs
            are compared with, in place of the point half way; else None.
        tie: what the model does there: "decided", it compares inputs with the point itself;
            "sign_zero", it gives 0, and the option --sign-zero is asked; "rounded", its own
            arithmetic before the sign rounds, so that inputs next to the point may turn.
        grid: shape of the graph's input where it is not the model's own, channels first: of a
            signal (C, L) it is (C, 1, L), of a vector that the model reshapes (784,) (1, 28, 28).
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    channels_last: bool = False
    element: Integer | Bit | Real = field(default_factory=Real)
    scale: float | tuple[float, ...] = 1.0
    offset: float | tuple[float, ...] = 0.0
    rounds: bool = False
    ties_high: bool = False
    falls: bool = False
    point: float | None = None
    tie: str = "decided"
    grid: tuple[int, ...] = ()

    def encode(self, x: NDArray[np.generic]) -> Ints:
        """Integers [N, C, H, W] or [N, C] of model inputs [N, *shape].

        Raises:
            ModelError: the shape is another, or a value is not one the declared type can hold.
        """
        if x.ndim != len(self.shape) + 1 or tuple(x.shape[1:]) != tuple(self.shape):
            raise ModelError(
                f"the input has shape {tuple(x.shape)}, the model takes (N, "
                f"{', '.join(map(str, self.shape))})",
                where=f"input '{self.name}'",
                fix="give an array or images of the model's own input shape",
            )
        if isinstance(self.element, Real):
            raise ModelError(
                "the integer type of the input is not decided yet",
                fix="declare it with --input-type",
            )
        exact = (x.astype(np.float64) - self._spread(self.offset)) / self._spread(self.scale)
        q = np.rint(exact)
        low, high = self.element.low, self.element.high
        if self.rounds and isinstance(self.element, Bit):
            value, middle = exact, (low + high) / 2
            if self.point is not None:  # a difference would be rounded
                value, middle = x.astype(np.float64), self.point
            if self.falls:
                value, middle = -value, -middle
            one = value >= middle if self.ties_high else value > middle
            exact = q = np.where(one, high, low).astype(np.float64)
        elif self.rounds:
            exact = q = np.clip(q, low, high)
        step_error = np.abs(exact - q).max(initial=0)
        fits = bool(np.all((q >= low) & (q <= high)))
        if isinstance(self.element, Bit):
            fits = bool(np.all((q == low) | (q == high)))
        if step_error > self._tolerance(x) or not fits:
            raise ModelError(
                f"the input holds values that are no {self.element} x {_listed(self.scale)}"
                f"{f' + {_listed(self.offset)}' if self.offset else ''}",
                where=f"input '{self.name}'",
                fix="give raw pixels as an array of uint8, or declare another --input-scale"
                if self.element == Integer(8, False) and np.dtype(self.dtype).kind == "f"
                else "quantise the input first, or declare another --input-type/--input-scale",
            )
        integers = q.astype(np.int64)
        if self.channels_last:
            integers = np.moveaxis(integers, -1, 1)
        if self.grid:
            integers = integers.reshape(len(integers), *self.grid)
        return np.ascontiguousarray(integers)

    def from_pixels(self, x: NDArray[np.generic]) -> NDArray[np.generic]:
        """Model inputs [N, *shape] of raw pixels of the same shape; other arrays as they are.

        An array of uint8 is raw pixels where the graph's input is uint8 and the model takes floats.
        """
        pixels = isinstance(self.element, Integer) and self.element == Integer(8, False)
        if x.dtype != np.uint8 or not pixels or np.dtype(self.dtype).kind != "f":
            return x
        values = x.astype(np.float64) * self._spread(self.scale) + self._spread(self.offset)
        return np.asarray(values.astype(self.dtype))

    def decode(self, q: Ints) -> NDArray[np.generic]:
        """The model inputs [N, *shape] that ``encode`` maps to the integers ``q``."""
        first = (self.shape[-1], *self.shape[:-1]) if self.channels_last else self.shape
        if self.grid:
            q = q.reshape(len(q), *first)
        if self.channels_last:
            q = np.moveaxis(q, 1, -1)
        if self.falls and not isinstance(self.element, Real):
            q = self.element.low + self.element.high - q
        values = q * self._spread(self.scale) + self._spread(self.offset)
        return np.ascontiguousarray(values.astype(self.dtype))

    def _tolerance(self, x: NDArray[np.generic]) -> float:
        """How far from integers inputs may be, in steps: what storing them has rounded."""
        if self.dtype != "float16":
            return 1e-3
        largest = float(np.abs(x.astype(np.float64)).max(initial=0))
        finest = float(np.abs(np.asarray(self.scale)).min())
        return min(0.4, 1e-3 + 2.0**-11 * largest / finest)

    def _spread(self, values: float | tuple[float, ...]) -> Floats:
        """Numbers per channel, or one for all, so that they broadcast over model inputs."""
        array = np.asarray(values, np.float64)
        if self.channels_last or array.ndim == 0:
            return array
        return array.reshape(-1, *(1,) * (len(self.shape) - 1))


def _listed(values: float | tuple[float, ...]) -> str:
    return ", ".join(f"{v:g}" for v in (values if isinstance(values, tuple) else (values,)))


@dataclass(frozen=True, eq=False)
class OutputMap:
    """How integer scores become the model's outputs: scale * score + bias, per class.

    Attributes:
        name: name of the ONNX output.
        shape: its shape without the batch, e.g. (10,) or (10, 1, 1).
        scale: [classes] or [1].
        bias: [classes] or [1].
    """

    name: str
    shape: tuple[int, ...]
    scale: Floats
    bias: Floats

    def apply(self, scores: Ints) -> Floats:
        """Model outputs [N, *shape] of integer scores [N, classes, ...]."""
        extra = (1,) * (scores.ndim - 2)
        y = scores * self.scale.reshape(1, -1, *extra) + self.bias.reshape(1, -1, *extra)
        return np.asarray(y.reshape(len(scores), *self.shape), np.float64)


@dataclass(frozen=True, eq=False)
class Statistics:
    """What is known of a tensor's values before any image is seen: from BatchNorm.

    Attributes:
        mean: [C].
        std: [C].
    """

    mean: Floats
    std: Floats


@dataclass(frozen=True)
class Graph:
    """A network with one input and one output.

    Attributes:
        name: name of the network.
        input: name of the input tensor.
        output: name of the output tensor.
        nodes: in execution order.
        tensors: shape and type of every tensor.
        input_format: how the model's own input maps to the input tensor.
        output_map: how the output tensor maps to the model's own output.
        notes: what the user should know about the translation, one sentence each.
        statistics: by tensor, where a BatchNorm tells: its beta and |gamma|.
    """

    name: str
    input: str
    output: str
    nodes: tuple[Node, ...]
    tensors: Mapping[str, Tensor]
    input_format: InputFormat
    output_map: OutputMap
    notes: tuple[str, ...] = ()
    statistics: Mapping[str, Statistics] = field(default_factory=dict)

    def producer(self, tensor: str) -> Node | None:
        """The node that writes ``tensor``; None for the graph's input."""
        return next((n for n in self.nodes if n.output == tensor), None)

    def consumers(self, tensor: str) -> list[Node]:
        """The nodes that read ``tensor``."""
        return [n for n in self.nodes if tensor in n.inputs]

    def with_nodes(self, nodes: Iterable[Node], **changes: object) -> Graph:
        """The graph with other nodes, its tensors inferred anew; other fields as given."""
        graph = replace(self, nodes=tuple(nodes), **changes)  # type: ignore[arg-type]
        return replace(graph, tensors=infer_tensors(graph, self.tensors[self.input], self))


def infer_tensors(
    graph: Graph, input_tensor: Tensor, before: Graph | None = None
) -> dict[str, Tensor]:
    """Shape and type of every tensor, from the input's; errors name the node.

    Args:
        graph: the graph; its own tensors are not read.
        input_tensor: of its input.
        before: a graph that shares nodes: what they write is taken from there, where they read
            what they read there. Passes change few nodes at a time.
    """
    tensors = {graph.input: input_tensor}
    old = before.tensors if before else {}
    shared = {id(node) for node in before.nodes} if before else set()
    changed = set() if old.get(graph.input) is input_tensor else {graph.input}
    for node in graph.nodes:
        known = id(node) in shared and node.output in old and changed.isdisjoint(node.inputs)
        if known and all(name in tensors for name in node.inputs):
            tensors[node.output] = old[node.output]
            continue
        changed.add(node.output)
        try:
            tensors[node.output] = node.op.infer(*(tensors[name] for name in node.inputs))
        except ModelError as error:
            where = error.where or node.where
            raise ModelError(error.what, where=where, fix=error.fix) from error
        except KeyError as error:
            what = f"reads tensor {error} before it is written"
            raise ModelError(what, where=node.where, fix=REPORT) from None
    return tensors


def verify(graph: Graph, legal: Collection[type[Op]]) -> None:
    """Checks names, order, shapes and that every operation is a ``legal`` one.

    Args:
        graph: the graph.
        legal: classes of operations.

    Raises:
        ModelError: names the first offending node.
    """
    names = [n.name for n in graph.nodes]
    outputs = [n.output for n in graph.nodes]
    if len(set(names)) != len(names) or len(set(outputs)) != len(outputs):
        raise ModelError(
            "two nodes share a name or an output", where=f"graph '{graph.name}'", fix=REPORT
        )
    inferred = infer_tensors(graph, graph.tensors[graph.input])
    for node in graph.nodes:
        have, want = graph.tensors[node.output], inferred[node.output]
        if have != want:
            raise ModelError(
                f"is recorded as {have}, inferred as {want}", where=node.where, fix=REPORT
            )
        if type(node.op) not in legal:
            raise ModelError(
                f"the operation {type(node.op).__name__} may not be there",
                where=node.where,
                fix=REPORT,
            )
    if graph.output not in inferred:
        raise ModelError("its output is never written", where=f"graph '{graph.name}'", fix=REPORT)
