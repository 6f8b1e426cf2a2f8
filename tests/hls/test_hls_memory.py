"""The twins that take weights from memory, and a frame's windows again and again for them."""

from __future__ import annotations

import numpy as np
import pytest
from hls_golden import beats_of, pack, windows
from hls_harness import Case, Outcome, check, in_one_call, run_cases
from test_hls_checks import compiler_messages

FRAMES = 2


def reader_case(name: str, bits: int, words: int) -> Case:
    rng = np.random.default_rng(words)
    memory = [pack(row, 1) for row in rng.integers(0, 2, (words, bits))]
    params = {"DATA_BITS": bits, "WORDS": words}
    return Case(name, "bnn_axi_reader", params, bits, bits, memory, memory * FRAMES, FRAMES)


def buffer_case(name: str, bits: int, folds: int, pixels: int, tiles: int, style: int = 0) -> Case:
    rng = np.random.default_rng(bits)
    count = FRAMES * tiles * folds
    words = [pack(row, 1) for row in rng.integers(0, 2, (count, bits))]
    expected = [w for i in range(0, count, folds) for w in words[i : i + folds] * pixels]
    params = {"WORD_BITS": bits, "FOLDS": folds, "PIXELS": pixels, "RAM_STYLE": style,
              "BEATS": tiles * folds}  # fmt: skip
    return Case(name, "bnn_weight_buffer", params, bits, bits, words, expected, FRAMES)


def frame_case(
    name: str,
    *,
    image: tuple[int, int, int],
    kernel: tuple[int, int],
    simd: int,
    lanes: int,
    stride: tuple[int, int] = (1, 1),
    pads: tuple[int, int, int, int] = (0, 0, 0, 0),
    passes: int = 1,
    groups: int = 1,
    tile_major: bool = False,
    bits: int = 1,
    pad_value: int = 0,
    user: bool = False,
    style: int = 0,
) -> Case:
    """``image`` is (H, W, C), ``pads`` (top, bottom, left, right)."""
    height, width, channels = image
    rng = np.random.default_rng(len(name) * 1009 + height * 31 + width)
    beats: list[int] = []
    expected: list[int] = []
    for _ in range(FRAMES):
        pixels = rng.integers(0, 1 << bits, image)
        order = pixels.reshape(height * width, -1, lanes)
        beats += beats_of(order.swapaxes(0, 1) if tile_major else order, lanes, bits)
        values, padded = windows(pixels, kernel, stride, pads, pad_value)
        marks = np.broadcast_to(padded[..., None], (*padded.shape, channels // groups // simd))
        for group in np.split(values, groups, axis=-1):
            expected += (passes // groups) * [
                pack(tap, bits) | (int(mark and user) << (simd * bits))
                for tap, mark in zip(group.reshape(-1, simd), marks.reshape(-1), strict=True)
            ]
    params = {
        "ELEM_BITS": bits, "CHANNELS": channels, "HEIGHT": height, "WIDTH": width,
        "KERNEL_H": kernel[0], "KERNEL_W": kernel[1],
        "STRIDE_H": stride[0], "STRIDE_W": stride[1],
        "PAD_TOP": pads[0], "PAD_BOTTOM": pads[1], "PAD_LEFT": pads[2], "PAD_RIGHT": pads[3],
        "SIMD": simd, "PASSES": passes, "GROUPS": groups, "IN_LANES": lanes,
        "TILE_MAJOR": int(tile_major), "PAD_VALUE": pad_value, "RAM_STYLE": style,
        "OUT_BITS": simd * bits + int(user),
        "BEATS": len(beats) // FRAMES,
    }  # fmt: skip
    return Case(name, "bnn_frame_window", params, lanes * bits, simd * bits + int(user), beats,
                expected, FRAMES)  # fmt: skip


def gather_case(name: str, bits: int, pixels: int, lanes: tuple[int, int], tiles: int) -> Case:
    rng = np.random.default_rng(pixels)
    x = rng.integers(0, 1 << bits, (FRAMES, pixels, tiles * lanes[1]))
    beats, expected = (
        beats_of(x.reshape(FRAMES, pixels, -1, n).swapaxes(1, 2), n, bits) for n in lanes
    )
    params = {"ELEM_BITS": bits, "PIXELS": pixels, "IN_LANES": lanes[0], "OUT_LANES": lanes[1],
              "BEATS": len(beats) // FRAMES}  # fmt: skip
    return Case(name, "bnn_tile_gather", params, lanes[0] * bits, lanes[1] * bits, beats, expected,
                FRAMES)  # fmt: skip


def array_case(
    name: str,
    *,
    pe: int,
    simd: int,
    folds: int,
    tiles: int,
    pixels: int,
    shift: int = 0,
    binary: bool = False,
    half: bool = True,
) -> Case:
    rng = np.random.default_rng(pe * 7919 + simd * 31 + folds)
    acc_bits = (simd * folds << shift).bit_length() + 2
    init = rng.integers(-(simd * folds) << shift, 1, (tiles, pe))
    weights = rng.integers(0, 2, (tiles, 1, folds, pe, simd))
    x = rng.integers(0, 2, (FRAMES, 1, pixels, folds, 1, simd))
    padded = rng.random((FRAMES, 1, pixels, folds, 1)) < 0.3
    x[padded] = 0
    count = (x == weights).sum(axis=-1)
    if half:
        count = np.where(padded, simd // 2, count)
    acc = init[:, None] + (count.sum(axis=3) << shift)
    size = (FRAMES, tiles, pixels, folds)
    marked = np.concatenate([x, padded[..., None].astype(np.int64)], axis=-1)
    beats = beats_of(np.broadcast_to(marked, (*size, 1, simd + 1)), simd + 1, 1)
    beats += beats_of(np.broadcast_to(weights, (*size, pe, simd)), pe * simd, 1)
    out_bits = 1 if binary else acc_bits
    expected = beats_of((acc >= 0).astype(np.int64) if binary else acc, pe, out_bits)
    params = {
        "PE": pe, "SIMD": simd, "FOLDS": folds, "TILES": tiles, "PIXELS": pixels,
        "ACC_BITS": acc_bits, "ACC_SHIFT": shift, "BINARY_OUT": int(binary), "PAD_HALF": int(half),
    }  # fmt: skip
    words = [[int(v) for v in row] for row in init]
    return Case(name, "bnn_stream_pe_array", params, (simd + 1, pe * simd), pe * out_bits, beats,
                expected, FRAMES, [(words, acc_bits)])  # fmt: skip


def mac_case(
    name: str,
    *,
    pe: int,
    simd: int,
    folds: int,
    tiles: int,
    pixels: int,
    style: int,
    signed: bool = False,
    weight_bits: int = 8,
) -> Case:
    rng = np.random.default_rng(pe * 7919 + simd * 31 + folds)
    bits, acc_bits = 8, 24
    low, high = (-128, 127) if signed else (0, 255)
    least = -(1 << (weight_bits - 1))
    x = rng.integers(low, high + 1, (FRAMES, 1, pixels, folds, 1, simd))
    weights = rng.integers(least, -least, (tiles, 1, folds, pe, simd))
    x[0], weights[0] = high, least
    x[1, :, 0, 0] = 0  # a padded tap
    init = rng.integers(-(1 << 20), 1 << 20, (tiles, pe))
    acc = init[:, None] + (x * weights).sum(axis=(3, 5))
    size = (FRAMES, tiles, pixels, folds)
    marked = [beat | int(not beat) << simd * bits for beat in
              beats_of(np.broadcast_to(x, (*size, 1, simd)), simd, bits)]  # fmt: skip
    beats = marked + beats_of(np.broadcast_to(weights, (*size, pe, simd)), pe * simd, weight_bits)
    params = {
        "PE": pe, "SIMD": simd, "FOLDS": folds, "TILES": tiles, "PIXELS": pixels, "IN_BITS": bits,
        "IN_SIGNED": int(signed), "WEIGHT_BITS": weight_bits, "ACC_BITS": acc_bits,
        "MULTIPLY_STYLE": style,
    }  # fmt: skip
    words = [[int(v) for v in row] for row in init]
    widths = (simd * bits + 1, pe * simd * weight_bits)
    return Case(name, "bnn_stream_mac_pe_array", params, widths, pe * acc_bits, beats,
                beats_of(acc, pe, acc_bits), FRAMES, [(words, acc_bits)])  # fmt: skip


SAME = (1, 1, 1, 1)
CASES = [
    reader_case("reader", 64, 37),
    reader_case("reader_one_word", 32, 1),
    buffer_case("buffer", 72, 9, 7, 3),
    buffer_case("buffer_one_word", 5, 1, 6, 4, 1),
    buffer_case("buffer_one_pixel", 130, 4, 1, 3, 2),
    buffer_case("buffer_in_ultra_ram", 80, 3, 4, 2, 3),
    frame_case("frame", image=(3, 4, 8), kernel=(3, 3), pads=SAME, simd=8, lanes=8, passes=3),
    frame_case("frame_columns", image=(3, 3, 12), kernel=(3, 3), pads=SAME, simd=4, lanes=2,
               passes=2, bits=3, pad_value=5, user=True, style=1),
    frame_case("frame_tiles", image=(3, 3, 12), kernel=(3, 3), pads=SAME, simd=4, lanes=2,
               passes=2, tile_major=True, user=True),
    frame_case("frame_channel_by_channel", image=(5, 4, 6), kernel=(3, 2), stride=(2, 2),
               pads=(1, 0, 1, 0), simd=6, lanes=1, passes=2, tile_major=True),
    frame_case("frame_left_over", image=(5, 6, 4), kernel=(3, 3), stride=(2, 3), simd=2, lanes=2,
               bits=8, style=2),
    frame_case("frame_groups", image=(4, 3, 12), kernel=(3, 2), stride=(2, 1), pads=(1, 0, 1, 0),
               simd=2, lanes=1, passes=6, groups=3, tile_major=True, user=True),
    frame_case("frame_dense", image=(1, 1, 10), kernel=(1, 1), simd=5, lanes=5, passes=4),
    frame_case("frame_wide", image=(3, 3, 140), kernel=(3, 3), pads=SAME, simd=70, lanes=35,
               passes=2, tile_major=True),
    gather_case("gather", 1, 6, (2, 8), 3),
    gather_case("gather_wide", 12, 3, (5, 15), 2),
    gather_case("gather_one_pixel", 3, 1, (1, 3), 4),
    array_case("array", pe=2, simd=8, folds=3, tiles=4, pixels=5),
    array_case("array_wide", pe=3, simd=70, folds=1, tiles=2, pixels=3, shift=1, binary=True),
    mac_case("mac_pairs", pe=2, simd=4, folds=3, tiles=4, pixels=5, style=3),
    mac_case("mac_odd_signed", pe=3, simd=5, folds=1, tiles=2, pixels=1, style=2, signed=True),
    mac_case("mac_classifier", pe=1, simd=2, folds=4, tiles=6, pixels=1, style=1, weight_bits=5),
    array_case("array_unpadded", pe=1, simd=5, folds=2, tiles=3, pixels=1, half=False),
]  # fmt: skip
CASES += [in_one_call(case) for case in CASES if case.kind == "bnn_frame_window"]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    return run_cases(CASES, tmp_path_factory.mktemp("memory"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_twin_does_what_its_contract_says(case: Case, outcomes: dict[str, Outcome]) -> None:
    check(case, outcomes)


LEGAL = {case.kind: dict(case.params) for case in reversed(CASES)}
ILLEGAL: list[tuple[str, dict[str, int], str]] = [
    ("bnn_axi_reader", {"DATA_BITS": 48}, "a bus word is a power of two of bits"),
    ("bnn_weight_buffer", {"BEATS": 10}, "a frame is a whole number of tiles"),
    ("bnn_stream_mac_pe_array", {"PE": 3}, "packed products need an even PE"),
    ("bnn_tile_gather", {"BEATS": 12}, "a frame is a whole number of tiles"),
    ("bnn_tile_gather", {"OUT_LANES": 7}, "IN_LANES divides OUT_LANES"),
    ("bnn_stream_pe_array", {"SIMD": 7}, "half of SIMD is a number"),
    ("bnn_frame_window", {"SIMD": 3, "OUT_BITS": 3}, "SIMD divides the channels of a group"),
    ("bnn_frame_window", {"GROUPS": 2, "PASSES": 3}, "all groups have as many passes"),
    ("bnn_frame_window", {"IN_LANES": 3}, "IN_LANES divides SIMD"),
    ("bnn_frame_window", {"PAD_TOP": 4}, "a window at most borders on the image"),
    ("bnn_frame_window", {"TILE_MAJOR": 2}, "TILE_MAJOR is 0 or 1"),
    ("bnn_frame_window", {"OUT_BITS": 10}, "elements, and tuser or not"),
]


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    instances = [(kind, {**LEGAL[kind], **change}) for kind, change, _ in ILLEGAL]
    return compiler_messages(tmp_path_factory.mktemp("illegal"), instances)


@pytest.mark.parametrize("number", range(len(ILLEGAL)))
def test_illegal_parameters_are_refused(number: int, messages: dict[int, str]) -> None:
    assert f"static assertion failed: {ILLEGAL[number][2]}" in messages.get(number, "")
