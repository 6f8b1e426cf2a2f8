"""The twins of the units of residual networks, and of pools of integers, keep their contracts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hls_golden import beats_of, pack, tile_by_tile, windows
from hls_harness import Case, Outcome, check, in_one_call, run_cases
from test_hls_checks import compiler_messages

FRAMES = 3


def limits(bits: int, signed: bool) -> tuple[int, int]:
    """Least and greatest integer."""
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)


def fork_case(name: str, width: int, beats: int) -> Case:
    rng = np.random.default_rng(width)
    values = beats_of(rng.integers(0, 2, (FRAMES * beats, width)), width, 1)
    params = {"WIDTH": width, "BEATS": beats}
    return Case(name, "bnn_fork", params, width, width, values, values * 2, FRAMES)


def add_case(name: str, in_bits: int, out_bits: int, lanes: int, beats: int = 40) -> Case:
    rng = np.random.default_rng(100 * in_bits + out_bits)
    low, high = limits(in_bits, True)
    least, most = limits(out_bits, True)
    a, b = rng.integers(low, high + 1, (2, FRAMES * beats, lanes))
    a[0], b[0] = low, low
    a[1], b[1] = high, high
    for row, target in enumerate((least, least - 1, most, most + 1, 0, -1), start=2):
        a[row] = np.clip(target - low * (target < 0), low, high)
        b[row] = np.clip(target - a[row], low, high)
    expected = beats_of(np.clip(a + b, least, most), lanes, out_bits)
    beats_in = beats_of(a, lanes, in_bits) + beats_of(b, lanes, in_bits)
    params = {"IN_BITS": in_bits, "OUT_BITS": out_bits, "LANES": lanes, "BEATS": beats}
    return Case(name, "bnn_add", params, in_bits * lanes, out_bits * lanes, beats_in, expected,
                FRAMES)  # fmt: skip


def concat_case(name: str, bits: int, lanes: int, folds: tuple[int, int], pixels: int) -> Case:
    rng = np.random.default_rng(100 * bits + lanes)
    a, b = (rng.integers(0, 1 << bits, (FRAMES * pixels, n * lanes)) for n in folds)
    beats_in = beats_of(a, lanes, bits) + beats_of(b, lanes, bits)
    expected = beats_of(np.concatenate([a, b], axis=1), lanes, bits)
    params = {"ELEM_BITS": bits, "LANES": lanes, "FOLDS0": folds[0], "FOLDS1": folds[1],
              "BEATS": pixels * folds[1]}  # fmt: skip
    return Case(name, "bnn_concat", params, bits * lanes, bits * lanes, beats_in, expected, FRAMES,
                shares=folds)  # fmt: skip


def channel_sum_case(
    name: str, bits: int, lanes: int, folds: int, out_bits: int, *, signed: bool
) -> Case:
    rng = np.random.default_rng(100 * bits + lanes)
    low, high = limits(bits, signed)
    x = rng.integers(low, high + 1, (FRAMES * 6, folds * lanes))
    x[0], x[1] = low, high
    params = {"IN_BITS": bits, "IN_SIGNED": int(signed), "OUT_BITS": out_bits, "LANES": lanes,
              "FOLDS": folds, "BEATS": 6 * folds}  # fmt: skip
    expected = beats_of(x.sum(axis=1), 1, out_bits)
    return Case(name, "bnn_channel_sum", params, bits * lanes, out_bits,
                beats_of(x, lanes, bits), expected, FRAMES)  # fmt: skip


def scale_case(
    name: str,
    bits: int,
    factor_bits: int,
    lanes: int,
    factors: int,
    rounds: tuple[int, int],
    *,
    signed: tuple[bool, bool] = (True, False),
    style: int = 2,
) -> Case:
    rng = np.random.default_rng(100 * bits + lanes)
    depth, count = rounds
    ends = limits(bits, signed[0]), limits(factor_bits, signed[1])
    x = rng.integers(ends[0][0], ends[0][1] + 1, (FRAMES * 2, count, depth, lanes))
    f = rng.integers(ends[1][0], ends[1][1] + 1, (FRAMES * 2, 1, depth, factors))
    x[0], f[0] = ends[0][0], ends[1][0]
    x[1], f[1] = ends[0][0], ends[1][1]
    out_bits = bits + factor_bits
    params = {"IN_BITS": bits, "IN_SIGNED": int(signed[0]), "FACTOR_BITS": factor_bits,
              "FACTOR_SIGNED": int(signed[1]), "OUT_BITS": out_bits, "LANES": lanes,
              "FACTORS": factors, "DEPTH": depth, "ROUNDS": count, "MULTIPLY_STYLE": style,
              "BEATS": 2 * depth}  # fmt: skip
    beats = beats_of(x, lanes, bits) + beats_of(f, factors, factor_bits)
    return Case(name, "bnn_scale", params, (bits * lanes, factor_bits * factors),
                out_bits * lanes, beats, beats_of(x * f, lanes, out_bits), FRAMES,
                shares=(count, 1))  # fmt: skip


def select_case(
    name: str, bits: tuple[int, int, int], factors: tuple[int, int], lanes: int, folds: int,
    hold: int = 1, pixels: int = 8,
) -> Case:  # fmt: skip
    rng = np.random.default_rng(100 * bits[0] + lanes)
    a_bits, b_bits, out_bits = bits
    low, high = limits(a_bits, True)
    thresholds = rng.integers(low, high + 1, (folds, lanes))
    flips = rng.integers(0, 2, (folds, lanes))
    a = rng.integers(low, high + 1, (FRAMES, pixels, folds, lanes))
    a[:, :4] = np.clip(thresholds - rng.integers(0, 2, (FRAMES, 4, folds, lanes)), low, high)
    b = rng.integers(*limits(b_bits, True), a.shape, endpoint=True)
    chosen = (a >= thresholds) != flips
    out = np.where(chosen, factors[1] * b, factors[0] * a)
    sides = [
        [beat for frame in values for beat in beats_of(tile_by_tile(frame, hold), lanes, width)]
        for values, width in ((a, a_bits), (b, b_bits), (out, out_bits))
    ]
    words = (flips << (a_bits + 1)) | (thresholds & ((1 << (a_bits + 1)) - 1))
    params = {"A_BITS": a_bits, "B_BITS": b_bits, "OUT_BITS": out_bits, "A_FACTOR": factors[0],
              "B_FACTOR": factors[1], "LANES": lanes, "FOLDS": folds, "HOLD": hold,
              "BEATS": pixels * folds}  # fmt: skip
    memory = [[int(v) for v in row] for row in words]
    return Case(name, "bnn_select", params, (a_bits * lanes, b_bits * lanes), out_bits * lanes,
                sides[0] + sides[1], sides[2], FRAMES, [(memory, a_bits + 2)])  # fmt: skip


def pool_case(
    name: str,
    image: tuple[int, int, int],
    lanes: int,
    pool: tuple[int, int],
    bits: int,
    *,
    total: bool,
    signed: bool = True,
) -> Case:
    """``image`` is (height, width, channels); ``total`` the sum, else the maximum."""
    rng = np.random.default_rng(image[0] * 100 + image[1] * 10 + lanes)
    height, width, channels = image
    low, high = limits(bits, signed)
    x = rng.integers(low, high + 1, (FRAMES, height, width, channels))
    x[1, ..., 0::2], x[1, ..., 1::2] = low, high
    out_h, out_w = height // pool[0], width // pool[1]
    cut = x[:, : out_h * pool[0], : out_w * pool[1]]
    blocks = cut.reshape(FRAMES, out_h, pool[0], out_w, pool[1], channels)
    result = blocks.sum(axis=(2, 4)) if total else blocks.max(axis=(2, 4))
    out_bits = bits + (pool[0] * pool[1] - 1).bit_length() * total
    params = {
        "OPERATION": int(total), "ELEM_BITS": bits, "SIGNED": int(signed), "OUT_BITS": out_bits,
        "CHANNELS": channels, "LANES": lanes, "HEIGHT": height, "WIDTH": width,
        "POOL_H": pool[0], "POOL_W": pool[1], "BEATS": height * width * channels // lanes,
    }  # fmt: skip
    return Case(name, "bnn_int_pool", params, bits * lanes, out_bits * lanes,
                beats_of(x, lanes, bits), beats_of(result, lanes, out_bits), FRAMES)  # fmt: skip


def overlap_case(
    name: str,
    image: tuple[int, int, int],
    lanes: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pads: tuple[int, int, int, int],
    bits: int,
    *,
    total: bool,
    signed: bool = True,
    style: int = 0,
) -> Case:
    """``image`` is (height, width, channels), ``pads`` (top, bottom, left, right)."""
    rng = np.random.default_rng(len(name) * 100 + image[0])
    height, width, channels = image
    low, high = limits(bits, signed)
    x = rng.integers(low, high + 1, (FRAMES, *image))
    x[1, ..., 0::2], x[1, ..., 1::2] = low, high
    results = []
    for frame in x:
        taps, _ = windows(frame, kernel, stride, pads, 0 if total else low)
        results.append(taps.sum(axis=(2, 3)) if total else taps.max(axis=(2, 3)))
    out_bits = bits + (kernel[0] * kernel[1] - 1).bit_length() * total
    params = {
        "OPERATION": int(total), "ELEM_BITS": bits, "SIGNED": int(signed), "OUT_BITS": out_bits,
        "CHANNELS": channels, "LANES": lanes, "HEIGHT": height, "WIDTH": width,
        "KERNEL_H": kernel[0], "KERNEL_W": kernel[1],
        "STRIDE_H": stride[0], "STRIDE_W": stride[1],
        "PAD_TOP": pads[0], "PAD_BOTTOM": pads[1], "PAD_LEFT": pads[2], "PAD_RIGHT": pads[3],
        "RAM_STYLE": style, "BEATS": height * width * channels // lanes,
    }  # fmt: skip
    return Case(name, "bnn_int_pool_overlap", params, bits * lanes, out_bits * lanes,
                beats_of(x, lanes, bits), beats_of(np.stack(results), lanes, out_bits),
                FRAMES)  # fmt: skip


def reduce_case(
    name: str, lanes: int, folds: int, taps: int, bits: int, *, total: bool, signed: bool = True
) -> Case:
    rng = np.random.default_rng(lanes * 100 + folds * 10 + taps)
    pixels = 6
    low, high = limits(bits, signed)
    x = rng.integers(low, high + 1, (FRAMES * pixels * folds, taps, lanes))
    padded = rng.random((len(x), taps)) < 0.4
    padded[0], padded[1:3] = True, False
    x[1], x[2] = low, high
    out_bits = bits + (taps - 1).bit_length() * total
    if total:
        result = np.where(padded[..., None], 0, x).sum(axis=1)
    else:
        result = np.where(padded[..., None], low, x).max(axis=1)
        result[padded.all(axis=1)] = 0
    beats = [
        pack(row, bits) | (int(p) << (bits * lanes))
        for row, p in zip(x.reshape(-1, lanes), padded.reshape(-1), strict=True)
    ]
    params = {
        "OPERATION": int(total), "ELEM_BITS": bits, "SIGNED": int(signed), "OUT_BITS": out_bits,
        "LANES": lanes, "FOLDS": folds, "TAPS": taps, "BEATS": pixels * folds * taps,
    }  # fmt: skip
    return Case(name, "bnn_int_pool_reduce", params, bits * lanes + 1, out_bits * lanes, beats,
                beats_of(result, lanes, out_bits), FRAMES)  # fmt: skip


CASES = [
    fork_case("fork", 12, 5),
    fork_case("fork_one_bit", 1, 1),
    fork_case("fork_wide", 130, 3),
    add_case("add_saturates", 12, 12, 3),
    add_case("add_one_bit_more", 12, 13, 1),
    add_case("add_sign_extends", 8, 20, 5),
    add_case("add_narrow", 10, 4, 2),
    add_case("add_to_one_bit", 5, 1, 3),
    add_case("add_wide", 32, 32, 3),
    concat_case("concat", 8, 3, (2, 2), 5),
    concat_case("concat_bits", 1, 8, (1, 5), 7),
    concat_case("concat_wide", 12, 20, (3, 1), 4),
    channel_sum_case("channel_sum", 8, 4, 3, 12, signed=False),
    channel_sum_case("channel_sum_signed", 7, 1, 5, 10, signed=True),
    channel_sum_case("channel_sum_of_one", 5, 1, 1, 5, signed=False),
    scale_case("scale_by_pixel", 12, 8, 3, 1, (1, 4)),
    scale_case("scale_by_channel", 10, 8, 2, 2, (4, 6)),
    scale_case("scale_in_luts", 9, 6, 2, 1, (1, 1), signed=(False, True), style=1),
    scale_case("scale_tiles", 16, 8, 1, 1, (7, 3), signed=(False, False)),
    select_case("select", (8, 10, 10), (2, 1), 3, 4),
    select_case("select_tiles", (9, 5, 12), (5, 6), 4, 2, hold=4),
    select_case("select_narrow", (1, 2, 4), (1, 3), 2, 1),
    select_case("select_wide", (12, 12, 12), (1, 1), 20, 3),
    pool_case("max_2x2", (4, 6, 4), 2, (2, 2), 8, total=False),
    pool_case("max_unsigned_left_over", (5, 7, 3), 3, (2, 3), 5, total=False, signed=False),
    pool_case("max_1x1", (2, 3, 4), 4, (1, 1), 12, total=False),
    pool_case("sum_2x2", (4, 5, 6), 3, (2, 2), 12, total=True),
    pool_case("sum_global", (3, 4, 6), 1, (3, 4), 9, total=True, signed=False),
    pool_case("sum_row_wide", (2, 6, 20), 20, (1, 4), 12, total=True),
    pool_case("sum_1x1", (2, 2, 2), 1, (1, 1), 6, total=True),
    overlap_case("overlap_3x3_even", (8, 6, 6), 2, (3, 3), (2, 2), (1, 1, 1, 1), 12, total=False),
    overlap_case(
        "overlap_3x3_odd", (5, 7, 3), 3, (3, 3), (2, 2), (1, 1, 1, 1), 8, total=True, style=2
    ),
    overlap_case(
        "overlap_left_over",
        (6, 8, 5),
        1,
        (3, 3),
        (2, 2),
        (0, 0, 0, 1),
        8,
        total=False,
        signed=False,
        style=1,
    ),
    overlap_case("overlap_5_4_and_2_1", (9, 4, 4), 2, (5, 2), (4, 1), (1, 2, 0, 0), 5, total=True),
    overlap_case(
        "overlap_two_open_wide", (9, 7, 22), 11, (4, 4), (2, 2), (1, 1, 3, 0), 9, total=True
    ),
    overlap_case("overlap_5x5", (11, 10, 2), 1, (5, 5), (3, 3), (2, 2, 4, 0), 7, total=False),
    overlap_case(
        "overlap_side_by_side", (5, 6, 4), 2, (2, 3), (2, 3), (1, 0, 1, 2), 1, total=False
    ),
    overlap_case(
        "overlap_gaps", (8, 9, 2), 2, (2, 1), (3, 3), (0, 0, 0, 0), 8, total=True, signed=False
    ),
    overlap_case("overlap_one_row", (1, 2, 1), 1, (3, 5), (2, 4), (1, 1, 2, 2), 4, total=False),
    reduce_case("reduce_max", 4, 2, 9, 8, total=False),
    reduce_case("reduce_max_unsigned", 3, 1, 4, 5, total=False, signed=False),
    reduce_case("reduce_sum", 2, 3, 9, 10, total=True),
    reduce_case("reduce_sum_wide", 9, 1, 6, 12, total=True, signed=False),
    reduce_case("reduce_single", 1, 2, 1, 7, total=True),
]
CASES += [in_one_call(case) for case in CASES if "_pool" in case.kind and "BEATS" in case.params]


def named(cases: list[Case], prefix: str) -> list[Case]:
    return [replace(case, name=f"{prefix}{case.name}") for case in cases if "wide" in case.name]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """All cases, and some once more with the range operators that synthesis sees."""
    portable = named(CASES, "portable_")
    return run_cases(CASES, tmp_path_factory.mktemp("residual")) | run_cases(
        portable, tmp_path_factory.mktemp("portable"), "BNNHW_PORTABLE_BITS"
    )


@pytest.mark.parametrize("case", [*CASES, *named(CASES, "portable_")], ids=str)
def test_twin_does_what_its_contract_says(case: Case, outcomes: dict[str, Outcome]) -> None:
    check(case, outcomes)


LEGAL = {case.kind: dict(case.params) for case in reversed(CASES)}
ILLEGAL: list[tuple[str, dict[str, int], str]] = [
    ("bnn_fork", {"BEATS": 0}, "widths and counts are positive"),
    ("bnn_add", {"LANES": 0}, "widths and counts are positive"),
    ("bnn_concat", {"FOLDS0": 0}, "both sides have beats"),
    ("bnn_concat", {"BEATS": 9}, "a frame holds whole pixels"),
    ("bnn_channel_sum", {"BEATS": 7}, "a frame is a whole number of pixels"),
    ("bnn_channel_sum", {"OUT_BITS": 7}, "a sum has the bits of an element"),
    ("bnn_scale", {"FACTORS": 2}, "FACTORS is 1 or LANES"),
    ("bnn_scale", {"BEATS": 0}, "a frame holds whole rounds"),
    ("bnn_scale", {"MULTIPLY_STYLE": 0}, "MULTIPLY_STYLE is 1 or 2"),
    ("bnn_select", {"B_FACTOR": 0}, "factors are positive"),
    ("bnn_select", {"OUT_BITS": 0}, "widths and counts are positive"),
    ("bnn_select", {"BEATS": 31}, "a frame is a whole number of pixels"),
    ("bnn_int_pool", {"LANES": 3}, "LANES divides CHANNELS"),
    ("bnn_int_pool", {"BEATS": 49}, "a call is a whole number of images"),
    ("bnn_int_pool", {"POOL_W": 7}, "the pool fits the image"),
    ("bnn_int_pool", {"OPERATION": 2}, "OPERATION is 0 or 1"),
    ("bnn_int_pool", {"OUT_BITS": 9}, "a maximum has the bits of an element"),
    ("bnn_int_pool", {"OPERATION": 1, "OUT_BITS": 7}, "a result has the bits of an element"),
    ("bnn_int_pool_overlap", {"LANES": 4}, "LANES divides CHANNELS"),
    ("bnn_int_pool_overlap", {"KERNEL_W": 5}, "at most two windows are open"),
    ("bnn_int_pool_overlap", {"PAD_TOP": 3}, "a window touches the image"),
    ("bnn_int_pool_overlap", {"PAD_RIGHT": 2}, "the last position ends one window"),
    ("bnn_int_pool_overlap", {"OUT_BITS": 13}, "a maximum has the bits of an element"),
    ("bnn_int_pool_overlap", {"RAM_STYLE": 4}, "a style is 0 to 3"),
    ("bnn_int_pool_reduce", {"BEATS": 9}, "a frame is a whole number of pixels"),
    ("bnn_int_pool_reduce", {"SIGNED": 2}, "SIGNED is 0 or 1"),
    ("bnn_int_pool_reduce", {"OUT_BITS": 9}, "a maximum has the bits of an element"),
]


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    instances = [(kind, {**LEGAL[kind], **change}) for kind, change, _ in ILLEGAL]
    return compiler_messages(tmp_path_factory.mktemp("illegal"), instances)


@pytest.mark.parametrize("number", range(len(ILLEGAL)))
def test_illegal_parameters_are_refused(number: int, messages: dict[int, str]) -> None:
    assert f"static assertion failed: {ILLEGAL[number][2]}" in messages.get(number, "")
