"""bnn_table: every element becomes its word of the table."""

from __future__ import annotations

import numpy as np
import pytest

from compute import image
from runner import run_streams
from stream_beats import pack, unpack


@pytest.mark.parametrize(("bits", "out", "lanes"), [(8, 8, 2), (1, 3, 5), (4, 1, 3), (5, 11, 1)])
def test_looks_up_every_element(bits: int, out: int, lanes: int) -> None:
    rng = np.random.default_rng(bits)
    table = rng.integers(0, 1 << out, 1 << bits)
    x = np.concatenate([np.arange(1 << bits), rng.integers(0, 1 << bits, 200)])
    x = x[: len(x) // lanes * lanes].reshape(-1, lanes)
    runs = run_streams(
        "bnn_table",
        {"IN_BITS": bits, "OUT_BITS": out, "LANES": lanes},
        {"s_axis": pack(x, lanes, bits)},
        {"m_axis": len(x)},
        files={"TABLE_FILE": image(table.reshape(-1, 1), out)},
    )
    for run in runs:
        assert (unpack(run.outputs["m_axis"].data, lanes, out) == table[x]).all(), run.pattern
    assert runs[0].inputs["s_axis"] == list(range(len(x)))
    assert runs[0].outputs["m_axis"].taken == list(range(1, len(x) + 1))
