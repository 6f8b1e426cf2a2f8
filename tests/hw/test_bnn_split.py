"""bnn_split: of each pixel the first channels on one stream, the others on another, in order."""

from __future__ import annotations

import numpy as np
import pytest

from runner import PATTERNS, Pattern, run_streams
from stream_beats import pack

CASES = [
    # bits, lanes, folds of the first, folds of the second
    (8, 2, 1, 1),
    (12, 3, 4, 4),
    (1, 8, 1, 5),
    (5, 1, 7, 1),
    (16, 2, 2, 6),
]


@pytest.mark.parametrize(("bits", "lanes", "first", "second"), CASES)
def test_deals_each_pixel_to_the_first_then_to_the_second(
    bits: int, lanes: int, first: int, second: int
) -> None:
    rng = np.random.default_rng(bits * 100 + lanes)
    pixels, folds = 24, first + second
    x = rng.integers(0, 1 << bits, (pixels, folds * lanes))
    expected = [pack(part, lanes, bits) for part in np.split(x, [first * lanes], axis=1)]
    runs = run_streams(
        "bnn_split",
        {"ELEM_BITS": bits, "LANES": lanes, "FOLDS0": first, "FOLDS1": second},
        {"s_axis": pack(x, lanes, bits)},
        {"m0_axis": len(expected[0]), "m1_axis": len(expected[1])},
        patterns=(*PATTERNS, Pattern("always", "half", 7), Pattern("half", "shy", 8)),
    )
    place = np.arange(pixels * folds).reshape(pixels, folds)
    order = np.argsort(np.concatenate([place[:, :first].ravel(), place[:, first:].ravel()]))
    for run in runs:
        outputs = list(run.outputs.values())
        assert [out.data for out in outputs] == expected, run.pattern
        accepted = run.inputs["s_axis"]
        appeared = np.concatenate([out.appeared for out in outputs])[order]
        assert appeared.tolist() == [cycle + 1 for cycle in accepted], run.pattern
        # The one register takes a beat when the one before goes, on whichever stream.
        taken = np.concatenate([out.taken for out in outputs])[order]
        assert all(taken[:-1] <= accepted[1:]), run.pattern
    assert runs[0].inputs["s_axis"] == place.ravel().tolist()
    for out, part in zip(
        runs[0].outputs.values(), (slice(0, first), slice(first, None)), strict=True
    ):
        assert out.taken == (place[:, part] + 1).ravel().tolist()
