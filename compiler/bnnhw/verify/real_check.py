"""The real graph against the model in onnxruntime, tensor by tensor, branches included.

Signs make float32 rounding visible, and so does rounding to steps: behind each, the model's own
values take the place of the graph's, after every difference was explained by a bound on float32
rounding (see ``near_ties``). The bounds of real-valued tensors follow from the same analysis, and
these are compared as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import VerificationError
from bnnhw.interpret.real import affine_arrays, execute_real_node
from bnnhw.ir.ops import (
    Add,
    Affine,
    AveragePool,
    Binarize,
    Concat,
    Conv,
    Dense,
    MaxPool,
    Product,
    Quantise,
    Select,
)
from bnnhw.ir.product_ops import laid_over
from bnnhw.passes.rewrite import Links
from bnnhw.verify.near_ties import (
    error_bound,
    error_of_sums,
    is_aligned,
    magnitude,
    model_values,
    select_error,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bnnhw.frontend import Imported
    from bnnhw.frontend.precision import Precision
    from bnnhw.ir.graph import Node
    from bnnhw.ir.ops import Floats, Ints
    from bnnhw.verify.session import Tracer

_COMPARED = (Add, AveragePool, Concat, MaxPool, Product, Quantise, Select)
_DEFECT = "nothing was written; this is a defect of the compiler: report it with the model"


@dataclass
class RealCheck:
    """What was compared.

    Attributes:
        signs: number of tensors of signs.
        tensors: number of real-valued tensors.
        ties: signs, and roundings to steps, that float32 decides otherwise than exact arithmetic.
        largest: largest margin of these, relative to its bound.
    """

    signs: int = 0
    tensors: int = 0
    ties: int = 0
    largest: float = 0.0


def check_real(
    imported: Imported, trace: Tracer, inputs: tuple[NDArray[np.generic], Ints]
) -> RealCheck:
    """Compares ``imported.graph`` with the model for ``inputs`` (the model's, and integers).

    Raises:
        VerificationError: names the first node that differs by more than float32 rounding.
    """
    graph = imported.graph
    links = Links(graph)
    signs = {n.output: place for n in graph.nodes if (place := _place_of(imported, links, n))}
    held = dict.fromkeys(place.tensor for place in signs.values())
    reals = [n.output for n in graph.nodes if _is_compared(imported, n) and n.output not in held]
    result = RealCheck(len(held), len(reals))
    names = [*held, *reals]
    for first in range(len(inputs[1])):
        q = inputs[1][first : first + 1]
        traced = trace(names, inputs[0][first : first + 1]) if names else []
        model = {n: model_values(imported, n, v) for n, v in zip(names, traced, strict=True)}
        _Walk(imported, result, signs, model, trace.precision).run(q)
    return result


@dataclass(frozen=True)
class _Place:
    """Where the model holds a sign's bits.

    Attributes:
        tensor: of the model: the bits, or these times a scale.
        scaled: the affine operation that scales them.
        channels: that are this sign's, where signs are concatenated.
    """

    tensor: str
    scaled: Node | None
    channels: slice = field(default_factory=lambda: slice(None))


def _place_of(imported: Imported, links: Links, node: Node) -> _Place | None:
    """Where the model holds the bits of a node that is a sign; None where it does not."""
    if not isinstance(node.op, Binarize):
        return None
    found, channels = node, slice(None)
    while not is_aligned(imported, found.output):
        after = links.after(found)
        if after is None:
            return None
        if isinstance(after.op, Affine):
            aligned = is_aligned(imported, after.output)
            return _Place(after.output, after, channels) if aligned else None
        if not isinstance(after.op, Concat) or channels != slice(None):
            return None
        sizes = [imported.graph.tensors[name].shape[0] for name in after.inputs]
        before = sum(sizes[: after.inputs.index(found.output)])
        channels = slice(before, before + imported.graph.tensors[found.output].shape[0])
        found = after
    return _Place(found.output, None, channels)


def _is_compared(imported: Imported, node: Node) -> bool:
    wanted = isinstance(node.op, _COMPARED) or node.output == imported.graph.output
    return wanted and is_aligned(imported, node.output)


def _is_bias(layer: Node, after: Node) -> bool:
    """Whether an affine operation is the bias that a layer of the model has itself."""
    pair = isinstance(layer.op, (Conv, Dense)) and isinstance(after.op, Affine)
    return pair and (layer.output, layer.source) == (after.inputs[0], after.source)


class _Walk:
    """One input through the real graph, with the model's bits put in."""

    def __init__(
        self,
        imported: Imported,
        result: RealCheck,
        signs: dict[str, _Place],
        model: dict[str, Floats],
        precision: Precision,
    ) -> None:
        self._imported, self._result, self._precision = imported, result, precision
        # A bias stands right behind its layer: sums begin with it.
        self._biased = {a.output for a, b in pairwise(imported.graph.nodes) if _is_bias(a, b)}
        self._sums: dict[str, Floats | float] = {}
        self._places, self._held = signs, {place.tensor for place in signs.values()}
        self._model = model

    def run(self, q: Ints) -> None:
        graph = self._imported.graph
        start = q.astype(np.float64)
        values = {graph.input: start}
        errors = {graph.input: np.zeros_like(start)}
        last_use = {name: i for i, node in enumerate(graph.nodes) for name in node.inputs}
        for i, node in enumerate(graph.nodes):
            x = [values[name] for name in node.inputs]
            e = [errors[name] for name in node.inputs]
            y, error = self._step(node, x, e)
            if isinstance(node.op, Binarize):
                y = self._signs(node, x[0], e[0], y)
            elif node.output in self._model and node.output not in self._held:
                self._reals(node, y, error)
                if isinstance(node.op, Quantise):
                    self._result.ties += int((self._model[node.output] != y).sum())
                if isinstance(node.op, (Quantise, Select)):
                    y, error = self._model[node.output], np.zeros_like(error)
            values[node.output], errors[node.output] = y, error
            for name in {*node.inputs}:
                if last_use[name] == i:
                    del values[name], errors[name]

    def _step(self, node: Node, x: list[Floats], e: list[Floats]) -> tuple[Floats, Floats]:
        tensors = self._imported.graph.tensors
        y = execute_real_node(node, x, tensors)
        if isinstance(node.op, Add):
            error = e[0] + e[1] + self._precision.unit * (np.abs(y) + e[0] + e[1])
            return y, self._precision.stored(y, error)
        if isinstance(node.op, Product):
            factor, apart = (laid_over(v, y.ndim) for v in (x[1], e[1]))
            error = np.abs(x[0]) * apart + np.abs(factor) * e[0] + e[0] * apart
            error = error + self._precision.unit * (np.abs(y) + error)
            return y, self._precision.stored(y, error)
        if isinstance(node.op, Concat):
            return y, np.concatenate(e, axis=1)
        if isinstance(node.op, Select):
            return y, select_error(node.op, x, e, self._precision)
        rounding = self._imported.rounding.get(node.name)
        tensor = tensors[node.inputs[0]]
        bound = error_bound(node.op, x[0], e[0], tensor, rounding, self._precision)
        if isinstance(node.op, (Conv, Dense)):
            if self._imported.deviation:
                bound = bound + self._imported.deviation * magnitude(node.op, x[0])
            if node.output in self._biased:
                self._sums[node.output] = error_of_sums(node.op, x[0], self._precision)
        elif isinstance(node.op, Affine):
            scale, sums = affine_arrays(node.op, y.ndim - 1)[0], self._sums.pop(node.inputs[0], 0.0)
            bound = bound + np.abs(scale) * sums
        return y, bound

    def _signs(self, node: Node, margin: Floats, bound: Floats, mine: Floats) -> Floats:
        """The model's bits, after the differences are explained."""
        place, op = self._places.get(node.output), node.op
        assert isinstance(op, Binarize)
        if place is None:
            return mine
        whole = self._model[place.tensor]
        low, high = np.full_like(whole, op.low), np.full_like(whole, op.high)
        if place.scaled is not None:
            tensors = self._imported.graph.tensors
            low, high = (execute_real_node(place.scaled, [v], tensors) for v in (low, high))
        model, low, high = (values[:, place.channels] for values in (whole, low, high))
        bits = np.abs(model - high) < np.abs(model - low)
        differ = bits != (mine == op.high)
        outside = differ & (np.abs(margin) > bound)
        self._refuse(node, outside, "signs differ from the model's")
        if differ.any():
            self._result.ties += int(differ.sum())
            share = np.abs(margin[differ]) / np.maximum(bound[differ], 1e-300)
            self._result.largest = max(self._result.largest, float(share.max()))
        return np.where(bits, op.high, op.low)

    def _reals(self, node: Node, y: Floats, error: Floats) -> None:
        model = self._model[node.output]
        wrong = np.abs(model - y) > error + 2 * self._precision.unit * np.abs(y) + 1e-30
        self._refuse(node, wrong, "values differ from the model's by more than float32 rounding")

    def _refuse(self, node: Node, wrong: NDArray[np.bool_], what: str) -> None:
        if wrong.any():
            channel = int(np.argwhere(wrong)[0][1])
            raise VerificationError(
                f"{int(wrong.sum())} of {wrong.size} {what}, first in channel {channel}",
                where=node.where,
                fix=_DEFECT,
            )
