"""bnn_stream_threshold: x >= T, inverted where flagged, with a word of thresholds for each tile."""

from __future__ import annotations

import numpy as np
import pytest

from runner import run_streams
from stream_beats import pack, unpack


@pytest.mark.parametrize(
    ("bits", "signed", "lanes", "hold"), [(8, 1, 3, 4), (8, 0, 9, 1), (1, 0, 4, 6), (17, 1, 4, 5)]
)
def test_compares_with_the_thresholds_of_its_tile(
    bits: int, signed: int, lanes: int, hold: int
) -> None:
    rng = np.random.default_rng(bits)
    low = -(1 << (bits - 1)) if signed else 0
    high = low + (1 << bits) - 1
    tiles = 16
    thresholds = rng.integers(-(1 << bits), 1 << bits, (tiles, lanes))
    thresholds[:3] = [[low], [min(high + 1, (1 << bits) - 1)], [(low + high) // 2]]
    flips = rng.integers(0, 2, (tiles, lanes))
    x = rng.integers(low, high + 1, (tiles, hold, lanes))
    x[::2] = np.clip(thresholds[::2, None] + rng.integers(-1, 2, x[::2].shape), low, high)
    fields = (flips << (bits + 1)) | (thresholds & ((1 << (bits + 1)) - 1))
    word = -(-lanes * (bits + 2) // 64) * 64
    runs = run_streams(
        "bnn_stream_threshold",
        {"IN_BITS": bits, "IN_SIGNED": signed, "LANES": lanes, "HOLD": hold, "WORD_BITS": word},
        {"s_axis": pack(x, lanes, bits), "p_axis": pack(fields, lanes, bits + 2)},
        {"m_axis": tiles * hold},
    )
    expected = ((x >= thresholds[:, None]) ^ flips[:, None]).reshape(-1, lanes)
    for run in runs:
        assert (unpack(run.outputs["m_axis"].data, lanes, 1) == expected).all(), run.pattern
    assert runs[0].inputs["s_axis"] == list(range(tiles * hold))
    assert runs[0].inputs["p_axis"] == list(range(hold - 1, tiles * hold, hold))
    assert runs[0].outputs["m_axis"].taken == list(range(2, tiles * hold + 2))
