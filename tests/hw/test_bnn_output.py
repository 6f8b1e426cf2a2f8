"""bnn_output: sign-extends scores, marks the last beat of each frame, reports frames."""

from __future__ import annotations

import numpy as np
import pytest

from runner import PATTERNS, run_streams
from stream_beats import pack

#: ELEM_BITS, LANES, FIELD_BITS, FRAME_BEATS.
CONFIGS = [(12, 1, 16, 10), (8, 4, 8, 3), (1, 8, 8, 1), (17, 2, 32, 5), (64, 1, 64, 4)]


@pytest.mark.parametrize("frames", [0, 1, 2, 3])
@pytest.mark.parametrize(("bits", "lanes", "field", "beats"), CONFIGS)
def test_sign_extends_and_ends_packets_of_frames(
    bits: int, lanes: int, field: int, beats: int, frames: int
) -> None:
    count = 6 * beats
    packet = max(1, frames) * beats
    low, top = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    values = np.random.default_rng(5).integers(low, top, count * lanes, endpoint=True)
    values[0], values[-1] = low, top
    runs = run_streams(
        "bnn_output",
        {"ELEM_BITS": bits, "LANES": lanes, "FIELD_BITS": field, "FRAME_BEATS": beats},
        {"s_axis": pack(values, lanes, bits)},
        {"m_axis": count},
        patterns=PATTERNS,
        statics={"packet_frames_i": frames, "stop_i": 0},
        watch=["frame_o", "closed_o"],
    )
    for run in runs:
        out = run.outputs["m_axis"]
        assert out.data == pack(values, lanes, field)
        assert out.last == [int(i % packet == packet - 1) for i in range(count)]
        assert run.watch["closed_o"][-1][1] == int(count % packet == 0)
        pulses = {cycle for cycle, value in run.watch["frame_o"] if value}
        ends = [t + 1 for i, t in enumerate(out.taken) if i % beats == beats - 1]
        assert pulses == {t for t in ends if t - 1 not in ends}
    assert runs[0].inputs["s_axis"] == list(range(count))
    assert runs[0].outputs["m_axis"].taken == list(range(1, count + 1))
