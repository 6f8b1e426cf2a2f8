"""Images made up so that a network's first layers see what they saw in training, about.

BatchNorm keeps the mean and deviation of each channel behind the first layers. Random images of
many kinds (smooth or rough, bright or dark, flat or full of contrast) go through these, and the
kind whose statistics come nearest is taken. Such images show nothing; but a network's streams and
signs are in them where real images put them, which uniform noise does not do.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.interpret.real_walk import walk_real
from bnnhw.ir.ops import Dense, Flatten
from bnnhw.ir.types import Integer, Real

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph
    from bnnhw.ir.ops import Floats, Ints, Shape

_ROUGHNESS = (0.5, 1.0, 1.5, 2.0)
"""Exponents of the spectrum: photographs have about 1."""
_MEANS = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)
"""Of the pixels, in shares of the type's range."""
_CONTRASTS = (0.1, 0.2, 0.35, 0.6)
"""Standard deviations, likewise, before values are cut at the ends of the range."""
_COLOUR = 0.8
"""Share of an image's deviation that its channels have in common."""
_TRIALS = 2
_TRIAL_SIZE = 48
"""Height and width up to which kinds are tried."""
_LEAST_DEVIATION = 1e-6


def resembling_images(graph: Graph, count: int, seed: int = 1) -> Ints:
    """Integer inputs [count, *shape] of the kind that fits the first BatchNorm best.

    Of a graph without BatchNorm, images of a middle kind.
    """
    shape = graph.tensors[graph.input].shape
    kind = (1.0, 0.5, 0.2)
    known = next((n for n in graph.nodes if n.output in graph.statistics), None)
    if known is not None:
        before = graph.nodes[: graph.nodes.index(known)]
        small = shape
        if len(shape) == 3 and not any(isinstance(n.op, (Dense, Flatten)) for n in before):
            small = (shape[0], min(shape[1], _TRIAL_SIZE), min(shape[2], _TRIAL_SIZE))
        kinds = list(product(_ROUGHNESS if len(shape) == 3 else (0.0,), _MEANS, _CONTRASTS))
        losses = [_distance(graph, known.output, _made(graph, k, small, _TRIALS, 0)) for k in kinds]
        kind = kinds[int(np.argmin(losses))]
    return _made(graph, kind, shape, count, seed)


def _distance(graph: Graph, tensor: str, x: Ints) -> float:
    """Of the statistics of ``tensor`` for inputs ``x`` from those that BatchNorm keeps."""
    known = graph.statistics[tensor]
    values = next(v for name, v in walk_real(graph, x) if name == tensor)
    own = np.moveaxis(values, 1, 0).reshape(values.shape[1], -1)
    live = np.asarray(known.std) > _LEAST_DEVIATION
    if not live.any():
        return 0.0
    std = np.asarray(known.std)[live]
    shift = (own.mean(axis=1)[live] - np.asarray(known.mean)[live]) / std
    stretch = np.log(np.maximum(own.std(axis=1)[live], _LEAST_DEVIATION) / std)
    return float(np.minimum(np.square(shift), 9).mean() + np.minimum(np.square(stretch), 9).mean())


def _made(
    graph: Graph, kind: tuple[float, float, float], shape: Shape, count: int, seed: int
) -> Ints:
    dtype = graph.tensors[graph.input].dtype
    assert not isinstance(dtype, Real)
    roughness, mean, contrast = kind
    rng = np.random.default_rng(seed)
    x = np.empty((count, *shape))
    for image in x:
        if len(shape) == 3:
            grey = _field(rng, shape[1:], roughness)
            for channel in image:
                own = _field(rng, shape[1:], roughness)
                channel[...] = np.sqrt(_COLOUR) * grey + np.sqrt(1 - _COLOUR) * own
        else:
            image[...] = rng.standard_normal(shape)
    x = mean + contrast * x
    if not isinstance(dtype, Integer):
        return np.where(x < 0.5, dtype.low, dtype.high)
    levels = dtype.low + np.clip(x, 0, 1) * (dtype.high - dtype.low)
    return np.asarray(np.rint(levels), np.int64)


def _field(rng: np.random.Generator, size: Shape, roughness: float) -> Floats:
    """Noise of mean 0 and deviation 1 whose amplitude falls as frequency^-roughness."""
    noise = np.fft.rfft2(rng.standard_normal(size))
    rows, columns = np.fft.fftfreq(size[0])[:, None], np.fft.rfftfreq(size[1])[None]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = 1.0
    scaled = noise / frequency**roughness
    scaled[0, 0] = 0.0
    field = np.fft.irfft2(scaled, s=size)
    return np.asarray(field / max(float(field.std()), _LEAST_DEVIATION))
