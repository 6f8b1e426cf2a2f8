"""The token model against cycle-by-cycle models of the units and against plain arithmetic."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from bnnhw.errors import BnnhwError
from bnnhw.hardware.board import load_board
from bnnhw.hardware.units import KINDS
from bnnhw.hardware.window_sizes import window_depth, window_lines
from bnnhw.ir.ops import Window
from bnnhw.passes import run
from bnnhw.planning import token_model, token_solve
from bnnhw.planning.fifo_depths import size_fifos
from bnnhw.planning.lower import lower, with_fifo_depths
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from bnnhw.planning.token_model import Flow, ideal_cycles, predict
from graphs import cnv, digits
from residual import bireal

sys.path.append(str(Path(__file__).resolve().parents[2] / "hw"))
from window_model import ParallelTiming, WindowShape, WindowTiming

SHAPES = [
    WindowShape(4, height, width, kernel, stride, (pad, pad, pad, pad))
    for (height, width), kernel, stride, pad in product(
        [(8, 8), (9, 7), (5, 12)], [(3, 3), (5, 5)], [(1, 1), (2, 2), (2, 1)], [0, 1, 2]
    )
    if height + 2 * pad >= kernel[0] and width + 2 * pad >= kernel[1]
]


def moves_forward(shape):
    """Whether no window, of this frame or the next, begins before the one ahead of it."""
    keeps = [keep for _, keep in WindowTiming(shape, 1, 1, False, 0).reads]
    first = WindowTiming(shape, 1, 1, False, 0).first_keep
    return keeps == sorted(keeps) and keeps[-1] == first + shape.pixels


def model(kind, params):
    beats = params["HEIGHT"] * params["WIDTH"] * params["CHANNELS"] // params["SIMD"]
    return [part(params, beats) for part in KINDS[kind].timing]


def solve(timings, frames):
    """When each beat moves, by event, through the parts one after another."""
    flow = Flow()
    start = flow.event(timings[0].beats_in, 1)
    for timing in timings:
        end = flow.event(timing.beats_out, 1)
        flow.link(start, end, timing)
        start = end
    flow.solve(frames)
    return flow.moved


def worst_lag(a, b):
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("shape", filter(moves_forward, SHAPES), ids=str)
@pytest.mark.parametrize(
    ("folds", "repeats", "groups"), [(1, 1, 1), (2, 3, 1), (4, 2, 1), (4, 2, 2), (4, 1, 4)]
)
def test_window_moves_beats_within_a_few_cycles_of_the_unit(shape, folds, repeats, groups):
    window = Window(shape.kernel, shape.stride, shape.pads)
    depth = window_depth(window, shape.height, shape.width, folds)
    params = shape.parameters() | {
        "SIMD": 4 // folds,
        "REPEATS": repeats,
        "GROUPS": groups,
        "CHANNEL_OUTER": 0,
        "DEPTH": depth,
    }
    moved = solve(model("bnn_window", params), 3)
    taken, given = WindowTiming(shape, folds, repeats, False, depth, groups).cycles(3)
    assert worst_lag(moved[1], given) <= 4
    assert worst_lag(moved[0], taken) <= 4


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("folds", "repeats"), [(1, 1), (2, 1), (4, 3)])
def test_parallel_window_keeps_within_a_few_cycles_of_the_unit(shape, folds, repeats):
    taps = 4 * shape.kernel[0] * shape.kernel[1]
    window = Window(shape.kernel, shape.stride, shape.pads)
    lines = window_lines(window, shape.height, shape.width)
    params = shape.parameters() | {"SIMD": taps // folds, "REPEATS": repeats, "LINES": lines}
    timing = ParallelTiming(shape, folds * repeats, lines)
    assert lines == timing.no_stall_lines
    moved = solve(model("bnn_window_parallel", params), 3)
    _, given = timing.cycles(3)
    assert worst_lag([g - given[0] for g in given], [m - moved[-1][0] for m in moved[-1]]) <= 4


@pytest.mark.parametrize("cycles", [32_768, 8_192, None])
def test_cnv_is_predicted_to_keep_the_pace_of_its_bottleneck(cycles):
    network = Network(cnv().graph())
    choice = FoldingSearch(network, load_board("pynq-z2")).choose(Target(cycles))
    design, prediction = size_fifos(
        lower(network, choice.folding, board=load_board("pynq-z2"), clock_mhz=100.0)
    )
    ideal = ideal_cycles(design)
    assert ideal <= prediction.cycles_per_frame <= ideal * 1.01
    assert prediction.latency_cycles > prediction.cycles_per_frame


def test_fifos_are_only_where_the_design_is_slower_without():
    network = Network(cnv().graph())
    choice = FoldingSearch(network, load_board("pynq-z2")).choose(Target())
    design, prediction = size_fifos(
        lower(network, choice.folding, board=load_board("pynq-z2"), clock_mhz=100.0)
    )
    depths = {name: s.depth for name, s in design.streams.items() if s.depth}
    for name in depths:
        without = with_fifo_depths(design, {name: 0})
        assert predict(without).cycles_per_frame > prediction.cycles_per_frame


def test_window_depth_is_the_longest_way_ahead_of_any_pixel() -> None:
    """From the first pixel of a window to the last of the next, also in the next frame."""
    random = np.random.default_rng(1)
    for _ in range(200):
        kernel, stride = random.integers(1, 5, 2), random.integers(1, 4, 2)
        pads, size = random.integers(0, np.tile(kernel, 2) + 1), random.integers(1, 9, 2)
        out = (size + pads[:2] + pads[2:] - kernel) // stride + 1
        if out.min() < 1:
            continue
        corners = np.stack(np.unravel_index(np.arange(out.prod()), out), axis=1)
        first = corners * stride - pads[:2]
        first, last = (np.clip(v, 0, size - 1) for v in (first, first + kernel - 1))
        first, last = (v[:, 0] * size[1] + v[:, 1] for v in (first, last))
        ahead = np.append(last[1:], size.prod() + last[0]) - first
        touched = (kernel[0] - 1) * size[1] + kernel[1]
        want = max(2, ahead.max() + 1, touched, pads[0] * size[1] + pads[1] + 1)
        window = Window(*(tuple(v.tolist()) for v in (kernel, stride, pads)))
        assert window_depth(window, *size.tolist(), 1) == want


def test_a_buffer_too_small_for_a_window_is_a_deadlock_not_a_guess():
    shape = WindowShape(1, 8, 8)
    params = shape.parameters() | {"SIMD": 1, "REPEATS": 1, "CHANNEL_OUTER": 0, "DEPTH": 10}
    params["GROUPS"] = 1
    with pytest.raises(BnnhwError, match="deadlock"):
        solve(model("bnn_window", params), 1)


def test_latency_of_a_single_frame_is_the_fill_of_the_chain():
    network = Network(digits().graph())
    choice = FoldingSearch(network, load_board("pynq-z2")).choose(Target(4_096))
    design = lower(network, choice.folding, board=load_board("pynq-z2"), clock_mhz=100.0)
    prediction = predict(design)
    assert prediction.latency_cycles >= max(s.beats for s in design.streams.values())


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("name", ["digits", "residual"])
def test_machine_code_moves_each_token_when_python_does(name, exact, monkeypatch) -> None:
    """Of beats and of pixels, whose events may be tied."""
    pytest.importorskip("numba")
    assert token_solve.machine_code() is not None
    monkeypatch.setattr(token_model, "_EXACT_BEATS", 500_000 * exact)
    solved = []

    def both(equations: token_solve.Equations, frames: int) -> dict[int, object]:
        advance = token_solve.machine_code()
        solved.append(token_solve.in_machine_code(advance, equations, frames))
        want = token_solve.in_python(equations, frames)
        assert solved[-1] == want
        return want

    monkeypatch.setattr(token_model, "solve", both)
    network = Network(digits().graph() if name == "digits" else run(bireal().graph()))
    choice = FoldingSearch(network, load_board("pynq-z2")).choose(Target(20_000))
    size_fifos(lower(network, choice.folding, board=load_board("pynq-z2"), clock_mhz=100.0))
    assert solved


def test_machine_code_stops_at_a_deadlock_too() -> None:
    advance = token_solve.machine_code() or pytest.skip("numba is missing")
    index, lag = np.arange(8), np.zeros(8, np.int64)
    first = token_solve.Bound(1, 8, index - 3, token_solve.ANY, lag)
    second = token_solve.Bound(0, 8, np.where(index > 4, index + 3, index), 0, lag + 2)
    equations = token_solve.Equations([8, 8], [1, 1], [[first], [second]], [0, 1])
    found = token_solve.in_python(equations, 3)
    assert found == token_solve.in_machine_code(advance, equations, 3)
    assert 0 < len(found[1]) < 24
