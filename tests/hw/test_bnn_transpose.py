"""bnn_transpose: a frame row by row comes out column by column, in place, no cycle lost."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from bnnhw.hardware.units import KINDS
from bnnhw.planning.token_model import Flow
from runner import PATTERNS, Pattern, run_streams
from stream_beats import pack

CASES = [
    # elem_bits, lanes, rows, columns, style
    (1, 8, 7, 3, 0),
    (12, 3, 3, 7, 1),
    (5, 1, 2, 2, 1),
    (16, 2, 9, 5, 2),
    (4, 3, 2, 11, 2),
    (3, 1, 13, 2, 0),
    (8, 1, 1, 6, 0),  # in the same order
    (8, 2, 5, 1, 1),
    (7, 1, 1, 1, 0),
]
FRAMES = 6


def walk(rows: int, columns: int, frames: int) -> list[list[int]]:
    """The slot of each beat of each frame, as the unit finds it."""
    last, stride, slots = rows * columns - 1, 1, []
    for _ in range(frames):
        found = [0]
        while found[-1] != last:
            moved = found[-1] + stride
            found.append(moved - last if moved > last else moved)
        slots.append(found)
        stride = found[columns]
    return slots


@pytest.mark.parametrize("rows", range(2, 15))
def test_slots_follow_the_rule_at_every_size(rows: int) -> None:
    for columns in range(2, 15):
        beats = np.arange(rows * columns)
        order = beats.reshape(rows, columns).T.ravel()  # of the beats that go out
        place = beats
        for slots in walk(rows, columns, 50):
            assert slots == place.tolist()
            place = place[order]  # a beat comes where one has gone


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gives_columns_of_each_frame_and_loses_no_cycle(case: tuple[int, ...]) -> None:
    bits, lanes, rows, columns, style = case
    params = {
        **{"ELEM_BITS": bits, "LANES": lanes},
        **{"ROWS": rows, "COLUMNS": columns, "RAM_STYLE": style},
    }
    rng = np.random.default_rng(rows * 100 + columns)
    x = rng.integers(0, 1 << bits, (FRAMES, rows, columns, lanes))
    expected = pack(x.swapaxes(1, 2), lanes, bits)
    runs = run_streams(
        "bnn_transpose",
        params,
        {"s_axis": pack(x, lanes, bits)},
        {"m_axis": len(expected)},
        patterns=(*PATTERNS, Pattern("bursts", "half", 7), Pattern("always", "bursts", 8)),
    )
    for run in runs:
        assert run.outputs["m_axis"].data == expected, run.pattern
    beats, frame = np.arange(len(expected)), rows * columns
    first = 2 if 1 in (rows, columns) else (rows - 1) * columns + 2
    assert runs[0].inputs["s_axis"] == beats.tolist()
    assert runs[0].outputs["m_axis"].taken == (beats + first).tolist()
    # With a sink that stops it takes a frame, and of the next what has room.
    stopped = runs[3]
    taken, read = np.array(stopped.inputs["s_axis"]), np.array(stopped.outputs["m_axis"].taken)
    room = max(frame, 2)
    assert all(taken[room + 1 :] > read[: -room - 1])


@pytest.mark.parametrize(("rows", "columns"), list(product((1, 2, 3, 8), (1, 2, 5, 7))))
def test_the_token_model_gives_each_beat_its_cycle_whatever_a_frame_takes(
    rows: int, columns: int
) -> None:
    """Frames of the design hold two of the unit's; input and output without a pause."""
    params = {"ROWS": rows, "COLUMNS": columns}
    beats = 2 * rows * columns
    (part,) = KINDS["bnn_transpose"].timing
    flow = Flow()
    start, end = flow.event(beats, 1), flow.event(beats, 1)
    flow.link(start, end, part(params, beats))
    flow.solve(3)
    first = 2 if 1 in (rows, columns) else (rows - 1) * columns + 2
    assert np.diff(flow.moved[start]).tolist() == [1] * (3 * beats - 1)
    assert [moved - flow.moved[start][0] for moved in flow.moved[end]] == list(
        range(first, first + 3 * beats)
    )
