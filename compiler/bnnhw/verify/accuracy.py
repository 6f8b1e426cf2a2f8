"""How near a network's integers come to its real values: classes, scores, signs and streams.

Every integer operation may be exact and the network useless all the same: rounding turns signs,
and a sign turned is an error of the whole range. So the integers are compared with the real-valued
graph as a whole, from the inputs on, and with what noise of 1 % of a standard deviation behind each
BatchNorm does to the real-valued graph itself: a network that stands no such noise has no accuracy
to keep, and one that loses more by its integers is rounded too coarsely. Where BatchNorms are
folded into the layers before them, the noise is on these layers' outputs, in standard deviations
as the inputs give them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.interpret.interpreter import execute
from bnnhw.interpret.real_walk import walk_real
from bnnhw.ir.ops import Binarize, Concat, FixedAdd, FixedAffine
from bnnhw.ir.types import Bit, Integer
from bnnhw.passes.moments import layers_without_batch_norm
from bnnhw.passes.rewrite import Links, sign_of, turns
from bnnhw.passes.sign_loss import stream_read
from bnnhw.passes.stream_values import real_name
from bnnhw.passes.widths import widths

if TYPE_CHECKING:
    from collections.abc import Callable

    from bnnhw.ir.graph import Graph
    from bnnhw.ir.ops import Floats, Ints

NOISE = 0.01
"""Standard deviations of the noise that the real-valued graph is compared with itself under."""
_LEAST_TURNED = 0.02
"""Fewer signs turned than this are no sign of a fault, whatever noise does."""
_FACTOR = 3.0
"""So many times as many signs turned as by noise are."""
_ERRORS = 3.0
"""Standard errors by which an agreement must be below that under noise."""
_SLACK = 0.03
_LOST = 0.015
_LOST_ERRORS = 2.3
"""Accuracy lost by more than this and by so many standard errors is no chance, or once in 100."""
_EARLY = 4.0
"""A sign turned so many times less than the worst is where turning begins."""
_LEAST_LOST = 0.05
"""Scores that correlate but for less than this are no sign of a fault."""
_LOST_FACTOR = 7.0
"""So many times as much correlation lost as by noise is one: few inputs tell it but roughly."""


@dataclass(frozen=True)
class StreamLoss:
    """What became of one tensor in integers.

    Attributes:
        name: of the tensor in the model.
        type: its integer type.
        least: the smallest real value.
        most: the largest real value.
        saturated: share of its numbers at an end of the type; None for signs.
        turned: share of its signs that are others in integers; None for numbers.
        bias: share of bits 1 in integers less that in real values; None for numbers.
        reads: of signs, the stream that they read, as --precision takes it; "" where it takes none.
    """

    name: str
    type: str
    least: float
    most: float
    saturated: float | None = None
    turned: float | None = None
    bias: float | None = None
    reads: str = ""


@dataclass(frozen=True)
class Accuracy:
    """Integers against float.

    Attributes:
        inputs: number of inputs of which classes were compared.
        labelled: number of these whose right class is known.
        synthetic: whether these were made, for want of real ones.
        float_top1: accuracy of the model in [0, 1]; None without labels.
        integer_top1: accuracy of the integers; None without labels.
        agreement: share of the inputs to which both give the same best class.
        largest_difference: of a score.
        correlation: of the scores, each less its mean over the inputs: what they say of an input;
            None for one input, or where float scores do not vary.
        compared: number of these inputs of which every tensor was compared.
        noise_agreement: share of ``compared`` whose class stays under noise.
        noise_correlation: of the scores under noise, as in ``correlation``.
        turned: mean share of the signs turned, over all tensors of signs; None without any.
        noise_turned: the same under noise.
        streams: each tensor that was compared, in the graph's order.
        calibrated: whether images gave the ranges of streams.
    """

    inputs: int
    synthetic: bool
    float_top1: float | None
    integer_top1: float | None
    agreement: float
    labelled: int = 0
    largest_difference: float = 0.0
    correlation: float | None = None
    compared: int = 0
    noise_agreement: float | None = None
    noise_correlation: float | None = None
    turned: float | None = None
    noise_turned: float | None = None
    streams: tuple[StreamLoss, ...] = field(default=())
    calibrated: bool = False

    @property
    def alarm(self) -> str:
        """Why the integers are not the network any more; empty where they are."""
        if self.integer_top1 is not None and self.float_top1 is not None:
            # Each input whose class differs may have become right or wrong.
            spread = float(np.sqrt((1 - self.agreement) / max(1, self.labelled or self.inputs)))
            if self.integer_top1 < self.float_top1 - max(_LOST, _LOST_ERRORS * spread):
                return (
                    f"integers are right for {self.integer_top1:.1%} of the inputs, the model in "
                    f"float for {self.float_top1:.1%}"
                )
        if self.noise_agreement is not None:
            spread = _standard_error(self.noise_agreement, min(self.inputs, self.compared))
            if self.agreement < self.noise_agreement - max(_SLACK, _ERRORS * spread):
                return (
                    f"integers and float agree on {self.agreement:.0%} of the classes, where noise "
                    f"of 1 % leaves {self.noise_agreement:.0%} as they are"
                )
        if self.correlation is not None and self.noise_correlation is not None:
            usual = max(_LEAST_LOST, _LOST_FACTOR * (1 - self.noise_correlation))
            if 1 - self.correlation > usual:
                return (
                    f"what scores say of an input correlates by {self.correlation:.2f} with float, "
                    f"under noise of 1 % by {self.noise_correlation:.2f}"
                )
        if self.turned is None or self.noise_turned is None:
            return ""
        if self.turned <= max(_LEAST_TURNED, _FACTOR * self.noise_turned):
            return ""
        return (
            f"{self.turned:.1%} of the signs turn in integers, under noise of 1 % only "
            f"{self.noise_turned:.1%}"
        )

    @property
    def worst(self) -> list[StreamLoss]:
        """Tensors of signs, those with the most turned first."""
        signs = [s for s in self.streams if s.turned]
        return sorted(signs, key=lambda s: -(s.turned or 0.0))

    def to_json(self) -> dict[str, Any]:
        """As report.json has it."""
        return {
            **asdict(self),
            "streams": [asdict(s) for s in self.streams],
            "alarm": self.alarm,
            "ways_out": ways_out(self),
        }


def compare_classes(
    got: Floats, want: Floats, labels: np.ndarray[Any, Any] | None = None
) -> Accuracy:
    """Best classes of integers and float.

    Args:
        got: scores [N, ...] from integers.
        want: the model's.
        labels: [N], the right ones; accuracy is that of the inputs whose label is not masked.
    """
    got, want = (v.reshape(len(v), -1) for v in (got, want))
    mine, model = got.argmax(axis=1), want.argmax(axis=1)
    right: list[float | None] = [None, None]
    if labels is not None:
        right = [float((classes == labels).mean()) for classes in (model, mine)]
    a, b = (v - v.mean(axis=0) for v in (got, want))
    sizes = np.sqrt([(a * a).sum(), (b * b).sum()])
    correlation = float((a * b).sum() / np.prod(sizes)) if sizes.all() else 0.0
    return Accuracy(
        inputs=len(mine),
        labelled=0 if labels is None else int(np.ma.count(labels)),
        synthetic=False,
        float_top1=right[0],
        integer_top1=right[1],
        agreement=float((mine == model).mean()),
        largest_difference=float(np.abs(got - want).max()),
        correlation=correlation if sizes[1] else None,
    )


def _standard_error(share: float, count: int) -> float:
    """Of a share of ``count`` inputs; never 0, since some inputs more could differ."""
    kept = min(share, 1 - 1 / (count + 2))
    return float(np.sqrt(kept * (1 - kept) / max(1, count)))


class StreamLosses:
    """Compares all tensors of an integer graph with those of the real one, image by image.

    Args:
        real: the graph from the front end.
        graph: the integer graph made from it.
    """

    def __init__(self, real: Graph, graph: Graph) -> None:
        self._real, self._graph = real, graph
        self._signs = {n.output: n.op for n in real.nodes if isinstance(n.op, Binarize)}
        self._watched: dict[str, str] = {}
        self._turned: dict[str, bool] = {}
        links = Links(real)
        for node in graph.nodes:
            name = real_name(node.output)
            if isinstance(graph.tensors[node.output].dtype, Bit):
                found = sign_of(links, name)
                if found is not None:
                    self._watched[node.output] = found[0].output
                    self._turned[node.output] = turns(*found)
            elif isinstance(node.op, (Concat, FixedAdd, FixedAffine)) and name in real.tensors:
                self._watched[node.output] = name
        self._of: dict[str, list[str]] = {name: [] for name in real.tensors}
        for tensor, name in self._watched.items():
            self._of[name].append(tensor)
        names = _names_of_streams(real)
        self._reads = {
            n.output: names.get(stream_read(links, n)[0], "")
            for n in real.nodes
            if n.output in self._signs
        }
        self._spreads = {n.output: _Spread() for n in layers_without_batch_norm(real)}
        self._count = 0
        self._sums: dict[str, Floats] = {t: np.zeros(3) for t in self._watched}
        self._ends: dict[str, tuple[float, float]] = {}
        self._scores: list[Floats] = []
        self._noisy_scores: list[Floats] = []
        self._noise = np.zeros(2)
        self._rng = np.random.default_rng(1)

    def add(self, x: Ints) -> None:
        """Compares inputs [N, *shape]."""
        integers = self._integers(x)
        bits: dict[str, np.ndarray[Any, Any]] = {}
        for name, values in walk_real(self._real, x):
            if name in self._signs:
                bits[name] = values == self._signs[name].high
            for tensor in self._of[name]:
                want = bits[name] ^ self._turned[tensor] if name in bits else values
                self._compare(tensor, want, integers[tensor])
            if name in self._spreads:
                self._spreads[name].add(values)
            scores = values
        self._count += len(x)
        if self._real.statistics or self._spreads:
            self._scores.append(scores)
            self._add_noise(x, bits)

    def result(self) -> dict[str, Any]:
        """The fields of Accuracy that follow."""
        losses = [self._loss(tensor) for tensor in self._watched]
        turned = [loss.turned for loss in losses if loss.turned is not None]
        noise = None
        if self._noisy_scores:
            scale = self._real.output_map.apply
            noisy, scores = (np.concatenate(v) for v in (self._noisy_scores, self._scores))
            noise = compare_classes(scale(noisy), scale(scores))  # type: ignore[arg-type]
        return {
            "compared": self._count,
            "noise_agreement": noise and noise.agreement,
            "noise_correlation": noise and noise.correlation,
            "turned": float(np.mean(turned)) if turned else None,
            "noise_turned": float(self._noise[0] / self._noise[1]) if self._noise[1] else None,
            "streams": tuple(losses),
        }

    def _integers(self, x: Ints) -> dict[str, Ints]:
        graph = self._graph
        values: dict[str, Ints] = {graph.input: x}
        kept: dict[str, Ints] = {}
        last_use = {name: i for i, node in enumerate(graph.nodes) for name in node.inputs}
        for i, node in enumerate(graph.nodes):
            types = [graph.tensors[name] for name in node.inputs]
            y = execute(node.op, [values[n] for n in node.inputs], types)
            values[node.output] = y
            if node.output in self._watched:
                kept[node.output] = y.astype(np.int32)
            for name in {*node.inputs}:
                if last_use[name] == i:
                    del values[name]
        return kept

    def _compare(self, tensor: str, want: np.ndarray[Any, Any], got: Ints) -> None:
        dtype = self._graph.tensors[tensor].dtype
        if isinstance(dtype, Bit):
            mine = got > 0
            self._sums[tensor] += [
                float((mine != want).mean() * len(want)),
                float((mine.mean() - want.mean()) * len(want)),
                0.0,
            ]
            return
        assert isinstance(dtype, Integer)
        beyond = (got == dtype.low) | (got == dtype.high)
        low, high = self._ends.get(tensor, (np.inf, -np.inf))
        self._ends[tensor] = min(low, float(want.min())), max(high, float(want.max()))
        self._sums[tensor][2] += float(beyond.mean() * len(want))

    def _add_noise(self, x: Ints, bits: dict[str, Any]) -> None:
        for name, values in walk_real(self._real, x, self._noisy()):
            if name in self._signs:
                other = values == self._signs[name].high
                self._noise += [float((other != bits[name]).mean() * len(x)), len(x)]
            scores = values
        self._noisy_scores.append(scores)

    def _noisy(self) -> Callable[[str, Floats], Floats]:
        statistics, rng = self._real.statistics, self._rng

        def change(name: str, values: Floats) -> Floats:
            if name in statistics:
                std = np.asarray(statistics[name].std)
            elif name in self._spreads:
                std = self._spreads[name].std
            else:
                return values
            std = std.reshape(1, -1, *(1,) * (values.ndim - 2))
            return np.asarray(values + NOISE * std * rng.standard_normal(values.shape))

        return change

    def _loss(self, tensor: str) -> StreamLoss:
        dtype = self._graph.tensors[tensor].dtype
        turned, bias, beyond = (self._sums[tensor] / max(1, self._count)).tolist()
        name = real_name(tensor)
        if isinstance(dtype, Bit):
            reads = self._reads[self._watched[tensor]]
            return StreamLoss(name, str(dtype), 0.0, 1.0, turned=turned, bias=bias, reads=reads)
        return StreamLoss(name, str(dtype), *self._ends[tensor], saturated=beyond)


def _names_of_streams(real: Graph) -> dict[str, str]:
    """By tensor: what ``bnnhw inspect --streams`` calls its stream, where it has a width to set."""
    listed = {
        name: width.name
        for width in widths(real)
        if width.what == "stream"
        for name in (width.name, *width.others)
    }
    return {n.output: listed[n.name] for n in real.nodes if n.name in listed}


class _Spread:
    """Mean and standard deviation of each channel of a tensor, over all values added."""

    def __init__(self) -> None:
        self._count, self._sum, self._squares = 0, np.zeros(1), np.zeros(1)

    def add(self, values: Floats) -> None:
        """Adds values [N, C, ...]."""
        rows = np.moveaxis(values, 1, 0).reshape(values.shape[1], -1)
        self._count += rows.shape[1]
        self._sum = self._sum + rows.sum(axis=1)
        self._squares = self._squares + np.square(rows).sum(axis=1)

    @property
    def std(self) -> Floats:
        """[C]."""
        mean = self._sum / self._count
        return np.sqrt(np.maximum(self._squares / self._count - mean * mean, 0.0))


def ways_out(accuracy: Accuracy) -> str:
    """What brings integers nearer to float."""
    worst = accuracy.worst
    least = (worst[0].turned or 0.0) / _EARLY if worst else 0.0
    # Signs turned early turn others behind them: the first stream of those that matter.
    early = (s.reads for s in accuracy.streams if s.reads and (s.turned or 0.0) > least)
    name = next(early, None)
    wider = f"a wider stream (--precision '{name}=16'), " if name else ""
    more = f"{wider}wider weights (--precision LAYER=12), or train with the rounding in the model"
    if accuracy.calibrated:
        return f"give real images (--input), {more}" if accuracy.synthetic else more
    inputs = "give real images (--input) and " if accuracy.synthetic else ""
    return (
        f"{inputs}take the ranges of streams from images of the training set first "
        f"(--calibrate FILE_OR_FOLDER); where that is not enough, {more}"
    )
