"""bnn_output: sign-extends scores, marks the last beat of each frame, reports frames."""

from __future__ import annotations

import numpy as np
import pytest

from runner import PATTERNS, pack, run_streams

#: ELEM_BITS, LANES, FIELD_BITS, FRAME_BEATS.
CONFIGS = [(12, 1, 16, 10), (8, 4, 8, 3), (1, 8, 8, 1), (17, 2, 32, 5), (64, 1, 64, 4)]


@pytest.mark.parametrize(("bits", "lanes", "field", "beats"), CONFIGS)
def test_sign_extends_and_ends_frames(bits: int, lanes: int, field: int, beats: int) -> None:
    count = 6 * beats
    low, top = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    values = np.random.default_rng(5).integers(low, top, count * lanes, endpoint=True)
    values[0], values[-1] = low, top
    runs = run_streams(
        "bnn_output",
        {"ELEM_BITS": bits, "LANES": lanes, "FIELD_BITS": field, "FRAME_BEATS": beats},
        {"s_axis": pack(values, lanes, bits)},
        {"m_axis": count},
        patterns=PATTERNS,
        watch=["frame_o"],
    )
    for run in runs:
        out = run.outputs["m_axis"]
        assert out.data == pack(values, lanes, field)
        assert out.last == [int(i % beats == beats - 1) for i in range(count)]
        pulses = {cycle for cycle, value in run.watch["frame_o"] if value}
        ends = [t + 1 for t, is_last in zip(out.taken, out.last, strict=True) if is_last]
        assert pulses == {t for t in ends if t - 1 not in ends}
    assert runs[0].inputs["s_axis"] == list(range(count))
    assert runs[0].outputs["m_axis"].taken == list(range(1, count + 1))
