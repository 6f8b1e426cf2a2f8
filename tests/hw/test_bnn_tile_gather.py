"""bnn_tile_gather: tiles of few channels become tiles of many, pixel by pixel, no cycle lost."""

from __future__ import annotations

import numpy as np
import pytest

from runner import run_streams
from stream_beats import pack

CASES = [
    # elem_bits, pixels, in_lanes, out_lanes, tiles out
    (1, 6, 2, 8, 3),
    (1, 4, 1, 9, 2),
    (12, 5, 2, 4, 4),
    (3, 1, 1, 3, 9),  # one pixel
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gathers_the_channels_of_each_pixel(case: tuple[int, ...]) -> None:
    bits, pixels, lanes_in, lanes_out, tiles = case
    rng = np.random.default_rng(pixels)
    frames = 2
    x = rng.integers(0, 1 << bits, (frames, pixels, tiles * lanes_out))  # channels innermost

    def tile_major(lanes: int) -> list[int]:
        return pack(x.reshape(frames, pixels, -1, lanes).swapaxes(1, 2), lanes, bits)

    runs = run_streams(
        "bnn_tile_gather",
        {"ELEM_BITS": bits, "PIXELS": pixels, "IN_LANES": lanes_in, "OUT_LANES": lanes_out},
        {"s_axis": tile_major(lanes_in)},
        {"m_axis": frames * tiles * pixels},
    )
    for run in runs:
        assert run.outputs["m_axis"].data == tile_major(lanes_out), run.pattern
    taken = runs[0].inputs["s_axis"]
    assert taken == list(range(frames * pixels * tiles * lanes_out // lanes_in))
    last = np.array(taken).reshape(-1, lanes_out // lanes_in, pixels)[:, -1]
    assert runs[0].outputs["m_axis"].taken == (last.reshape(-1) + 1).tolist()
