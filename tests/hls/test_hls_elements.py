"""The twins of the element-wise, pooling and end units do what the contracts say."""

from __future__ import annotations

import numpy as np
import pytest
from hls_golden import beats_of, max_pool, pack, tile_by_tile, top_k
from hls_harness import Case, Outcome, check, run_cases, with_words


def converter_case(name: str, bits: int, lanes_in: int, lanes_out: int, blocks: int) -> Case:
    rng = np.random.default_rng(bits + 10 * lanes_in + 100 * lanes_out)
    elements = int(np.lcm(lanes_in, lanes_out)) * blocks
    values = [rng.integers(0, 1 << bits, elements) for _ in range(2)]
    params = {"ELEM_BITS": bits, "IN_LANES": lanes_in, "OUT_LANES": lanes_out}
    return Case(
        name, "bnn_width_converter", params | {"BEATS": elements // lanes_in},
        bits * lanes_in, bits * lanes_out,
        [b for v in values for b in beats_of(v, lanes_in, bits)],
        [b for v in values for b in beats_of(v, lanes_out, bits)],
        frames=2,
    )  # fmt: skip


def max_pool_case(
    name: str,
    image: tuple[int, int, int],
    lanes: int,
    pool: tuple[int, int],
    density: float = 0.5,
    *,
    tiles: bool = False,
) -> Case:
    rng = np.random.default_rng(image[0] * 100 + image[1] * 10 + lanes)
    height, width, channels = image
    minimum = rng.integers(0, 2, channels)
    beats: list[int] = []
    expected: list[int] = []
    for _ in range(3):
        # Mostly ones where the minimum counts, mostly zeros elsewhere: both results occur.
        rare = rng.random(image) < density
        pixels = np.where(minimum, ~rare, rare).astype(np.int64)
        for given, values in ((beats, pixels), (expected, max_pool(pixels, pool, minimum))):
            folds = values.reshape(-1, channels // lanes, lanes)
            given += beats_of(tile_by_tile(folds, len(folds)) if tiles else folds, lanes, 1)
    params = {"CHANNELS": lanes if tiles else channels, "LANES": lanes, "HEIGHT": height,
              "WIDTH": width, "POOL_H": pool[0], "POOL_W": pool[1],
              "TILES": channels // lanes if tiles else 1,
              "BEATS": height * width * channels // lanes}  # fmt: skip
    words = beats_of(minimum, lanes, 1)
    return Case(name, "bnn_max_pool", params, lanes, lanes, beats, expected, 3, [(words, lanes)])


def reduce_case(
    name: str, lanes: int, folds: int, taps: int, pixels: int, *, tiles: bool = False
) -> Case:
    rng = np.random.default_rng(lanes * 100 + folds * 10 + taps)
    minimum = rng.integers(0, 2, (folds, lanes))
    beats: list[int] = []
    expected: list[int] = []
    for _ in range(2):
        for index in np.ndindex(pixels, folds):
            fold = (index[0] * folds + index[1]) // pixels if tiles else index[1]
            window = rng.integers(0, 2, (taps, lanes))
            padded = rng.random(taps) < 0.4
            padded[rng.integers(taps)] = False
            kept = window[~padded]
            beats += [pack(w, 1) | (int(p) << lanes) for w, p in zip(window, padded, strict=True)]
            result = np.where(minimum[fold], kept.min(axis=0), kept.max(axis=0))
            expected.append(pack(result, 1))
    params = {"LANES": lanes, "FOLDS": folds, "TAPS": taps, "HOLD": pixels if tiles else 1,
              "BEATS": pixels * folds * taps}  # fmt: skip
    words = beats_of(minimum, lanes, 1)
    return Case(
        name, "bnn_pool_reduce", params, lanes + 1, lanes, beats, expected, 2, [(words, lanes)]
    )


def threshold_case(
    name: str, bits: int, lanes: int, folds: int, *, signed: bool, pixels: int = 9, hold: int = 1
) -> Case:
    rng = np.random.default_rng(bits * 100 + lanes * 10 + folds)
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    # IN_BITS + 1 signed bits hold "never" as high + 1 for signed numbers only; for others it is
    # "always", inverted.
    top = high + signed
    thresholds = rng.integers(low, top + 1, (folds, lanes))
    thresholds.flat[0] = top
    thresholds.flat[-1] = low  # always reached
    invert = rng.integers(0, 2, (folds, lanes))
    words = (invert << (bits + 1)) | (thresholds & ((1 << (bits + 1)) - 1))
    beats: list[int] = []
    expected: list[int] = []
    for _ in range(2):
        values = np.where(
            rng.random((pixels, folds, lanes)) < 0.4,
            np.clip(thresholds - rng.integers(0, 2, (pixels, folds, lanes)), low, high),
            rng.integers(low, high + 1, (pixels, folds, lanes)),
        )
        values[0], values[1] = low, high
        reached = ((values >= thresholds) != invert).astype(np.int64)
        beats += beats_of(tile_by_tile(values, hold), lanes, bits)
        expected += beats_of(tile_by_tile(reached, hold), lanes, 1)
    params = {"IN_BITS": bits, "IN_SIGNED": int(signed), "LANES": lanes, "FOLDS": folds,
              "HOLD": hold, "BEATS": pixels * folds}  # fmt: skip
    memory = [[int(v) for v in row] for row in words]
    return Case(name, "bnn_threshold", params, bits * lanes, lanes, beats, expected, 2,
                [(memory, bits + 2)])  # fmt: skip


def table_case(name: str, in_bits: int, out_bits: int, lanes: int) -> Case:
    rng = np.random.default_rng(in_bits * 100 + out_bits * 10 + lanes)
    table = rng.integers(0, 1 << out_bits, 1 << in_bits)
    # Every value, padded to whole beats.
    values = np.resize(np.arange(1 << in_bits), -(-(1 << in_bits) // lanes) * lanes)
    beats = beats_of(values, lanes, in_bits)
    expected = beats_of(table[values], lanes, out_bits)
    params = {"IN_BITS": in_bits, "OUT_BITS": out_bits, "LANES": lanes, "BEATS": len(beats)}
    memory = [int(v) for v in table]
    return Case(name, "bnn_table", params, in_bits * lanes, out_bits * lanes, beats * 2,
                expected * 2, 2, [(memory, out_bits)])  # fmt: skip


def input_case(
    name: str, width: int, bits: int, lanes: int, elements: int, *, length: int | None = None
) -> Case:
    """``length``: beats of the packet of the second of three frames, where not the frame's."""
    rng = np.random.default_rng(width * 1000 + bits * 100 + lanes * 10)
    count = elements * bits // (8 * width)
    beats: list[tuple[int, int]] = []
    expected: list[int] = []
    for frame in range(3):
        values = rng.integers(0, 1 << bits, elements)
        whole = pack(values, bits)
        size = length if length is not None and frame == 1 else count
        mask = (1 << (8 * width)) - 1
        words = [(whole >> (8 * width * i)) & mask for i in range(count)]
        words += [int(w) for w in rng.integers(0, 256, max(0, size - count))]
        beats += [(word, int(i == size - 1)) for i, word in enumerate(words[:size])]
        whole &= (1 << (8 * width * min(size, count))) - 1
        given = [whole >> (bits * i) & ((1 << bits) - 1) for i in range(elements)]
        expected += beats_of(np.array(given), lanes, bits)
    params = {"BYTES": width, "ELEM_BITS": bits, "LANES": lanes, "FRAME_ELEMS": elements}
    error = 0 if length is None else 1 if length < count else 2
    errors = (0, error, 0)
    return Case(name, "bnn_input", params, 8 * width, bits * lanes, beats, expected, 3,
                axis_in=True, errors=errors)  # fmt: skip


def output_case(name: str, bits: int, lanes: int, field: int, count: int) -> Case:
    rng = np.random.default_rng(bits * 100 + lanes)
    beats: list[int] = []
    expected: list[tuple[int, int]] = []
    for _ in range(2):
        values = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), (count, lanes))
        values.flat[0], values.flat[-1] = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        beats += beats_of(values, lanes, bits)
        rows = beats_of(values, lanes, field)
        expected += [(row, int(i == count - 1)) for i, row in enumerate(rows)]
    params = {"ELEM_BITS": bits, "LANES": lanes, "FIELD_BITS": field, "FRAME_BEATS": count}
    return Case(name, "bnn_output", params, bits * lanes, field * lanes, beats, expected, 2,
                axis_out=True)  # fmt: skip


def top_k_case(
    name: str, bits: int, classes: int, best: int, frames: int = 6, out_bits: int = 64
) -> Case:
    rng = np.random.default_rng(bits * 100 + classes * 10 + best)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    beats: list[int] = []
    expected: list[int] = []
    for frame in range(frames):
        scores = rng.integers(low, high + 1, classes)
        if frame == 1:
            scores[:] = low  # all equal, at the least score
        if frame == 2:
            scores = np.sort(scores)
        if frame == 3:
            scores = np.sort(scores)[::-1]
        beats += beats_of(scores, 1, bits)
        expected += [
            pack((score, index), out_bits // 2) for index, score in top_k(list(scores), best)
        ]
    params = {"SCORE_BITS": bits, "CLASSES": classes, "K": best, "OUT_BITS": out_bits}
    return Case(name, "bnn_top_k", params, bits, out_bits, beats, expected, frames)


CASES = [
    converter_case("convert_same", 3, 4, 4, 3),
    converter_case("convert_up", 1, 3, 12, 3),
    converter_case("convert_down", 2, 12, 4, 2),
    converter_case("convert_3_to_8", 1, 3, 8, 3),
    converter_case("convert_8_to_3", 5, 8, 3, 3),
    converter_case("convert_7_to_5", 3, 7, 5, 2),
    converter_case("convert_1_to_70", 1, 1, 70, 2),
    converter_case("convert_130_to_1", 1, 130, 1, 2),
    converter_case("convert_wide_odd", 13, 10, 15, 2),
    max_pool_case("max_pool_2x2", (4, 6, 4), 2, (2, 2), 0.3),
    max_pool_case("max_pool_left_over", (5, 7, 3), 3, (2, 3), 0.2),
    max_pool_case("max_pool_3x2_lanes_1", (7, 5, 3), 1, (3, 2), 0.2),
    max_pool_case("max_pool_one_column", (4, 1, 2), 1, (2, 1)),
    max_pool_case("max_pool_whole_image", (3, 4, 5), 5, (3, 4), 0.1),
    max_pool_case("max_pool_1x1", (2, 3, 4), 4, (1, 1)),
    max_pool_case("max_pool_wide", (4, 4, 70), 70, (2, 2), 0.3),
    max_pool_case("max_pool_tiles", (5, 4, 6), 2, (2, 2), 0.3, tiles=True),
    max_pool_case("max_pool_whole_tiles", (2, 3, 6), 3, (2, 3), 0.2, tiles=True),
    reduce_case("reduce_3x3", 4, 2, 9, 5),
    reduce_case("reduce_single", 1, 1, 1, 7),
    reduce_case("reduce_wide", 66, 1, 4, 3),
    reduce_case("reduce_folds", 3, 5, 2, 3),
    reduce_case("reduce_tiles", 3, 4, 2, 5, tiles=True),
    threshold_case("threshold_unsigned", 8, 3, 1, signed=False),
    threshold_case("threshold_signed", 8, 3, 4, signed=True),
    threshold_case("threshold_1_bit", 1, 2, 2, signed=False, pixels=12),
    threshold_case("threshold_wide", 20, 7, 3, signed=True),
    threshold_case("threshold_2_bit_signed", 2, 1, 1, signed=True, pixels=40),
    threshold_case("threshold_tile_by_tile", 9, 3, 4, signed=True, hold=9),
    threshold_case("threshold_one_tile", 8, 2, 1, signed=False, pixels=12, hold=4),
    table_case("table_8_to_1", 8, 1, 3),
    table_case("table_3_to_11", 3, 11, 8),
    table_case("table_1_to_1", 1, 1, 1),
    table_case("table_8_to_32", 8, 32, 5),
    input_case("input_8_bytes_to_3_pixels", 8, 8, 3, 48),
    input_case("input_1_byte_to_wide", 1, 8, 12, 24),
    input_case("input_bits", 4, 1, 5, 160),
    input_case("input_3_bit_elements", 1, 3, 4, 16),
    input_case("input_one_beat_a_frame", 8, 8, 1, 8),
    input_case("input_short", 2, 8, 1, 10, length=3),
    input_case("input_of_one_beat", 8, 3, 4, 64, length=1),
    input_case("input_long_by_one", 2, 8, 1, 10, length=6),
    input_case("input_long", 2, 8, 5, 10, length=17),
    output_case("output_13_to_16", 13, 4, 16, 3),
    output_case("output_8_to_8", 8, 8, 8, 2),
    output_case("output_one_beat", 20, 2, 32, 1),
    output_case("output_64", 63, 1, 64, 3),
    top_k_case("top_1_of_10", 8, 10, 1),
    top_k_case("top_5_of_20_ties", 3, 20, 5, frames=8),
    top_k_case("top_all", 20, 4, 4),
    top_k_case("top_2_of_9_in_32_bits", 16, 9, 2, out_bits=32),
    top_k_case("top_3_of_5_in_32_bits", 7, 5, 3, out_bits=32),
    top_k_case("top_1_of_1", 5, 1, 1),
    top_k_case("top_3_of_7_one_bit", 1, 7, 3),
    top_k_case("top_32_bit", 32, 9, 2),
]  # fmt: skip
CASES += [
    with_words(case, "bnn_stream_threshold") for case in CASES if case.kind == "bnn_threshold"
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    return run_cases(CASES, tmp_path_factory.mktemp("elements"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_twin_does_what_its_contract_says(case: Case, outcomes: dict[str, Outcome]) -> None:
    check(case, outcomes)
