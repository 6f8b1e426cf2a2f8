"""The twins of the fixed-point units give the numbers of the contract, bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_golden import beats_of, border_pattern, pack, tile_by_tile
from hls_harness import Case, Outcome, check, run_cases, with_words
from test_hls_checks import compiler_messages

if TYPE_CHECKING:
    from pathlib import Path


def span(bits: int, signed: bool) -> tuple[int, int]:
    """The lowest and the highest value."""
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)


def drawn(rng: np.random.Generator, low: int, high: int, size: tuple[int, ...]) -> np.ndarray:
    """Values of every magnitude, both ends, 0 and -1."""
    values = np.clip(rng.integers(low, high + 1, size) >> rng.integers(0, 40, size), low, high)
    corners = np.clip([low, high, 0, -1], low, high)
    return np.where(rng.random(size) < 0.3, rng.choice(corners, size), values)


def affine_case(
    name: str,
    *,
    x: tuple[int, bool],
    y: tuple[int, bool],
    shift: int,
    multiplier: int,
    offset: int,
    lanes: int = 1,
    folds: int = 1,
    segments: int = 1,
    style: int = 0,
    hold: int = 1,
    shared: int = 0,
) -> Case:
    """``x`` and ``y`` are (bits, signed); ``multiplier`` and ``offset`` are widths.

    Below ``offset`` bits all offsets have ``shared`` in common.
    """
    rng = np.random.default_rng(x[0] * 100 + shift)
    low, high = span(*x)
    size = (segments, folds, lanes)
    gains = drawn(rng, *span(max(multiplier, 1), True), size) if multiplier else np.ones(size, int)
    offsets = drawn(rng, *span(offset, True), size)
    knees = np.sort(drawn(rng, *span(x[0] + 1, True), (max(1, segments - 1), *size[1:])), axis=0)
    pixels = 30
    values = drawn(rng, low, high, (2 * pixels, folds, lanes))
    values[:20] = np.clip(knees[-1] + rng.integers(-1, 2, (20, folds, lanes)), low, high)
    chosen = sum((values >= knee).astype(int) for knee in knees[: segments - 1])
    gain, bias = (
        np.take_along_axis(v, np.broadcast_to(chosen, values.shape), 0).astype(object)
        for v in (gains, offsets)
    )
    low_bits = 0x2A5B39E7 & ((1 << shared) - 1)
    expected = np.clip((values * gain + (bias << shared) + low_bits) >> shift, *span(*y))
    words = []
    for fold in range(folds):
        row = []
        for lane in range(lanes):
            field = bit = 0
            for s in range(segments):
                for value, bits in ((gains, multiplier), (offsets, offset)):
                    field |= pack([value[s, fold, lane]], bits) << bit
                    bit += bits
            for knee in knees[: segments - 1]:
                field |= pack([knee[fold, lane]], x[0] + 1) << bit
                bit += x[0] + 1
            row.append(field)
        words.append(row)
    field_bits = segments * (multiplier + offset) + (segments - 1) * (x[0] + 1)
    params = {
        "IN_BITS": x[0], "IN_SIGNED": int(x[1]), "OUT_BITS": y[0], "OUT_SIGNED": int(y[1]),
        "LANES": lanes, "FOLDS": folds, "HOLD": hold, "SHIFT": shift, "MULTIPLIER_BITS": multiplier,
        "OFFSET_BITS": offset, "OFFSET_SHIFT": shared, "OFFSET_LOW": low_bits,
        "SEGMENTS": segments, "MULTIPLY_STYLE": style,
        "BEATS": pixels * folds,
    }  # fmt: skip
    return Case(
        name, "bnn_affine", params, lanes * x[0], lanes * y[0],
        beats_of(tile_by_tile(values, hold), lanes, x[0]),
        beats_of(tile_by_tile(expected, hold), lanes, y[0]), 2, [(words, field_bits)],
    )  # fmt: skip


def mac_case(
    name: str,
    *,
    pe: int,
    simd: int,
    x: tuple[int, bool],
    weight: int,
    style: int,
    folds: int = 1,
    tiles: int = 1,
    out: tuple[int, int] = (1, 1),
    borders: tuple[int, int, int, int] = (0, 0, 0, 0),
    frames: int = 3,
) -> Case:
    """``x`` is (bits, signed) of an activation, ``weight`` the width of a weight."""
    rng = np.random.default_rng(pe * 7919 + simd * 31 + folds)
    taps, features = simd * folds, pe * tiles
    patterns = (borders[0] + 1 + borders[1]) * (borders[2] + 1 + borders[3])
    reach = taps * max(map(abs, span(*x))) << (weight - 1)
    acc_bits = min(int(reach).bit_length() + 2, 32)
    init = drawn(rng, -reach, reach, (patterns, features))
    weights = drawn(rng, *span(weight, True), (features, taps))
    weights[0], weights[-1] = span(weight, True)
    beats: list[int] = []
    expected: list[int] = []
    for frame in range(frames):
        for position in np.ndindex(out):
            window = drawn(rng, *span(*x), (taps,))
            if not any(position):
                window[:] = span(*x)[frame % 2]
            beats += beats_of(window, simd, x[0]) * tiles
            acc = init[border_pattern(position, out, borders)] + weights @ window
            assert span(acc_bits, True)[0] <= acc.min() and acc.max() <= span(acc_bits, True)[1]
            expected += beats_of(acc, pe, acc_bits)
    params = {
        "PE": pe, "SIMD": simd, "FOLDS": folds, "TILES": tiles, "IN_BITS": x[0],
        "IN_SIGNED": int(x[1]), "WEIGHT_BITS": weight, "ACC_BITS": acc_bits,
        "OUT_H": out[0], "OUT_W": out[1], "BORDER_TOP": borders[0], "BORDER_BOTTOM": borders[1],
        "BORDER_LEFT": borders[2], "BORDER_RIGHT": borders[3], "MULTIPLY_STYLE": style,
    }  # fmt: skip
    rows = weights.reshape(tiles, pe, folds, simd).transpose(0, 2, 1, 3).reshape(-1, pe, simd)
    weight_words = [[pack(lane, weight) for lane in row] for row in rows]
    init_words = [[int(v) for v in row] for row in init.reshape(-1, pe)]
    return Case(
        name, "bnn_mac_pe_array", params, simd * x[0], pe * acc_bits, beats, expected, frames,
        [(weight_words, simd * weight), (init_words, acc_bits)],
    )  # fmt: skip


BYTE, SIGNED_BYTE = (8, False), (8, True)
CASES = [
    affine_case("batchnorm", x=(13, True), y=(16, True), shift=8, multiplier=12, offset=26,
                lanes=2, folds=3),
    affine_case("prelu", x=(16, True), y=(16, True), shift=10, multiplier=12, offset=28, lanes=3,
                folds=2, segments=2, style=2),
    affine_case("tile_by_tile", x=(16, True), y=(16, True), shift=10, multiplier=12, offset=28,
                lanes=3, folds=2, segments=2, style=2, hold=6),
    affine_case("relu_unsigned", x=(9, True), y=(8, False), shift=3, multiplier=5, offset=13,
                folds=4, segments=2, style=1),
    affine_case("leaky_clip", x=(16, True), y=(16, True), shift=10, multiplier=12, offset=28,
                lanes=3, folds=2, segments=3, style=2),
    affine_case("three_unsigned", x=(9, False), y=(8, False), shift=3, multiplier=5, offset=13,
                folds=4, segments=3, style=1),
    affine_case("bias_alone", x=(12, True), y=(8, True), shift=2, multiplier=0, offset=12),
    affine_case("two_biases", x=(5, False), y=(6, False), shift=0, multiplier=0, offset=5,
                folds=4, segments=2, hold=5),
    affine_case("shift_beyond_the_sum", x=(4, True), y=(4, True), shift=40, multiplier=3,
                offset=5, folds=3),
    affine_case("one_bit", x=(1, False), y=(40, True), shift=0, multiplier=1, offset=2, folds=4),
    affine_case("wide_sum", x=(25, False), y=(32, True), shift=7, multiplier=18, offset=47,
                folds=2),
    affine_case("shared_bits", x=(11, True), y=(9, True), shift=11, multiplier=12, offset=12,
                lanes=2, folds=3, segments=2, style=2, shared=10),
    affine_case("all_but_one_bit_shared", x=(9, True), y=(9, True), shift=5, multiplier=12,
                offset=1, shared=31),
    affine_case("wide_beat", x=(11, True), y=(1, True), shift=4, multiplier=6, offset=17, lanes=9),
    mac_case("packed", pe=4, simd=3, x=BYTE, weight=8, style=3, folds=3, tiles=2, out=(3, 4),
             borders=(1, 1, 1, 1)),
    mac_case("packed_signed", pe=2, simd=5, x=SIGNED_BYTE, weight=8, style=3, frames=6),
    mac_case("packed_uneven", pe=2, simd=2, x=(9, True), weight=7, style=3, tiles=3),
    mac_case("chained", pe=2, simd=5, x=BYTE, weight=8, style=4, folds=2, tiles=2),
    mac_case("odd_pe", pe=3, simd=4, x=BYTE, weight=8, style=2, folds=2, tiles=2, out=(2, 2),
             borders=(1, 1, 0, 1)),
    mac_case("single", pe=1, simd=1, x=(16, True), weight=12, style=2, frames=5),
    mac_case("in_luts", pe=2, simd=7, x=BYTE, weight=5, style=1, folds=2),
    mac_case("one_bit_each", pe=1, simd=3, x=(1, False), weight=1, style=1, frames=8),
    mac_case("wide_window", pe=2, simd=40, x=BYTE, weight=8, style=3, folds=2),
]  # fmt: skip
CASES += [
    with_words(case, "bnn_stream_affine")
    for case in CASES
    if case.name in ("tile_by_tile", "two_biases", "three_unsigned", "wide_beat", "shared_bits")
]


@pytest.fixture(scope="module", params=[(), ("BNNHW_PORTABLE_BITS",)], ids=["fast", "portable"])
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Outcome]:
    return run_cases(CASES, tmp_path_factory.mktemp("fixed"), *request.param)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_fixed_point_twin_gives_the_numbers_of_the_contract(
    case: Case, outcomes: dict[str, Outcome]
) -> None:
    check(case, outcomes)


AFFINE, MAC = (next(c for c in CASES if c.kind == k) for k in ("bnn_affine", "bnn_mac_pe_array"))
ILLEGAL: list[tuple[Case, dict[str, int], str]] = [
    (AFFINE, {"SEGMENTS": 4}, "SEGMENTS is 1 to 3"),
    (AFFINE, {"OUT_SIGNED": 2}, "OUT_SIGNED is 0 or 1"),
    (
        AFFINE,
        {"OFFSET_SHIFT": 2, "OFFSET_LOW": 4},
        "OFFSET_SHIFT is at most 31 and OFFSET_LOW has so many bits",
    ),
    (AFFINE, {"MULTIPLY_STYLE": 3}, "MULTIPLY_STYLE is 0, 1 or 2"),
    (AFFINE, {"BEATS": 31}, "a frame is a whole number of pixels"),
    (AFFINE, {"HOLD": 7}, "a frame is a whole number of pixels"),
    (AFFINE, {"HOLD": 0}, "widths and counts are positive"),
    (MAC, {"MULTIPLY_STYLE": 0}, "MULTIPLY_STYLE is 1 to 4"),
    (MAC, {"PE": 3}, "packed products need an even PE"),
    (MAC, {"IN_BITS": 9}, "packed products fit 25 bits"),
    (MAC, {"ACC_BITS": 33}, "an accumulator has 2 to 32 bits"),
    (MAC, {"BORDER_TOP": 3}, "borders do not overlap"),
]  # fmt: skip


def test_illegal_parameters_are_refused(tmp_path: Path) -> None:
    instances = [(case.kind, {**case.params, **change}) for case, change, _ in ILLEGAL]
    messages = compiler_messages(tmp_path, instances)
    for number, (_, change, reason) in enumerate(ILLEGAL):
        assert f"static assertion failed: {reason}" in messages.get(number, ""), change
