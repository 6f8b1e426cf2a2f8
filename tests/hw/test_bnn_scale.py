"""bnn_scale: exact products by a factor per pixel or per channel; no cycle lost."""

from __future__ import annotations

import numpy as np
import pytest

from runner import PATTERNS, Pattern, run_streams
from stream_beats import pack, unpack

CASES = [
    # bits, signed, factor bits, factor signed, lanes, factors, depth, rounds, style
    (12, True, 8, False, 4, 1, 1, 4, 2),
    (9, True, 8, True, 2, 1, 1, 1, 2),
    (6, False, 5, False, 3, 1, 1, 7, 1),
    (12, True, 8, False, 2, 2, 4, 9, 2),
    (10, True, 7, True, 3, 3, 1, 6, 1),
    (8, True, 8, False, 1, 1, 12, 3, 2),
    (16, True, 9, False, 2, 1, 5, 2, 1),
]


@pytest.mark.parametrize(
    ("bits", "signed", "factor_bits", "factor_signed", "lanes", "factors", "depth", "rounds",
     "style"),
    CASES,
)  # fmt: skip
def test_multiplies_exactly(
    bits: int,
    signed: bool,
    factor_bits: int,
    factor_signed: bool,
    lanes: int,
    factors: int,
    depth: int,
    rounds: int,
    style: int,
) -> None:
    rng = np.random.default_rng(bits * 100 + lanes)
    blocks = 60 // (depth * rounds) + 2
    x = rng.integers(*_ends(bits, signed), (blocks, rounds, depth, lanes))
    f = rng.integers(*_ends(factor_bits, factor_signed), (blocks, 1, depth, factors))
    x[0], f[0] = _ends(bits, signed)[0], _ends(factor_bits, factor_signed)[0]
    f[1] = _ends(factor_bits, factor_signed)[1] - 1
    products = x * f
    out_bits = bits + factor_bits
    signed_out = signed or factor_signed
    runs = run_streams(
        "bnn_scale",
        {
            "IN_BITS": bits,
            "IN_SIGNED": int(signed),
            "FACTOR_BITS": factor_bits,
            "FACTOR_SIGNED": int(factor_signed),
            "OUT_BITS": out_bits,
            "LANES": lanes,
            "FACTORS": factors,
            "DEPTH": depth,
            "ROUNDS": rounds,
            "MULTIPLY_STYLE": style,
        },
        {
            "s0_axis": pack(x.reshape(-1, lanes), lanes, bits),
            "s1_axis": pack(f.reshape(-1, factors), factors, factor_bits),
        },
        {"m_axis": blocks * rounds * depth},
        patterns=(*PATTERNS, Pattern("half", "always", 7), Pattern("bursts", "half", 8)),
    )
    beats = np.arange(blocks * rounds * depth).reshape(blocks, rounds, depth)
    for run in runs:
        got = unpack(run.outputs["m_axis"].data, lanes, out_bits, signed=signed_out)
        assert (got.reshape(products.shape) == products).all(), run.pattern
        taken = np.array(run.inputs["s0_axis"]).reshape(beats.shape)
        assert run.inputs["s1_axis"] == taken[:, 0].ravel().tolist(), run.pattern
    latency = 4 if style == 2 else 1 + -(-(factor_bits + 1 - factor_signed) // 4)
    assert runs[0].inputs["s0_axis"] == list(range(beats.size))
    assert runs[0].outputs["m_axis"].taken == list(range(latency, latency + beats.size))


def _ends(bits: int, signed: bool) -> tuple[int, int]:
    """Least number and one beyond the greatest."""
    return (-(1 << (bits - 1)), 1 << (bits - 1)) if signed else (0, 1 << bits)
