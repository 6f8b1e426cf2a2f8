"""The twins of the window units give the windows of the contract, for any geometry."""

from __future__ import annotations

import numpy as np
import pytest
from hls_golden import beats_of, output_size, pack, windows
from hls_harness import Case, Outcome, check, in_one_call, run_cases


def window_case(
    name: str,
    *,
    image: tuple[int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    pads: tuple[int, int, int, int] = (0, 0, 0, 0),
    simd: int = 1,
    repeats: int = 1,
    bits: int = 1,
    outer: int = 0,
    groups: int = 1,
    pad_value: int = 0,
    user: bool = False,
    spare: int = 0,
    style: int = 0,
    frames: int = 2,
    parallel: bool = False,
) -> Case:
    """``image`` is (H, W, C), ``pads`` (top, bottom, left, right); DEPTH is ``spare`` beats more
    than its least."""
    height, width, channels = image
    rng = np.random.default_rng(len(name) * 1009 + height * 31 + width)
    beats: list[int] = []
    expected: list[int] = []
    for _ in range(frames):
        pixels = rng.integers(0, 1 << bits, image)
        beats += beats_of(pixels, channels if parallel else simd, bits)
        values, padded = windows(pixels, kernel, stride, pads, pad_value)
        for oy, ox in np.ndindex(padded.shape[:2]):
            if parallel:
                expected += beats_of(values[oy, ox], simd, bits) * repeats
                continue
            taps = values[oy, ox].reshape(*kernel, channels // simd, simd)
            marks = np.broadcast_to(padded[oy, ox][:, :, None], taps.shape[:3])
            if outer:
                taps, marks = np.moveaxis(taps, 2, 0), np.moveaxis(marks, 2, 0)
            # Channel folds are the last axis but one, or the first where they are outermost.
            axis = 0 if outer else 2
            parts = (np.split(values, groups, axis) for values in (taps, marks))
            for own, marked in zip(*parts, strict=True):
                window = [
                    pack(tap, bits) | (int(mark and user) << (simd * bits))
                    for tap, mark in zip(own.reshape(-1, simd), marked.reshape(-1), strict=True)
                ]
                expected += window * repeats
    params = {
        "ELEM_BITS": bits, "CHANNELS": channels, "HEIGHT": height, "WIDTH": width,
        "KERNEL_H": kernel[0], "KERNEL_W": kernel[1],
        "STRIDE_H": stride[0], "STRIDE_W": stride[1],
        "PAD_TOP": pads[0], "PAD_BOTTOM": pads[1], "PAD_LEFT": pads[2], "PAD_RIGHT": pads[3],
        "SIMD": simd, "REPEATS": repeats, "PAD_VALUE": pad_value, "RAM_STYLE": style,
    }  # fmt: skip
    if parallel:
        kind, in_lanes, out_bits = "bnn_window_parallel", channels, simd * bits
    else:
        kind, in_lanes, out_bits = "bnn_window", simd, simd * bits + user
        depth = smallest_depth(image, kernel, stride, pads) * (channels // simd) + spare
        params |= {
            "GROUPS": groups,
            "CHANNEL_OUTER": outer,
            "DEPTH": depth,
            "OUT_BITS": out_bits,
            "BEATS": len(beats) // frames,
        }
    return Case(name, kind, params, in_lanes * bits, out_bits, beats, expected, frames)


def smallest_depth(
    image: tuple[int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pads: tuple[int, int, int, int],
) -> int:
    """Pixels a buffer must hold, by brute force: from the first that this or any later window
    touches to the last that this one touches."""
    height, width, _ = image
    touched = []
    for oy in range(output_size(height, kernel[0], stride[0], *pads[:2])):
        for ox in range(output_size(width, kernel[1], stride[1], *pads[2:])):
            rows = oy * stride[0] - pads[0] + np.arange(kernel[0])
            columns = ox * stride[1] - pads[2] + np.arange(kernel[1])
            rows = rows[(rows >= 0) & (rows < height)]
            columns = columns[(columns >= 0) & (columns < width)]
            touched.append((rows[:, None] * width + columns).ravel())
    depth, first = 1, height * width
    for pixels in filter(len, reversed(touched)):
        first = min(first, int(pixels.min()))
        depth = max(depth, int(pixels.max()) - first + 1)
    return depth


CASES = [
    window_case("3x3", image=(5, 6, 4), kernel=(3, 3), simd=4),
    window_case("3x3_padded_folds", image=(5, 4, 6), kernel=(3, 3), pads=(1, 1, 1, 1), simd=2,
                repeats=3),
    window_case("3x3_padded_spare_slot", image=(4, 4, 3), kernel=(3, 3), pads=(1, 1, 1, 1),
                simd=3, spare=1, bits=3, pad_value=5),
    window_case("3x3_stride_2_asymmetric", image=(7, 6, 4), kernel=(3, 3), stride=(2, 2),
                pads=(0, 1, 1, 0), simd=2, bits=2, pad_value=1, user=True),
    window_case("7x7_stride_2_pad_3", image=(9, 8, 3), kernel=(7, 7), stride=(2, 2),
                pads=(3, 3, 3, 3), simd=3, bits=8, pad_value=0xA5, frames=3),
    window_case("kernel_taller_than_image", image=(2, 3, 2), kernel=(5, 3), pads=(2, 2, 1, 1),
                simd=1, user=True),
    window_case("pad_2_first_rows_share_a_row", image=(6, 3, 2), kernel=(5, 2),
                pads=(4, 1, 1, 1), simd=1),
    window_case("stride_beyond_kernel", image=(7, 8, 2), kernel=(2, 1), stride=(3, 3), simd=2),
    window_case("1x1_stride_2", image=(5, 5, 4), kernel=(1, 1), stride=(2, 2), simd=2,
                repeats=2),
    window_case("1x1_shorter_than_a_pixel", image=(3, 4, 10), kernel=(1, 1), simd=2, spare=-3),
    window_case("1x1_stride_2_short", image=(5, 4, 10), kernel=(1, 1), stride=(2, 2), simd=2,
                spare=-4, outer=1),
    window_case("dense_input_buffer", image=(1, 1, 24), kernel=(1, 1), simd=3, repeats=5,
                frames=4),
    window_case("one_pixel", image=(1, 1, 1), kernel=(1, 1), simd=1, frames=3),
    window_case("padded_as_wide_as_the_kernel", image=(4, 3, 4), kernel=(3, 3), pads=(3, 3, 3, 3),
                simd=2, repeats=2, user=True),
    window_case("padded_as_wide_stride_2", image=(5, 4, 2), kernel=(2, 3), stride=(2, 2),
                pads=(2, 2, 3, 3), simd=1, spare=2),
    window_case("pixel_with_padding", image=(3, 3, 4), kernel=(1, 1), pads=(1, 1, 1, 1), simd=2),
    window_case("row_vector", image=(1, 9, 2), kernel=(1, 3), pads=(0, 0, 1, 1), simd=1,
                repeats=2),
    window_case("column_vector", image=(9, 1, 2), kernel=(3, 1), stride=(2, 1),
                pads=(1, 0, 0, 0), simd=2),
    window_case("channel_outer", image=(5, 5, 6), kernel=(3, 3), stride=(2, 2),
                pads=(1, 1, 1, 1), simd=2, outer=1, user=True, spare=3),
    window_case("channel_outer_repeats", image=(4, 5, 6), kernel=(2, 3), pads=(1, 0, 2, 1),
                simd=3, outer=1, repeats=2, user=True),
    window_case("groups", image=(4, 5, 12), kernel=(3, 3), pads=(1, 1, 1, 1), simd=2, groups=3,
                repeats=2, user=True),
    window_case("one_channel_a_group", image=(5, 6, 4), kernel=(3, 2), stride=(2, 2),
                pads=(1, 0, 0, 1), simd=1, groups=4, bits=8, pad_value=3, spare=1),
    window_case("1x1_groups", image=(3, 4, 8), kernel=(1, 1), simd=2, groups=2, repeats=3),
    window_case("1x1_groups_once", image=(3, 4, 8), kernel=(1, 1), simd=2, groups=4),
    window_case(
        "negative_padding",
        image=(3, 4, 4),
        kernel=(3, 2),
        pads=(1, 1, 0, 1),
        simd=2,
        bits=5,
        pad_value=-3,
    ),
    window_case(
        "parallel_negative_padding",
        image=(3, 4, 3),
        kernel=(3, 2),
        pads=(1, 1, 0, 1),
        simd=6,
        bits=5,
        pad_value=-11,
        parallel=True,
    ),
    window_case("whole_frame_buffered", image=(4, 4, 2), kernel=(2, 2), simd=1, spare=64),
    window_case("wide_beat", image=(3, 3, 130), kernel=(2, 2), simd=130, style=2),
    window_case("wide_integer_beat", image=(3, 4, 33), kernel=(3, 3), pads=(1, 1, 1, 1), simd=11,
                bits=13, pad_value=0x1FFF, user=True, style=1),
    window_case("parallel_3x3", image=(5, 6, 4), kernel=(3, 3), simd=9, parallel=True),
    window_case("parallel_spans_taps", image=(5, 5, 3), kernel=(3, 3), pads=(1, 1, 1, 1),
                simd=27, bits=8, pad_value=0x80, parallel=True),
    window_case("parallel_odd_simd", image=(4, 6, 5), kernel=(3, 2), pads=(1, 0, 0, 1), simd=6,
                repeats=3, bits=2, pad_value=2, parallel=True, frames=3),
    window_case("parallel_stride_2", image=(8, 7, 3), kernel=(3, 3), stride=(2, 2),
                pads=(0, 1, 1, 0), simd=9, parallel=True, style=1),
    window_case("parallel_7x7", image=(8, 9, 3), kernel=(7, 7), stride=(2, 2),
                pads=(3, 3, 3, 3), simd=49, bits=8, parallel=True, style=2),
    window_case("parallel_1x1", image=(3, 3, 4), kernel=(1, 1), simd=2, repeats=2,
                parallel=True),
    window_case("parallel_stride_beyond_kernel", image=(7, 8, 2), kernel=(2, 2), stride=(3, 3),
                simd=8, parallel=True),
    window_case("parallel_short_image", image=(1, 4, 2), kernel=(3, 3), pads=(1, 1, 1, 1),
                simd=2, parallel=True),
    window_case("parallel_wide", image=(3, 3, 70), kernel=(2, 2), simd=140, repeats=2,
                parallel=True),
]  # fmt: skip
CASES += [in_one_call(case) for case in CASES if "BEATS" in case.params]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    return run_cases(CASES, tmp_path_factory.mktemp("windows"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_window_twin_streams_the_windows_of_the_contract(
    case: Case, outcomes: dict[str, Outcome]
) -> None:
    check(case, outcomes)
