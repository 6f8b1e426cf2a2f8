"""Ranges of real-valued streams: from BatchNorm statistics, or from images.

Without images, each tensor's mean and variance per channel are followed through the graph. A
BatchNorm tells them exactly (its beta and gamma); sums add them, as if their terms were
independent. In deep residual networks they are not, and tails grow to one side; nor are
neighbouring inputs of layers without BatchNorm: the ranges of a few synthetic images widen these.
The range is ``REACH`` standard deviations wide: a million activations of a normal distribution lie
within 5, and residual sums have heavier tails. Within it the binary point is that of the least
expected error, so that few bits (8, where a layer multiplies) cut more of the tails than many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.interpret.real_walk import walk_real
from bnnhw.ir.types import Integer, Real
from bnnhw.passes.moments import Followed, Moments, follow, layers_without_batch_norm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bnnhw.ir.graph import Graph
    from bnnhw.ir.ops import Floats, Ints

REACH = 8.0
_TAIL = 1.5
"""Factor on standard deviations where the loss by saturation is estimated: tails are heavy."""
_OCTAVES = 8
_IMAGES, _PIXELS = 4, 1 << 14
"""Synthetic images, fewer where a single one has many pixels."""
_SYNTHETIC_MARGIN = 1.5
"""Factor on what a few synthetic images show, where BatchNorms do not tell everything."""
_IMAGES_MARGIN = 1.25
"""Factor on what the user's images show: others go a little further."""


@dataclass(frozen=True)
class Range:
    """Where a tensor's values lie.

    Attributes:
        low: smallest value, at most 0.
        high: largest value, at least 0.
        excess: by e, the mean of max(|x| - 2^e, 0): what saturation at 2^e would cost.
        deviation: standard deviation within a channel, typical of the tensor; 0 if unknown. Of
            several tensors, the least.
        channels: mean and standard deviation of each channel; of one tensor only, and where known.
    """

    low: float
    high: float
    excess: Mapping[int, float] = field(default_factory=dict)
    deviation: float = 0.0
    channels: tuple[tuple[float, float], ...] = ()

    @property
    def reach(self) -> float:
        """Largest magnitude."""
        return max(-self.low, self.high)

    def binary_point(self, bits: int, *, signed: bool = True) -> int:
        """The ``frac`` of a type of ``bits`` with the least mean absolute error.

        Rounding to steps of 2^-frac costs a quarter of a step, saturation what ``excess`` says.
        Where that is unknown, nothing saturates. (Squares would let a few outliers coarsen every
        step, and with it the signs around 0.)
        """
        if self.reach == 0:
            return 0
        width = bits - signed
        top = Integer(bits, signed).high
        wide = math.floor(math.log2(top / self.reach))
        errors = {wide: 2.0**-wide / 4}
        for frac in range(wide + 1, wide + _OCTAVES):
            errors[frac] = 2.0**-frac / 4 + self.excess.get(width - frac, math.inf)
        return min(errors, key=errors.__getitem__)

    def exponent(self, error: float) -> int:
        """The least e, so that saturation at 2^e costs a small share.

        Args:
            error: largest mean absolute error by it, in standard deviations.
        """
        reach = math.ceil(math.log2(self.reach)) if self.reach else 0
        low = [e for e, lost in self.excess.items() if lost <= error * self.deviation]
        return min([reach, *low])


def union(ranges: Iterable[Range]) -> Range:
    """The range that holds all; losses by saturation add up."""
    parts = list(ranges)
    exponents = {e for part in parts for e in part.excess}
    excess = {e: sum(_excess_at(part, e) for part in parts) / len(parts) for e in sorted(exponents)}
    deviation = min((p.deviation for p in parts if p.deviation), default=0.0)
    return Range(min(p.low for p in parts), max(p.high for p in parts), excess, deviation)


def calibrate(graph: Graph, images: Ints | None = None) -> dict[str, Range]:
    """The range of every real-valued tensor.

    Args:
        graph: with real-valued operations.
        images: integer inputs [N, C, H, W]; None takes BatchNorm statistics, where the graph has
            any, and a few synthetic images.
    """
    if images is not None and len(images):
        return _measured(graph, images, _IMAGES_MARGIN)
    known = {name: _of_moments(m) for name, m in follow(graph).items()} if graph.statistics else {}
    pixels = math.prod(graph.tensors[graph.input].shape[1:])
    count = max(1, min(_IMAGES, _PIXELS // max(pixels, 1)))
    bare = not known or bool(layers_without_batch_norm(graph))
    margin = _SYNTHETIC_MARGIN if bare else 1.0
    seen = _measured(graph, synthetic_images(graph, count), margin)
    return {name: _wider(known[name], found) if known else found for name, found in seen.items()}


def rough_ranges(graph: Graph) -> Mapping[str, Range]:
    """Ranges in a hurry, good enough to see whether a network can be lowered at all."""
    if not graph.statistics:
        return _measured(graph, synthetic_images(graph, 1), _SYNTHETIC_MARGIN)
    return _RoughRanges(graph)


class _RoughRanges(dict[str, Range]):
    """Ranges from BatchNorm statistics, each when it is asked for."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self._moments = Followed(graph)

    def __missing__(self, tensor: str) -> Range:
        self[tensor] = _of_moments(self._moments[tensor], excess=False)
        return self[tensor]


def _wider(told: Range, seen: Range) -> Range:
    """What the statistics of BatchNorms tell of a tensor, or images that they say nothing of."""
    excess = {e: max(_excess_at(r, e) for r in (told, seen)) for e in {*told.excess, *seen.excess}}
    low, high = min(told.low, seen.low), max(told.high, seen.high)
    return replace(told, low=low, high=high, excess=dict(sorted(excess.items())))


def synthetic_images(graph: Graph, count: int, seed: int = 1) -> Ints:
    """Inputs [N, *shape] of smooth random patches over the whole range of the input's type."""
    tensor = graph.tensors[graph.input]
    assert not isinstance(tensor.dtype, Real)
    low, high = tensor.dtype.low, tensor.dtype.high
    rng = np.random.default_rng(seed)
    x = np.empty((count, *tensor.shape))
    for i in range(count):
        if len(tensor.shape) == 3:
            channels, height, width = tensor.shape
            coarse = rng.random((channels, -(-height // 8), -(-width // 8)))
            x[i] = coarse.repeat(8, axis=1).repeat(8, axis=2)[:, :height, :width]
            x[i] = 0.8 * x[i] + 0.2 * rng.random(tensor.shape)
        else:
            x[i] = rng.random(tensor.shape)
    if not isinstance(tensor.dtype, Integer):
        return np.where(x < 0.5, low, high)
    return np.asarray(np.rint(low + x * (high - low)), np.int64)


def _measured(graph: Graph, images: Ints, margin: float) -> dict[str, Range]:
    parts: dict[str, list[Range]] = {}
    for image in images:
        for name, values in walk_real(graph, image[None]):
            parts.setdefault(name, []).append(_of_values(values, margin))
    return {
        name: replace(union(found), channels=_pooled([f.channels for f in found]))
        for name, found in parts.items()
    }


def _pooled(parts: list[tuple[tuple[float, float], ...]]) -> tuple[tuple[float, float], ...]:
    """Mean and standard deviation per channel of all images, from those of each."""
    mean, std = np.array(parts).transpose(2, 0, 1)
    whole = np.sqrt(np.square(std).mean(axis=0) + mean.var(axis=0))
    return tuple(zip(mean.mean(axis=0).tolist(), whole.tolist(), strict=True))


def _of_values(values: Floats, margin: float) -> Range:
    """The range of one image's values, ``margin`` times as wide as they are."""
    own = values.reshape(values.shape[1], -1)
    channels = tuple(zip(own.mean(axis=1).tolist(), own.std(axis=1).tolist(), strict=True))
    values = values * margin
    size = np.abs(values)
    reach = float(size.max(initial=0))
    excess = {}
    for e in _exponents(reach):
        beyond = size[size > 2.0**e] - 2.0**e
        excess[e] = float(beyond.sum() / max(1, size.size))
    deviation = float(np.sqrt(values.reshape(*values.shape[:2], -1).var(axis=2).mean()))
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    return Range(low, high, excess, deviation, channels)


def _of_moments(moments: Moments, *, excess: bool = True) -> Range:
    mean, std = moments.mean, np.sqrt(moments.variance)
    low = np.maximum(mean - REACH * std, moments.low)
    high = np.minimum(mean + REACH * std, moments.high)
    reach = float(max(np.abs(low).max(initial=0), np.abs(high).max(initial=0)))
    tails = np.maximum(_TAIL * std, 1e-30)
    lost = {
        e: float(
            np.mean(_normal_excess(mean, tails, 2.0**e) + _normal_excess(-mean, tails, 2.0**e))
        )
        for e in (_exponents(reach) if excess else ())
    }
    deviation = float(np.sqrt(moments.variance.mean()))
    ends = float(low.min(initial=0)), float(high.max(initial=0))
    return Range(*ends, lost, deviation, tuple(zip(mean.tolist(), std.tolist(), strict=True)))


def _normal_excess(mean: Floats, std: Floats, bound: float) -> Floats:
    """E[max(x - bound, 0)] of a normal variable."""
    z = (bound - mean) / std
    above = np.array([math.erfc(v / math.sqrt(2)) / 2 for v in z.ravel()]).reshape(z.shape)
    density = np.exp(-np.minimum(z * z / 2, 700)) / math.sqrt(2 * math.pi)
    return np.asarray(std * np.maximum(density - z * above, 0))


def _exponents(reach: float) -> range:
    top = math.ceil(math.log2(reach)) if reach > 0 else 0
    return range(top - _OCTAVES, top + 1)


def _excess_at(part: Range, e: int) -> float:
    if e in part.excess:
        return part.excess[e]
    if not part.excess or 2.0**e >= part.reach:
        return 0.0
    return part.excess[min(part.excess)]
