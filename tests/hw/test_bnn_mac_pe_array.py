"""bnn_mac_pe_array: exact sums of integer products in every style, at one input beat per cycle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compute import image
from runner import PATTERNS, run_streams
from stream_beats import pack
from test_bnn_pe_array import Shape, check

LUT, DSP, PAIR, CHAIN = 1, 2, 3, 4


def span(bits: int, signed: int) -> tuple[int, int]:
    """The lowest and the highest value."""
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)


def parameters(
    shape: Shape, x: tuple[int, int], weight_bits: int, multiply: int
) -> dict[str, int | str]:
    """``x`` is (bits, signed) of an activation."""
    values = {k: v for k, v in shape.parameters.items() if k not in ("ACC_SHIFT", "BINARY_OUT")}
    widths = {"IN_BITS": x[0], "IN_SIGNED": x[1], "WEIGHT_BITS": weight_bits}
    return {**values, **widths, "MULTIPLY_STYLE": multiply}


def latency(shape: Shape, weight_bits: int, multiply: int) -> int:
    return (shape.simd - 1).bit_length() + (3 + -(-weight_bits // 4) if multiply == LUT else 5)


def accumulator_bits(taps: int, x: tuple[int, int], weight_bits: int) -> int:
    """The fewest bits that hold every sum of ``taps`` products."""
    reach = taps * max(map(abs, span(*x))) << (weight_bits - 1)
    return int(reach).bit_length() + 1


CASES = [
    (Shape(pe=2, simd=3, folds=3, tiles=2, out=(3, 4), border=(1, 1, 1, 1)), (8, 0), 8, PAIR),
    (Shape(pe=4, simd=2, folds=2, tiles=1, styles=(1, 2), frames=9), (8, 1), 8, PAIR),
    (Shape(pe=2, simd=5, folds=1, tiles=3, frames=6, styles=(2, 1)), (9, 1), 7, PAIR),
    (Shape(pe=2, simd=7, folds=2, tiles=2, out=(2, 2), border=(1, 1, 0, 1)), (8, 0), 8, CHAIN),
    (Shape(pe=4, simd=2, folds=2, tiles=1, styles=(1, 2), frames=9), (8, 1), 8, CHAIN),
    (Shape(pe=2, simd=6, folds=1, tiles=3, frames=6, styles=(2, 1)), (10, 1), 7, CHAIN),
    (Shape(pe=3, simd=4, folds=2, tiles=2, out=(2, 2), border=(1, 1, 0, 1)), (8, 0), 8, DSP),
    (Shape(pe=1, simd=1, folds=4, frames=8), (18, 1), 12, DSP),
    (Shape(pe=1, simd=7, folds=2, tiles=2, frames=5), (8, 0), 8, LUT),
    (Shape(pe=2, simd=2, folds=3, tiles=1, out=(1, 3), border=(0, 0, 1, 1)), (8, 1), 5, LUT),
    (Shape(pe=2, simd=3, frames=20), (1, 0), 1, LUT),
]


@pytest.mark.parametrize(("shape", "x", "weight_bits", "multiply"), CASES, ids=str)
def test_sums_exactly_and_loses_no_cycle(
    shape: Shape, x: tuple[int, int], weight_bits: int, multiply: int
) -> None:
    rng = np.random.default_rng(shape.simd + 10 * x[0])
    pixels, taps = shape.out[0] * shape.out[1], shape.folds * shape.simd
    channels = shape.tiles * shape.pe
    bits = accumulator_bits(taps, x, weight_bits)
    # The initial value takes a bit more, so that no sum leaves the accumulator.
    shape = replace(shape, acc_bits=min(bits + 1, 32))
    low, high = span(*x)
    windows = rng.integers(low, high + 1, (shape.frames, pixels, taps))
    windows[rng.random(windows.shape) < 0.3] = low
    windows[rng.random(windows.shape) < 0.2] = high
    windows[0, 0], windows[-1, -1] = low, high
    least, most = span(weight_bits, 1)
    least += multiply == CHAIN
    weights = rng.integers(least, most + 1, (channels, taps))
    weights[rng.random(weights.shape) < 0.3] = least
    weights[0] = least
    weights[-1] = most
    half = 1 << (shape.acc_bits - 2)
    init = rng.integers(-half, half, (shape.patterns, channels))
    order = [shape.pattern_of(y, x) for y in range(shape.out[0]) for x in range(shape.out[1])]
    rows = weights.reshape(shape.tiles, shape.pe, shape.folds, shape.simd)
    beats = np.repeat(windows[:, :, None], shape.tiles, axis=2)
    runs = run_streams(
        "bnn_mac_pe_array",
        parameters(shape, x, weight_bits, multiply),
        {"s_axis": pack(beats, shape.simd, x[0])},
        {"m_axis": shape.frames * pixels * shape.tiles},
        patterns=PATTERNS,
        files={
            "WEIGHTS_FILE": image(
                rows.transpose(0, 2, 1, 3).reshape(-1, shape.pe * shape.simd), weight_bits
            ),
            "INIT_FILE": image(init.reshape(-1, shape.pe), shape.acc_bits),
        },
    )
    total = windows @ weights.T
    assert (np.abs(total) < 1 << (bits - 1)).all()
    check(shape, runs, init[order] + total, latency(shape, weight_bits, multiply))


@pytest.mark.parametrize(
    ("multiply", "signed"),
    [(LUT, 1), (PAIR, 1), *(pytest.param(m, 0, marks=pytest.mark.slow) for m in (LUT, PAIR))],
)
def test_multiplies_every_pair_of_bytes(multiply: int, signed: int) -> None:
    """Every activation meets every weight on an even and on an odd PE, beside other weights."""
    low, high = span(8, signed)
    activations = np.arange(low, high + 1)
    weights = np.arange(-128, 128)
    channels = np.concatenate([weights, np.roll(weights[::-1], 128)])
    assert set(channels[::2]) == set(channels[1::2]) == set(weights)
    shape = Shape(pe=4, simd=1, tiles=len(channels) // 4, acc_bits=17, frames=len(activations))
    rows = channels.reshape(-1, shape.pe)
    runs = run_streams(
        "bnn_mac_pe_array",
        parameters(shape, (8, signed), 8, multiply),
        {"s_axis": pack(np.repeat(activations, shape.tiles), 1, 8)},
        {"m_axis": shape.frames * shape.tiles},
        patterns=PATTERNS[:1],
        files={"WEIGHTS_FILE": image(rows, 8), "INIT_FILE": image(0 * rows, 17)},
    )
    check(shape, runs, activations[:, None, None] * rows, latency(shape, 8, multiply))


@pytest.mark.parametrize("signed", [0, 1])
def test_chained_blocks_add_up_every_pair_of_bytes(signed: int) -> None:
    """The lowest and highest sums of two, and every activation by every weight but the lowest."""
    low, high = span(8, signed)
    activations = np.stack([np.arange(low, high + 1), np.arange(low, high + 1)[::-1]], axis=1)
    activations = np.concatenate([activations, [[low, low], [high, high], [low, high]]])
    weights = np.arange(-127, 128)
    first = np.concatenate([weights, weights[::-1], [-127, 127]])
    second = np.concatenate([weights[::-1], weights, [-127, 127]])
    rows = np.stack([first, second], axis=1).reshape(-1, 4, 2)
    shape = Shape(pe=4, simd=2, tiles=len(rows), acc_bits=18, frames=len(activations))
    runs = run_streams(
        "bnn_mac_pe_array",
        parameters(shape, (8, signed), 8, CHAIN),
        {"s_axis": pack(np.repeat(activations[:, None], shape.tiles, axis=1), 2, 8)},
        {"m_axis": shape.frames * shape.tiles},
        patterns=PATTERNS[:1],
        files={
            "WEIGHTS_FILE": image(rows.reshape(-1, 8), 8),
            "INIT_FILE": image(np.zeros((len(rows), 4), np.int64), 18),
        },
    )
    sums = activations @ rows.reshape(-1, 2).T
    check(shape, runs, sums[:, None, :], latency(shape, 8, CHAIN))
