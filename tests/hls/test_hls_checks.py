"""Illegal parameters stop compilation, with the reason."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from hls_harness import TWINS, twin_of

from bnnhw.assets import asset_folder
from bnnhw.backend.hls import STAND_IN
from bnnhw.verify.hls_run import ap_types_folder

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = {"ELEM_BITS": 1, "CHANNELS": 4, "HEIGHT": 5, "WIDTH": 6, "KERNEL_H": 3, "KERNEL_W": 3}
IMAGE |= {"STRIDE_H": 1, "STRIDE_W": 1, "PAD_TOP": 1, "PAD_BOTTOM": 1, "PAD_LEFT": 1}
IMAGE |= {"PAD_RIGHT": 1, "SIMD": 2, "REPEATS": 1, "PAD_VALUE": 0, "RAM_STYLE": 0}
LEGAL = {
    "bnn_input": {"BYTES": 2, "ELEM_BITS": 8, "LANES": 3, "FRAME_ELEMS": 6},
    "bnn_width_converter": {"ELEM_BITS": 2, "IN_LANES": 3, "OUT_LANES": 2, "BEATS": 4},
    # A window reaches over two rows of six pixels and three more, two beats each: 30.
    "bnn_window": {
        **IMAGE,
        "GROUPS": 1,
        "CHANNEL_OUTER": 0,
        "DEPTH": 30,
        "OUT_BITS": 3,
        "BEATS": 60,
    },
    "bnn_window_parallel": IMAGE,
    "bnn_pe_array": {
        **{"PE": 2, "SIMD": 3, "FOLDS": 2, "TILES": 2, "ACC_BITS": 6, "ACC_SHIFT": 1},
        **{"BINARY_OUT": 0, "OUT_H": 3, "OUT_W": 3, "BORDER_TOP": 1, "BORDER_BOTTOM": 1},
        **{"BORDER_LEFT": 1, "BORDER_RIGHT": 2},
    },
    "bnn_max_pool": {
        **{"CHANNELS": 4, "LANES": 2, "HEIGHT": 4, "WIDTH": 4, "POOL_H": 2, "POOL_W": 2},
        **{"TILES": 1, "BEATS": 32},
    },
    "bnn_pool_reduce": {"LANES": 2, "FOLDS": 2, "TAPS": 3, "HOLD": 1, "BEATS": 12},
    "bnn_threshold": {"IN_BITS": 4, "IN_SIGNED": 0, "LANES": 2, "FOLDS": 3, "HOLD": 1, "BEATS": 9},
    "bnn_table": {"IN_BITS": 4, "OUT_BITS": 2, "LANES": 2, "BEATS": 3},
    "bnn_top_k": {"SCORE_BITS": 8, "CLASSES": 4, "K": 2, "OUT_BITS": 64},
    "bnn_output": {"ELEM_BITS": 9, "LANES": 2, "FIELD_BITS": 16, "FRAME_BEATS": 3},
}
LEGAL["bnn_int_pe_array"] = {**LEGAL["bnn_pe_array"], "IN_BITS": 4, "IN_SIGNED": 1}
ILLEGAL: list[tuple[str, dict[str, int], str]] = [
    ("bnn_input", {"FRAME_ELEMS": 8}, "a frame is a whole number of output beats"),
    ("bnn_input", {"FRAME_ELEMS": 9}, "a frame is a whole number of input beats"),
    ("bnn_width_converter", {"BEATS": 3}, "a frame is a whole number of output beats"),
    ("bnn_window", {"SIMD": 3, "OUT_BITS": 4}, "SIMD divides CHANNELS"),
    ("bnn_window", {"PAD_RIGHT": 4}, "a window at most borders on the image"),
    ("bnn_window", {"KERNEL_H": 8}, "the kernel fits the padded image"),
    ("bnn_window", {"DEPTH": 29}, "the buffer holds a window"),
    ("bnn_window", {"OUT_BITS": 5}, "elements, and tuser or not"),
    ("bnn_window", {"CHANNEL_OUTER": 2}, "CHANNEL_OUTER is 0 or 1"),
    ("bnn_window", {"GROUPS": 3}, "GROUPS divides the channel folds"),
    ("bnn_window", {"RAM_STYLE": 4}, "a style is 0 to 3"),
    ("bnn_window_parallel", {"SIMD": 5}, "SIMD divides the window"),
    ("bnn_window_parallel", {"PAD_TOP": 3}, "a window touches the image"),
    ("bnn_pe_array", {"ACC_SHIFT": 6}, "ACC_SHIFT is less than ACC_BITS"),
    ("bnn_pe_array", {"ACC_BITS": 33}, "an accumulator has 2 to 32 bits"),
    ("bnn_pe_array", {"BINARY_OUT": 2}, "BINARY_OUT is 0 or 1"),
    ("bnn_pe_array", {"BORDER_LEFT": 2}, "borders do not overlap"),
    ("bnn_int_pe_array", {"IN_SIGNED": 2}, "IN_SIGNED is 0 or 1"),
    ("bnn_max_pool", {"LANES": 3}, "LANES divides CHANNELS"),
    ("bnn_max_pool", {"POOL_W": 5}, "the pool fits the image"),
    ("bnn_max_pool", {"TILES": 2}, "a beat is a tile's pixel"),
    ("bnn_max_pool", {"BEATS": 31}, "a call is a whole number of images"),
    ("bnn_window", {"BEATS": 59}, "a call is a whole number of images"),
    ("bnn_pool_reduce", {"HOLD": 3}, "a frame is a whole number of pixels"),
    ("bnn_pool_reduce", {"BEATS": 9}, "a frame is a whole number of pixels"),
    ("bnn_threshold", {"BEATS": 8}, "a frame is a whole number of pixels"),
    ("bnn_threshold", {"HOLD": 2}, "a frame is a whole number of pixels"),
    ("bnn_table", {"IN_BITS": 9}, "a table has at most 256 words"),
    ("bnn_top_k", {"K": 5}, "K is at most the number of classes"),
    ("bnn_top_k", {"OUT_BITS": 48}, "a beat has 64 bits, or 32 where index and score fit 16"),
    ("bnn_top_k", {"OUT_BITS": 32, "SCORE_BITS": 17}, "a beat has 64 bits, or 32 where"),
    ("bnn_output", {"ELEM_BITS": 17}, "a score fits its field"),
    ("bnn_output", {"FIELD_BITS": 12}, "a field is a whole number of bytes"),
]  # fmt: skip


def compiler_messages(folder: Path, instances: list[tuple[str, dict[str, int]]]) -> dict[int, str]:
    """Errors by instance; an instance a line, so that line numbers tell which one is meant."""
    lines = [f'#include "{kind}.h"' for kind in sorted(TWINS)]
    first = len(lines) + 1
    for number, (kind, params) in enumerate(instances):
        values = ", ".join(str(params[name]) for name in twin_of(kind).parameters)
        lines.append(f"auto instance_{number} = &bnnhw::{kind}<{values}>;")
    source = folder / "instances.cpp"
    source.write_text("\n".join(lines) + "\n")
    command = ["g++", "-std=c++14", "-fsyntax-only", "-fmax-errors=0", "-w", "-I"]
    command += [str(asset_folder("hls")), "-isystem", str(ap_types_folder())]
    command += ["-isystem", str(asset_folder("hls") / STAND_IN), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: dict[int, str] = {}
    number = -1
    for line in done.stderr.splitlines():
        if match := re.search(r"instances\.cpp:(\d+):", line):
            number = int(match[1]) - first
        if "error:" in line:
            found[number] = found.get(number, "") + line + "\n"
    return found


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    instances = [(kind, {**LEGAL[kind], **change}) for kind, change, _ in ILLEGAL]
    return compiler_messages(tmp_path_factory.mktemp("illegal"), instances)


def test_legal_parameters_compile(tmp_path: Path) -> None:
    assert compiler_messages(tmp_path, list(LEGAL.items())) == {}


@pytest.mark.parametrize("number", range(len(ILLEGAL)))
def test_illegal_parameters_are_refused(number: int, messages: dict[int, str]) -> None:
    assert f"static assertion failed: {ILLEGAL[number][2]}" in messages.get(number, "")
