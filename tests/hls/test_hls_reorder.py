"""The twins that reorder beats or deal them to two streams keep their contracts."""

from __future__ import annotations

import numpy as np
import pytest
from hls_golden import beats_of
from hls_harness import Case, Outcome, check, run_cases
from test_hls_checks import compiler_messages

from bnnhw.hardware.units.pads import ready_depth

CALLS = 2


def transpose_case(
    name: str, bits: int, lanes: int, size: tuple[int, int], *, frames: int = 1, style: int = 0
) -> Case:
    """``frames`` of the unit per call."""
    rng = np.random.default_rng(len(name) + 10 * size[0] + size[1])
    x = rng.integers(0, 1 << bits, (CALLS * frames, *size, lanes))
    params = {"ELEM_BITS": bits, "LANES": lanes, "ROWS": size[0], "COLUMNS": size[1],
              "RAM_STYLE": style, "BEATS": frames * size[0] * size[1]}  # fmt: skip
    beats, expected = (beats_of(y, lanes, bits) for y in (x, x.swapaxes(1, 2)))
    width = bits * lanes
    return Case(name, "bnn_transpose", params, width, width, beats, expected, CALLS)


def split_case(name: str, bits: int, lanes: int, folds: tuple[int, int], pixels: int) -> Case:
    rng = np.random.default_rng(100 * bits + lanes)
    a, b = (rng.integers(0, 1 << bits, (CALLS * pixels, n * lanes)) for n in folds)
    beats = beats_of(np.concatenate([a, b], axis=1), lanes, bits)
    expected = beats_of(a, lanes, bits) + beats_of(b, lanes, bits)
    params = {"ELEM_BITS": bits, "LANES": lanes, "FOLDS0": folds[0], "FOLDS1": folds[1],
              "BEATS": pixels * sum(folds)}  # fmt: skip
    return Case(name, "bnn_split", params, bits * lanes, bits * lanes, beats, expected, CALLS,
                out_shares=folds)  # fmt: skip


def pad_case(
    name: str,
    bits: int,
    channels: int,
    lanes: int,
    size: tuple[int, int],
    pads: tuple[int, int, int, int],
    *,
    reflect: int = 1,
    frames: int = 1,
    less: int = 0,
    style: int = 0,
) -> Case:
    """``frames`` images per call; pads: top, bottom, left, right; a DEPTH ``less`` than best."""
    rng = np.random.default_rng(len(name) + sum(pads))
    x = rng.integers(0, 1 << bits, (CALLS * frames, *size, channels))
    sides = ((0, 0), pads[:2], pads[2:], (0, 0))
    y = np.pad(x, sides, mode="reflect" if reflect else "edge")
    params = {"ELEM_BITS": bits, "CHANNELS": channels, "HEIGHT": size[0], "WIDTH": size[1]}
    names = ("PAD_TOP", "PAD_BOTTOM", "PAD_LEFT", "PAD_RIGHT")
    params |= dict(zip(names, pads, strict=True)) | {"REFLECT": reflect, "LANES": lanes}
    beats = frames * size[0] * size[1] * channels // lanes
    params |= {"DEPTH": ready_depth(params) - less, "RAM_STYLE": style, "BEATS": beats}
    given, expected = (beats_of(v, lanes, bits) for v in (x, y))
    return Case(name, "bnn_pad", params, bits * lanes, bits * lanes, given, expected, CALLS)


CASES = [
    transpose_case("transpose", 1, 8, (7, 3)),
    transpose_case("transpose_frames", 12, 3, (3, 7), frames=5, style=1),
    transpose_case("transpose_square", 5, 1, (2, 2), frames=7),
    transpose_case("transpose_wide", 8, 20, (9, 5), frames=3, style=2),
    transpose_case("transpose_row", 4, 2, (1, 6), frames=2),
    transpose_case("transpose_column", 4, 2, (5, 1), frames=3),
    transpose_case("transpose_one", 4, 2, (1, 1), frames=5),
    pad_case("pad_reflect", 8, 6, 3, (5, 6), (1, 1, 1, 1), frames=3, style=1),
    pad_case("pad_edge", 8, 3, 1, (4, 5), (2, 1, 0, 6), reflect=0, frames=2, style=2),
    pad_case("pad_far", 1, 8, 2, (4, 4), (3, 3, 3, 3)),
    pad_case("pad_shallow", 1, 8, 2, (4, 4), (3, 3, 3, 3), frames=3, less=45),
    pad_case("pad_pixel", 5, 2, 2, (1, 1), (1, 2, 3, 0), reflect=0, frames=2),
    pad_case("pad_signal", 6, 4, 4, (1, 7), (0, 0, 2, 3), frames=2),
    pad_case("pad_one_side", 12, 20, 20, (3, 2), (0, 2, 0, 0)),
    split_case("split", 8, 3, (2, 2), 5),
    split_case("split_bits", 1, 8, (1, 5), 7),
    split_case("split_wide", 12, 20, (3, 1), 4),
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    return run_cases(CASES, tmp_path_factory.mktemp("reorder"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_twin_does_what_its_contract_says(case: Case, outcomes: dict[str, Outcome]) -> None:
    check(case, outcomes)


LEGAL = {case.kind: dict(case.params) for case in reversed(CASES)}
ILLEGAL: list[tuple[str, dict[str, int], str]] = [
    ("bnn_transpose", {"ROWS": 0}, "sizes are positive"),
    ("bnn_transpose", {"BEATS": 22}, "a call is a whole number of frames"),
    ("bnn_transpose", {"RAM_STYLE": 4}, "a style is 0 to 3"),
    ("bnn_pad", {"REFLECT": 2}, "REFLECT is 0 or 1"),
    ("bnn_pad", {"LANES": 4}, "LANES divides CHANNELS"),
    ("bnn_pad", {"PAD_LEFT": 6}, "a reflection is less than the image"),
    ("bnn_pad", {"PAD_TOP": -1}, "padding is not negative"),
    ("bnn_pad", {"DEPTH": 23}, "the buffer holds the rows that are reflected"),
    ("bnn_pad", {"BEATS": 90}, "a call is a whole number of images"),
    ("bnn_split", {"FOLDS1": 0}, "both sides have beats"),
    ("bnn_split", {"BEATS": 9}, "a frame holds whole pixels"),
]


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    instances = [(kind, {**LEGAL[kind], **change}) for kind, change, _ in ILLEGAL]
    return compiler_messages(tmp_path_factory.mktemp("illegal"), instances)


@pytest.mark.parametrize("number", range(len(ILLEGAL)))
def test_illegal_parameters_are_refused(number: int, messages: dict[int, str]) -> None:
    assert f"static assertion failed: {ILLEGAL[number][2]}" in messages.get(number, "")
