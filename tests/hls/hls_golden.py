"""Golden models of the units, in plain numpy, straight from the contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


def pack(elements: Iterable[int], bits: int) -> int:
    """One beat: element 0 in the least significant bits."""
    beat = 0
    for index, element in enumerate(elements):
        beat |= (int(element) & ((1 << bits) - 1)) << (index * bits)
    return beat


def beats_of(elements: NDArray[np.int64], lanes: int, bits: int) -> list[int]:
    """The beats of elements in stream order, ``lanes`` a beat."""
    return [pack(row, bits) for row in elements.reshape(-1, lanes)]


def tile_by_tile(elements: NDArray[np.int64], pixels: int) -> NDArray[np.int64]:
    """Elements [all pixels, folds, lanes] of frames of ``pixels``, fold by fold for all pixels."""
    whole = elements.reshape(-1, pixels, *elements.shape[1:])
    return whole.swapaxes(1, 2).reshape(-1, elements.shape[-1])


def output_size(size: int, kernel: int, stride: int, before: int, after: int) -> int:
    """Window positions along an axis."""
    return (size + before + after - kernel) // stride + 1


def windows(
    image: NDArray[np.int64],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pads: tuple[int, int, int, int],
    pad_value: int,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """All windows [OH, OW, KH, KW, C] of an image [H, W, C] and which taps [OH, OW, KH, KW] pad.

    ``pads`` is (top, bottom, left, right).
    """
    height, width, channels = image.shape
    top, bottom, left, right = pads
    out_h = output_size(height, kernel[0], stride[0], top, bottom)
    out_w = output_size(width, kernel[1], stride[1], left, right)
    values = np.full((out_h, out_w, *kernel, channels), pad_value, np.int64)
    padded = np.ones((out_h, out_w, *kernel), bool)
    for oy, ox, ky, kx in np.ndindex(padded.shape):
        y, x = oy * stride[0] - top + ky, ox * stride[1] - left + kx
        if 0 <= y < height and 0 <= x < width:
            values[oy, ox, ky, kx] = image[y, x]
            padded[oy, ox, ky, kx] = False
    return values, padded


def border_pattern(
    position: tuple[int, int], size: tuple[int, int], borders: tuple[int, int, int, int]
) -> int:
    """Border class of an output pixel; ``borders`` is (top, bottom, left, right)."""

    def axis(at: int, count: int, before: int, after: int) -> int:
        if at < before:
            return at
        if at >= count - after:
            return before + 1 + at - (count - after)
        return before

    top, bottom, left, right = borders
    row = axis(position[0], size[0], top, bottom)
    return row * (left + 1 + right) + axis(position[1], size[1], left, right)


def max_pool(
    image: NDArray[np.int64], pool: tuple[int, int], minimum: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Pooled bits [OH, OW, C] of an image [H, W, C]; channels with ``minimum`` set take the AND."""
    out_h, out_w = image.shape[0] // pool[0], image.shape[1] // pool[1]
    cut = image[: out_h * pool[0], : out_w * pool[1]]
    blocks = cut.reshape(out_h, pool[0], out_w, pool[1], -1)
    return np.where(minimum, blocks.min(axis=(1, 3)), blocks.max(axis=(1, 3)))


def top_k(scores: Sequence[int], count: int) -> list[tuple[int, int]]:
    """The best (index, score) pairs, best first, ties to the lower index."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    return [(i, int(scores[i])) for i in order[:count]]
