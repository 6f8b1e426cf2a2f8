"""What a layer of weights needs whatever its folding: border classes, accumulator, memories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.hardware.design import Memory
from bnnhw.ir.spans import signed_sums, weighted_span
from bnnhw.ir.types import Integer

if TYPE_CHECKING:
    from bnnhw.hardware.folding import LayerFolding
    from bnnhw.hardware.stages.layer import Layer
    from bnnhw.ir.ops import Ints, Threshold

MAX_ACC_BITS = 32
#: Data bits of the memory port: what all boards here have.
BUS_BITS = 64


@dataclass(frozen=True)
class Border:
    """Classes of output rows (or columns) that padding treats alike.

    The first ``first`` and the last ``last`` positions each are a class of their own; all in
    between are one. Classes are numbered along the axis.

    Attributes:
        first: number of leading positions with a class each.
        last: number of trailing positions with a class each.
        example: one position of each class.
    """

    first: int
    last: int
    example: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class LayerFacts:
    """The arithmetic of a layer as the hardware does it.

    Attributes:
        rows: border classes of output rows.
        columns: border classes of output columns.
        fields: weights [Cout, K] in stream order: 1 for +1 and 0 for -1, or integers.
        init: initial accumulator values [row classes * column classes, Cout].
        flat_init: the same [Cout] where padded taps count half of their lanes, as in arrays whose
            weights come from memory.
        acc_bits: bits of the accumulator, signed.
        acc_shift: 1 where a match counts 2 (scores of bipolar inputs), else 0.
    """

    rows: Border
    columns: Border
    fields: Ints
    init: Ints
    flat_init: Ints
    acc_bits: int
    acc_shift: int


def layer_facts(layer: Layer) -> LayerFacts:
    """Border classes, weights and initial accumulator values of a layer.

    The hardware adds up matches m = popcount(xnor(w, x)) over all taps, padded ones entering as
    bit 0. With K taps and P = sum of the weights of the padded taps, the dot product over the taps
    inside the image is 2m - K + P for bipolar inputs (and 2m - K or 2m - K + 2P where these read
    the bit -1 or +1), and m + (sum(w) - K)/2 for unipolar ones.
    So dot >= T becomes m >= M, and acc starts at -M: its final sign is the output bit. Sums that
    leave start at -K + P and add 2m (or start at (sum(w) - K)/2 and add m). Layers of integer
    weights add up products as they are, from the layer's own offset.

    Raises:
        ModelError: the accumulator would be wider than 32 bits.
    """
    if layer.weight_bits > 1:
        return _integer_facts(layer)
    rows, columns = border_classes(layer)
    weight = layer.weight.astype(np.int64)
    flip = np.ones(layer.features, np.int64)
    threshold = layer.threshold
    if threshold is not None and threshold.invert.size:
        flip = np.where(threshold.invert, -1, 1)
    weight = weight * flip[:, None, None, None]
    classes = [(y, x) for y in rows.example for x in columns.example]
    init = np.stack([_initial(layer, weight, flip, y, x) for y, x in classes])
    flat = _initial(layer, weight, flip, 0, 0, padding_counts_half=True)
    shift = int(threshold is None and not layer.integer_input and layer.input_low < 0)
    reach = layer.taps * max(abs(layer.input_low), abs(layer.input_high))
    if threshold is None:
        # What leaves is the dot product itself: with its width on the way too, since sums wrap.
        span = Integer.spanning(-reach, reach)
    elif layer.integer_input:
        span = Integer.spanning(int(init.min()) - reach, int(init.max()) + reach)
    else:
        low, high = min(init.min(), flat.min()), max(init.max(), flat.max())
        span = Integer.spanning(min(-1, int(low)), int(high) + layer.taps)
    bits = (weight.reshape(layer.features, -1) > 0).astype(np.int64)
    return LayerFacts(rows, columns, bits, init, flat, _signed_bits(layer, span), shift)


def _integer_facts(layer: Layer) -> LayerFacts:
    rows, columns = border_classes(layer)
    weight = layer.weight.reshape(layer.features, -1)
    init = np.zeros((len(rows.example) * len(columns.example), layer.features), np.int64)
    if layer.offset is not None:
        rows_of, columns_of = layer.row_class, layer.column_class
        init = np.stack(
            [
                layer.offset[rows_of[y] if rows_of else 0, columns_of[x] if columns_of else 0]
                for y in rows.example
                for x in columns.example
            ]
        )
    span = weighted_span(layer.element, signed_sums(weight), init)
    return LayerFacts(rows, columns, weight, init, init[0], _signed_bits(layer, span), 0)


def _signed_bits(layer: Layer, span: Integer) -> int:
    acc_bits = span.bits + (not span.signed)
    if acc_bits > MAX_ACC_BITS:
        raise ModelError(
            f"its accumulator needs {acc_bits} bits, more than {MAX_ACC_BITS}",
            where=layer.where,
            fix="use fewer taps or a narrower input type",
        )
    return acc_bits


def weight_memory(layer: Layer, facts: LayerFacts, fold: LayerFolding) -> Memory:
    """The image of a layer's weights at a folding; the layout is in hw/README.md."""
    tiles, folds = layer.features // fold.pe, layer.taps // fold.simd
    fields = facts.fields.reshape(tiles, fold.pe, folds, fold.simd).transpose(0, 2, 1, 3)
    return Memory.from_fields(
        f"{layer.name}_weights",
        fields.reshape(tiles * folds, fold.pe * fold.simd),
        layer.weight_bits,
    )


def init_memory(layer: Layer, facts: LayerFacts, fold: LayerFolding) -> Memory:
    """The image of a layer's initial accumulator values; the layout is in hw/README.md."""
    values = facts.flat_init if fold.memory == "ddr" else facts.init
    return Memory.from_fields(f"{layer.name}_init", values.reshape(-1, fold.pe), facts.acc_bits)


def layer_memory(parameter: str, layer: Layer, facts: LayerFacts, fold: LayerFolding) -> Memory:
    """The image that a parameter of a layer's PE array names."""
    return {"WEIGHTS_FILE": weight_memory, "INIT_FILE": init_memory}[parameter](layer, facts, fold)


def can_stream(layer: Layer) -> bool:
    """Whether a layer's weights may come from memory, tile by tile.

    Such arrays have one initial value a channel, so nothing may differ by position; the reader
    fetches whole bus words.
    """
    threshold = layer.threshold
    varies = bool(layer.row_class or layer.column_class or layer.fill)
    varies = varies or (threshold is not None and bool(threshold.row_class))
    whole_words = layer.weight.size * layer.weight_bits % BUS_BITS == 0
    kind = layer.integer_input == (layer.weight_bits > 1)
    return kind and whole_words and not varies


def border_classes(layer: Layer) -> tuple[Border, Border]:
    """Row and column classes of a layer's output."""
    top, left, _, _ = layer.window.pads
    _, height, width = layer.image
    out_h, out_w = layer.out_size
    classes_of: Threshold | Layer = layer if layer.threshold is None else layer.threshold
    row_class, column_class = classes_of.row_class, classes_of.column_class
    # Where padding enters as the number 0 it adds nothing: only thresholds can differ.
    padding_matters = not layer.integer_input and layer.input_low < 0
    kernel, stride = layer.window.kernel, layer.window.stride
    rows, columns = (
        _axis(
            [
                (
                    _padded(o * stride[axis] - pad, kernel[axis], size) if padding_matters else (),
                    classes[o] if classes else 0,
                )
                for o in range(out)
            ]
        )
        for axis, pad, size, out, classes in (
            (0, top, height, out_h, row_class),
            (1, left, width, out_w, column_class),
        )
    )
    return rows, columns


def _axis(keys: list[tuple[tuple[bool, ...], int]]) -> Border:
    """The longest run of equal keys is the middle class; all other positions stand alone."""
    out = len(keys)
    best_start, best_length, start = 0, 0, 0
    for end in range(1, out + 1):
        if end == out or keys[end] != keys[start]:
            if end - start > best_length:
                best_start, best_length = start, end - start
            start = end
    first, last = best_start, out - best_start - best_length
    return Border(first, last, (*range(first + 1), *range(out - last, out)))


def _padded(origin: int, kernel: int, size: int) -> tuple[bool, ...]:
    return tuple(not 0 <= origin + k < size for k in range(kernel))


def _initial(
    layer: Layer,
    weight: Ints,
    flip: Ints,
    y: int,
    x: int,
    *,
    padding_counts_half: bool = False,
) -> Ints:
    """Initial accumulator value [Cout] at output position (y, x)."""
    taps = layer.taps
    thresholds = _thresholds(layer, flip, y, x)
    if layer.integer_input:
        if thresholds is None:
            return np.zeros(layer.features, np.int64)
        reach = taps * max(abs(layer.input_low), abs(layer.input_high))
        return -np.clip(thresholds, -reach, reach + 1)
    total = weight.sum(axis=(1, 2, 3))
    if layer.input_low == 0:  # unipolar: a padded bit 0 adds nothing to the dot product
        half = (total - taps) // 2
        return half if thresholds is None else -np.clip(thresholds - half, 0, taps + 1)
    padded = (1 + layer.fill) * (total - _inside(layer, weight, y, x).sum(axis=(1, 2, 3)))
    if padding_counts_half:
        padded = np.zeros_like(total)
    if thresholds is None:
        return padded - taps
    return -np.clip(-((padded - taps - thresholds) // 2), 0, taps + 1)


def _thresholds(layer: Layer, flip: Ints, y: int, x: int) -> Ints | None:
    op = layer.threshold
    if op is None:
        return None
    row = op.row_class[y] if op.row_class else 0
    column = op.column_class[x] if op.column_class else 0
    thresholds = op.thresholds[row, column]
    # An inverted channel: not (acc >= T) is -acc >= 1 - T, with the weights negated.
    return np.where(flip < 0, 1 - thresholds, thresholds)


def _inside(layer: Layer, weight: Ints, y: int, x: int) -> Ints:
    """The weights [Cout, kh, kw, Cin] of the taps inside the image at output position (y, x)."""
    _, height, width = layer.image
    top, left, _, _ = layer.window.pads
    ky = y * layer.window.stride[0] - top + np.arange(layer.window.kernel[0])
    kx = x * layer.window.stride[1] - left + np.arange(layer.window.kernel[1])
    return weight[:, (ky >= 0) & (ky < height)][:, :, (kx >= 0) & (kx < width)]
