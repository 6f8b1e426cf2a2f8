"""bnn_pad: images grow by their own pixels, in the cycles of the token model, none lost."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.hardware.units import KINDS
from bnnhw.hardware.units.pads import pad_depth, ready_depth
from bnnhw.planning.token_model import Flow
from runner import PATTERNS, Pattern, run_streams
from stream_beats import pack

SIDES = ("PAD_TOP", "PAD_BOTTOM", "PAD_LEFT", "PAD_RIGHT")
#: ELEM_BITS, CHANNELS, LANES, height and width, pads (top, bottom, left, right), REFLECT, beats of
#: DEPTH less than it takes not to stall, RAM_STYLE.
CASES = [
    (8, 3, 3, (5, 6), (1, 1, 1, 1), 1, 0, 1),
    (8, 3, 1, (5, 6), (1, 1, 1, 1), 0, 0, 2),
    (1, 8, 2, (4, 4), (3, 3, 3, 3), 1, 0, 0),  # as far as a reflection goes
    (1, 8, 2, (4, 4), (3, 3, 3, 3), 1, 30, 0),  # and with the rows that it needs alone
    (4, 2, 1, (4, 5), (5, 7, 6, 8), 0, 0, 1),  # an edge goes further
    (3, 4, 2, (1, 5), (2, 1, 0, 3), 0, 0, 1),  # one row
    (3, 4, 4, (5, 1), (1, 0, 2, 2), 0, 0, 0),  # one column
    (5, 2, 2, (1, 1), (1, 2, 3, 0), 0, 0, 1),  # one pixel
    (6, 1, 1, (1, 7), (0, 0, 2, 3), 1, 0, 1),  # signals
    (6, 6, 2, (7, 1), (3, 2, 0, 0), 1, 0, 2),
    (2, 4, 4, (6, 3), (2, 0, 0, 0), 1, 0, 1),  # one side alone
    (2, 4, 1, (6, 3), (0, 3, 0, 0), 1, 0, 0),
    (2, 4, 2, (3, 4), (0, 0, 3, 0), 1, 0, 1),
    (2, 4, 2, (3, 4), (0, 0, 0, 2), 1, 1, 1),
    (7, 2, 1, (3, 3), (0, 2, 0, 1), 0, 1, 1),
    (4, 6, 3, (4, 3), (0, 0, 0, 0), 1, 0, 1),  # nothing
]
COUNT = 4


def parameters(case: tuple) -> dict[str, int]:
    bits, channels, lanes, size, pads, reflect, less, style = case
    params = {"ELEM_BITS": bits, "CHANNELS": channels, "HEIGHT": size[0], "WIDTH": size[1]}
    params |= dict(zip(SIDES, pads, strict=True)) | {"REFLECT": reflect, "LANES": lanes}
    return params | {"DEPTH": ready_depth(params) - less, "RAM_STYLE": style}


def padded(x: np.ndarray, case: tuple) -> np.ndarray:
    """Frames [N, H, W, C] as numpy pads them."""
    top, bottom, left, right = case[4]
    sides = ((0, 0), (top, bottom), (left, right), (0, 0))
    return np.pad(x, sides, mode="reflect" if case[5] else "edge")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gives_padded_images_in_the_cycles_of_the_token_model(case: tuple) -> None:
    bits, channels, lanes, size = case[:4]
    params = parameters(case)
    rng = np.random.default_rng(sum(case[4]))
    x = rng.integers(0, 1 << bits, (COUNT, *size, channels))
    expected = pack(padded(x, case), lanes, bits)
    runs = run_streams(
        "bnn_pad",
        params,
        {"s_axis": pack(x, lanes, bits)},
        {"m_axis": len(expected)},
        patterns=(*PATTERNS, Pattern("bursts", "half", 7), Pattern("always", "bursts", 8)),
    )
    for run in runs:
        assert run.outputs["m_axis"].data == expected, run.pattern
    frame_in, frame_out = (n // COUNT for n in (x.size // lanes, len(expected)))
    (part,) = KINDS["bnn_pad"].timing
    flow = Flow()
    start, end = flow.event(frame_in, 1), flow.event(frame_out, 1)
    flow.link(start, end, part(params, frame_in))
    flow.solve(COUNT)
    begin = flow.moved[start][0]
    assert runs[0].inputs["s_axis"] == [cycle - begin for cycle in flow.moved[start]]
    taken = runs[0].outputs["m_axis"].taken
    assert taken == [cycle - begin for cycle in flow.moved[end]]
    if not case[6]:  # once the second frame has begun, a beat in every cycle
        assert np.diff(taken[frame_out:]).tolist() == [1] * (len(taken) - frame_out - 1)


def test_no_stall_depth_is_the_least_without_stalls() -> None:
    """Checked on the token model, which the unit keeps to the cycle."""
    rng = np.random.default_rng(3)
    (part,) = KINDS["bnn_pad"].timing
    for _ in range(60):
        reflect = int(rng.integers(2))
        size = rng.integers(2, 7, 2).tolist()
        pads = [int(rng.integers(0, min(n, 4))) for n in (size[0], size[0], size[1], size[1])]
        params = parameters((1, 4, int(rng.choice([1, 2, 4])), size, pads, reflect, 0, 0))
        folds = 4 // params["LANES"]
        least = (reflect * max(pads[:2]) + 1) * size[1] * folds
        for depth in (params["DEPTH"], params["DEPTH"] - 1):
            flow, beats = Flow(), size[0] * size[1] * folds
            out = (size[0] + pads[0] + pads[1]) * (size[1] + pads[2] + pads[3]) * folds
            start, end = flow.event(beats, 1), flow.event(out, 1)
            flow.link(start, end, part(params | {"DEPTH": depth}, beats))
            flow.solve(4)
            stalls = (np.diff(flow.moved[end])[out - 1 :] > 1).any()
            assert stalls == (depth < params["DEPTH"]), (params, depth)
            if depth - 1 < max(least, 2):
                break


def test_no_stall_depth_is_enough_at_an_even_pace_too() -> None:
    """The compiler's depth: once both sides have settled, neither waits for the other."""
    rng = np.random.default_rng(4)
    (part,) = KINDS["bnn_pad"].timing
    for _ in range(40):
        reflect = int(rng.integers(2))
        size = rng.integers(1, 8, 2).tolist()
        most = [n - 1 if reflect else 4 for n in (size[0], size[0], size[1], size[1])]
        pads = [int(rng.integers(0, min(n, 4) + 1)) for n in most]
        params = parameters((1, 4, int(rng.choice([1, 2, 4])), size, pads, reflect, 0, 0))
        params["DEPTH"] = pad_depth(params)
        timing = part(params, size[0] * size[1] * 4 // params["LANES"])
        frame_in, frame_out = timing.beats_in, timing.beats_out
        came: list[int] = []
        went: list[int] = []
        late = 0
        cycle = 0
        while len(went) < 5 * frame_out:
            out, out_frame = len(went) % frame_out, len(went) // frame_out
            needed = timing.needs[out] + out_frame * frame_in
            new, new_frame = len(came) % frame_in, len(came) // frame_in
            freed = timing.frees[new] + new_frame * frame_out
            due = -(-len(came) * frame_out // frame_in)
            room = freed < 0 or (freed < len(went) and went[freed] + timing.free_delay <= cycle)
            goes = needed < len(came) and came[needed] + timing.latency <= cycle
            if cycle >= due:
                late += not room and new_frame >= 2
                if room:
                    came.append(cycle)
            if goes:
                went.append(cycle)
            cycle += 1
        assert late == 0, params
        assert went[-1] - went[3 * frame_out] == 2 * frame_out - 1, params
