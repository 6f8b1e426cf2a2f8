"""bnn_top_k: the best classes in order, ties to the lower index, short stalls only."""

from __future__ import annotations

import numpy as np
import pytest

from runner import run_streams
from stream_beats import pack

FRAMES = 12


@pytest.mark.parametrize(
    ("bits", "classes", "k"), [(8, 10, 5), (16, 7, 1), (3, 30, 4), (20, 6, 6), (4, 1, 1), (5, 3, 3)]
)
def test_sorts_the_best(bits: int, classes: int, k: int) -> None:
    rng = np.random.default_rng(classes)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    scores = rng.integers(low, high + 1, (FRAMES, classes))
    scores[0], scores[1] = low, high
    scores[2] = np.sort(scores[2])
    half = 16 if bits <= 16 else 32
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    expected = [
        (int(i) << half) | (int(scores[f, i]) & ((1 << half) - 1))
        for f in range(FRAMES)
        for i in order[f]
    ]
    runs = run_streams(
        "bnn_top_k",
        {"SCORE_BITS": bits, "CLASSES": classes, "K": k},
        {"s_axis": pack(scores, 1, bits)},
        {"m_axis": FRAMES * k},
    )
    for run in runs:
        assert run.outputs["m_axis"].data == expected, run.pattern
    taken, out = runs[0].inputs["s_axis"], runs[0].outputs["m_axis"].taken
    period = max(classes, k)
    assert taken[classes - 1 :: classes] == [classes - 1 + period * f for f in range(FRAMES)]
    assert out == [classes + period * f + i for f in range(FRAMES) for i in range(k)]
