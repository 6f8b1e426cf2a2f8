"""Layers whose weights come from memory: exact, and at full speed whatever the memory's latency."""

from __future__ import annotations

import numpy as np

from compute import image
from memory_runner import read_memory
from stream_beats import pack, unpack
from test_bnn_axi_reader import BOARD, SLOW
from window_model import WindowShape

FRAMES = 5
BASES = (0x1FD8, 0x10000)
CYCLES = 4 * 12 * 18  # tiles, pixels and folds of the slower layer


def convolve(bits: np.ndarray, weights: np.ndarray, shape: WindowShape) -> np.ndarray:
    """Returns sums (frame, y, x, feature) of -1 and +1 with zero padding.

    ``bits`` is (frame, y, x, channel), ``weights`` (feature, ky, kx, channel), both 0 or 1.
    """
    return np.einsum("nyxklc,fklc->nyxf", shape.windows(2 * bits - 1, 0), 2 * weights - 1)


def held(weights: np.ndarray, pe: int, simd: int, base: int) -> dict[int, int]:
    """The memory image of weights (feature, ky, kx, channel) from an address on."""
    rows = weights.reshape(-1, pe, weights[0].size // simd, simd).transpose(0, 2, 1, 3)
    return {base + 8 * i: word for i, word in enumerate(pack(rows, 64, 1))}


def tile_major(values: np.ndarray, pe: int) -> np.ndarray:
    """Beats (frame, tile, pixel, lane) of values (frame, y, x, feature)."""
    frames, _, _, features = values.shape
    return values.reshape(frames, -1, features // pe, pe).swapaxes(1, 2)


def test_two_layers_are_exact_and_keep_the_pace_of_the_slower() -> None:
    rng = np.random.default_rng(7)
    first = WindowShape(16, 4, 3, pads=(1, 1, 1, 1))
    second = WindowShape(8, 4, 3, stride=(2, 2), pads=(1, 1, 1, 1))
    x = rng.integers(0, 2, (FRAMES, 4, 3, 16))
    weights1 = rng.integers(0, 2, (8, 3, 3, 16))
    weights2 = rng.integers(0, 2, (24, 3, 3, 8))
    threshold = rng.integers(-20, 21, 8)
    init2 = rng.integers(-500, 500, 24)
    # The sum of products is twice the count of agreements less the taps; padded taps are 0 in the
    # one and half an agreement in the other.
    init1 = -((144 + threshold + 1) // 2)
    bits = ((144 + convolve(x, weights1, first)) // 2 + init1 >= 0).astype(np.int64)
    expected = init2 + (72 + convolve(bits, weights2, second)) // 2
    assert 0.2 < bits.mean() < 0.8
    beats = tile_major(expected, 8).reshape(-1, 8)
    readings = read_memory(
        "stream_layers_bench",
        {"DATA_BITS": 64, "BURST": 16},
        {"m_axis": len(beats)},
        [
            (BOARD, "always"),
            (BOARD | {"interleave": True}, "half"),
            (SLOW, "bursts"),
            (BOARD, "stall"),
        ],
        statics={"enable_i": 1, "base_i": (BASES[1] << 32) + BASES[0]},
        inputs={"s_axis": pack(x, 8, 1)},
        held=held(weights1, 2, 8, BASES[0]) | held(weights2, 8, 8, BASES[1]),
        files={
            "INIT1_FILE": image(init1.reshape(-1, 2), 12),
            "INIT2_FILE": image(init2.reshape(-1, 8), 12),
        },
    )
    for reading in readings:
        assert (unpack(reading.beats("m_axis"), 8, 12, signed=True) == beats).all()
        assert reading.errors == 0 and reading.in_flight == 0
    last = readings[0].outputs["m_axis"]["taken"][11::12]
    assert np.diff(last).tolist() == [CYCLES] * (FRAMES - 1)
