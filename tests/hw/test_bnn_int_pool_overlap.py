"""bnn_int_pool_overlap: exact maxima and sums of windows of any phase, no cycle lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from bnnhw.hardware.units import KINDS
from bnnhw.planning.token_model import Flow
from runner import run_streams
from stream_beats import pack, unpack

FRAMES = 3
KIND = "bnn_int_pool_overlap"
MAXIMUM, SUM = 0, 1


@dataclass(frozen=True)
class Axis:
    """The windows along one axis; ``pads`` is before and after."""

    size: int
    kernel: int
    stride: int
    pads: tuple[int, int] = (0, 0)

    def windows(self) -> list[list[int]]:
        """The positions inside the image that each window covers."""
        count = (self.size + sum(self.pads) - self.kernel) // self.stride + 1
        starts = [i * self.stride - self.pads[0] for i in range(count)]
        return [[p for p in range(s, s + self.kernel) if 0 <= p < self.size] for s in starts]


@dataclass(frozen=True)
class Pool:
    """A pool; ``signed`` elements of ``bits``, 2-D windows of ``rows`` and ``columns``."""

    rows: Axis
    columns: Axis
    channels: int
    lanes: int
    operation: int = MAXIMUM
    bits: int = 8
    signed: int = 1
    style: int = 1

    def parameters(self) -> dict[str, int]:
        taps = self.rows.kernel * self.columns.kernel
        return {
            "OPERATION": self.operation,
            "ELEM_BITS": self.bits,
            "SIGNED": self.signed,
            "OUT_BITS": self.bits + ((taps - 1).bit_length() if self.operation else 0),
            "CHANNELS": self.channels,
            "LANES": self.lanes,
            "HEIGHT": self.rows.size,
            "WIDTH": self.columns.size,
            "KERNEL_H": self.rows.kernel,
            "KERNEL_W": self.columns.kernel,
            "STRIDE_H": self.rows.stride,
            "STRIDE_W": self.columns.stride,
            "PAD_TOP": self.rows.pads[0],
            "PAD_BOTTOM": self.rows.pads[1],
            "PAD_LEFT": self.columns.pads[0],
            "PAD_RIGHT": self.columns.pads[1],
            "RAM_STYLE": self.style,
        }

    def pooled(self, x: np.ndarray) -> np.ndarray:
        """The pool of frames (frame, row, column, channel), from its definition."""
        join = np.sum if self.operation else np.max
        return np.stack(
            [
                np.stack([join(x[:, r][:, :, c], axis=(1, 2)) for c in self.columns.windows()], 1)
                for r in self.rows.windows()
            ],
            1,
        )

    def completed_by(self) -> np.ndarray:
        """For each output beat of a frame, the input beat that it waits for."""
        folds = self.channels // self.lanes
        last = [
            (r[-1] * self.columns.size + c[-1]) * folds
            for r in self.rows.windows()
            for c in self.columns.windows()
        ]
        return (np.array(last)[:, None] + np.arange(folds)).reshape(-1)


CASES = [
    # Bi-Real Net's pool; the image odd, and without padding; then each overlap, with left-overs.
    Pool(Axis(8, 3, 2, (1, 1)), Axis(6, 3, 2, (1, 1)), 6, 2, bits=12, style=2),
    Pool(Axis(5, 3, 2, (1, 1)), Axis(7, 3, 2, (1, 1)), 3, 3, SUM),
    Pool(Axis(6, 3, 2), Axis(8, 3, 2, (0, 1)), 5, 1, signed=0, style=2),
    Pool(Axis(9, 5, 4, (1, 2)), Axis(4, 2, 1), 4, 2, SUM, bits=5),
    Pool(Axis(9, 4, 2, (1, 1)), Axis(7, 4, 2, (3, 0)), 8, 4, SUM, bits=9, style=2),
    Pool(Axis(11, 5, 3, (2, 2)), Axis(10, 5, 3, (4, 0)), 2, 1, signed=0, bits=7, style=2),
    # Windows side by side in padding, gaps between them, one axis alone, an image of one row.
    Pool(Axis(5, 2, 2, (1, 0)), Axis(6, 3, 3, (1, 2)), 4, 2, bits=1),
    Pool(Axis(8, 2, 3), Axis(9, 1, 3), 2, 2, SUM, signed=0),
    Pool(Axis(3, 1, 1), Axis(7, 3, 2, (1, 1)), 6, 2),
    Pool(Axis(1, 3, 2, (1, 1)), Axis(2, 5, 4, (2, 2)), 1, 1, bits=4),
]


def solved(pool: Pool) -> tuple[list[int], list[int]]:
    """When the token model has input beats taken and output beats given."""
    flow = Flow()
    p = pool.parameters()
    beats = p["HEIGHT"] * p["WIDTH"] * p["CHANNELS"] // p["LANES"]
    parts = [part(p, beats) for part in KINDS[KIND].timing]
    start = first = flow.event(parts[0].beats_in, 1)
    for part in parts:
        end = flow.event(part.beats_out, 1)
        flow.link(start, end, part)
        start = end
    flow.solve(FRAMES)
    return flow.moved[first], flow.moved[start]


@pytest.mark.parametrize("pool", CASES, ids=str)
def test_pools_exactly_and_loses_no_cycle(pool: Pool) -> None:
    rng = np.random.default_rng(pool.channels)
    bits, signed, p = pool.bits, pool.signed, pool.parameters()
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    x = rng.integers(low, high + 1, (FRAMES, p["HEIGHT"], p["WIDTH"], pool.channels))
    x[1, ..., 0::2], x[1, ..., 1::2] = low, high  # the extreme results, one frame after another
    expected = pool.pooled(x)
    runs = run_streams(
        KIND, p, {"s_axis": pack(x, pool.lanes, bits)}, {"m_axis": expected.size // pool.lanes}
    )
    for run in runs:
        got = unpack(run.outputs["m_axis"].data, pool.lanes, p["OUT_BITS"], bool(signed))
        assert (got.reshape(expected.shape) == expected).all(), run.pattern
    taken, given = runs[0].inputs["s_axis"], runs[0].outputs["m_axis"].taken
    beats = x.size // pool.lanes
    assert taken == list(range(beats))
    by = pool.completed_by() + (np.arange(FRAMES) * (beats // FRAMES))[:, None]
    assert given == (by.reshape(-1) + 2).tolist()
    assert [taken, given] == [list(moved) for moved in solved(pool)]
