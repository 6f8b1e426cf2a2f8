"""bnn_weight_buffer: each tile's words once per pixel, and the next tile's fetched meanwhile."""

from __future__ import annotations

import random

import numpy as np
import pytest

from runner import PATTERNS, Pattern, run_streams

CASES = [
    # word_bits, folds, pixels, depth, tiles
    (72, 9, 7, 18, 6),
    (5, 4, 3, 5, 9),  # hardly more than a tile
    (16, 1, 6, 2, 20),  # a tile of one word
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_plays_each_tile_once_a_pixel(case: tuple[int, ...], style: int = 0) -> None:
    bits, folds, pixels, depth, tiles = case
    rng = random.Random(bits)
    words = [rng.getrandbits(bits) for _ in range(tiles * folds)]
    expected = np.array(words, object).reshape(tiles, 1, folds)
    expected = np.broadcast_to(expected, (tiles, pixels, folds)).reshape(-1)
    runs = run_streams(
        "bnn_weight_buffer",
        {
            **{"WORD_BITS": bits, "FOLDS": folds, "PIXELS": pixels, "DEPTH": depth},
            **({"RAM_STYLE": style} if style else {}),
        },
        {"s_axis": words},
        {"m_axis": len(expected)},
        patterns=(*PATTERNS, Pattern("rare", "half", 8)),
    )
    for run in runs:
        assert run.outputs["m_axis"].data == expected.tolist(), run.pattern
    taken = runs[0].outputs["m_axis"].taken
    assert taken[0] == 2
    if depth >= 2 * folds:
        # Two tiles fit: however long a tile takes, the next is there.
        assert taken == list(range(2, 2 + len(expected)))
