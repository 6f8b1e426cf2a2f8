"""The generated C header: formats as the host package and the interpreter have them."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnhw.backend.c_driver import c_string, emit_c_driver
from bnnhw.backend.manifest import manifest
from bnnhw.hardware.board import load_board
from bnnhw.hardware.design import Design, InputPort, OutputPort
from bnnhw.ir.graph import InputFormat, OutputMap
from bnnhw.ir.types import Bit, Integer
from bnnhw_host.formats import outputs, unpack
from bnnhw_host.manifest import read_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw_host.manifest import OutputPort as HostPort

FLAGS = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion"]
OUT = OutputPort(beat_bytes=2, field_bits=16, score_bits=12, shape=(10,), beats=10)
SCORES = OutputMap("scores", (10,), np.linspace(0.5, 2, 10), np.arange(10.0))
U8, S4, U12 = Integer(8, False), Integer(4, True), Integer(12, False)

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="needs a C compiler")


def ends(
    source: InputFormat | None = None, out: OutputPort = OUT, scores: OutputMap = SCORES
) -> Design:
    """A design that has nothing but its ends."""
    source = source or InputFormat("x", (8,), "uint8", element=U8)
    element = source.element
    last = source.channels_last
    shape = (source.shape[-1], *source.shape[:-1]) if last else source.shape
    grid = source.grid or shape
    bits = 1 if isinstance(element, Bit) else element.bits
    assert np.prod(grid) % 8 == 0
    return Design(
        name="ends",
        units=(),
        streams={},
        memories={},
        layers=(),
        input_port=InputPort(
            beat_bytes=bits,
            elem_bits=bits,
            signed=isinstance(element, Integer) and element.signed,
            bit_low=element.low if isinstance(element, Bit) else 0,
            shape=grid,
            beats=int(np.prod(grid)) // 8,
        ),
        output_port=out,
        input_format=source,
        output_map=scores,
        board=load_board("pynq-z2"),
        clock_mhz=100.0,
    )


def run_c(folder: Path, design: Design, body: str, data: bytes = b"", **options: object) -> bytes:
    """What a program around the header writes; ``body`` has ``in`` and ``out`` as files."""
    header = emit_c_driver(design, **options)["host/ends.h"]
    (folder / "ends.h").write_text(header)
    (folder / "t.c").write_text(
        '#include "ends.h"\n#include <stdio.h>\n#include <string.h>\n'
        f"int main(void) {{ FILE *in = stdin, *out = stdout; (void)in; (void)out;\n{body}\n"
        "return 0; }\n"
    )
    command = [*FLAGS, "-o", str(folder / "t"), str(folder / "t.c")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return subprocess.run([str(folder / "t")], input=data, capture_output=True, check=True).stdout


PACK = """
double value; uint32_t i = 0; static ends_element image[ENDS_INPUT_ELEMENTS];
static uint8_t frame[ENDS_INPUT_BYTES];
while (fread(&value, sizeof value, 1, in) == 1) {
  image[i] = ends_encode(value, i);
  if (++i == ENDS_INPUT_ELEMENTS) {
    ends_pack(image, frame);
    fwrite(frame, sizeof frame, 1, out);
    i = 0;
  }
}
"""
CHANNELS = {"scale": (0.25, 0.5, 0.0173), "offset": (-1.0, 0.5, 0.125)}
FORMATS = [
    InputFormat("x", (8,), "uint8", element=U8),
    InputFormat("x", (3, 4, 8), "float32", element=U8, scale=1 / 255),
    InputFormat("x", (4, 8, 3), "float32", True, element=U8, **CHANNELS),
    InputFormat("x", (3, 4, 8), "float32", element=S4, **CHANNELS),
    InputFormat("x", (2, 8), "float64", element=U12, scale=0.5, grid=(2, 1, 8)),
    InputFormat("x", (8, 3), "float64", True, element=S4, grid=(3, 1, 8), **CHANNELS),
    InputFormat("x", (96,), "float32", element=Integer(5, True), grid=(3, 4, 8)),
    InputFormat("x", (16,), "float64", element=Integer(16, True), scale=0.125),
    InputFormat("x", (3, 4, 8), "float32", element=S4, scale=0.5, rounds=True),
    InputFormat("x", (3, 4, 8), "float32", element=Bit(True)),
    InputFormat("x", (4, 8, 3), "float32", True, element=Bit(False), scale=0.5, offset=0.25),
    *(
        InputFormat(
            *("x", (4, 8, 3), "float64", True),
            element=Bit(bipolar),
            rounds=True,
            falls=falls,
            ties_high=ties,
            point=point,
        )
        for bipolar, falls, ties, point in [
            (True, False, False, None),
            (True, True, True, None),
            (False, False, True, None),
            (False, True, False, 0.25),
            (True, False, True, -1e-3),
        ]
    ),
]


@pytest.mark.parametrize("source", FORMATS, ids=range(len(FORMATS)))
def test_frames_are_packed_as_the_interpreter_takes_them(source: InputFormat, tmp_path) -> None:
    design = ends(source)
    port, element, rng = design.input_port, source.element, np.random.default_rng(3)
    if isinstance(element, Bit):
        q = rng.choice([element.low, element.high], (5, *port.shape))
    else:
        q = rng.integers(element.low, element.high + 1, (5, *port.shape))
    x = source.decode(q).astype(source.dtype)
    if source.rounds:  # halves, what lies beyond, and the very point
        x = (x + rng.choice([0, 0.25, -0.25, 0.5, 100, -100], x.shape)).astype(source.dtype)
        x[0] = source.point or 0
    wanted = port.pack(source.encode(x))
    assert run_c(tmp_path, design, PACK, x.astype(np.float64).tobytes()) == wanted


UNPACK = """
static uint8_t frame[ENDS_OUTPUT_BYTES]; static int32_t scores[ENDS_SCORES];
while (fread(frame, sizeof frame, 1, in) == 1) {
  ends_unpack(frame, scores);
  fwrite(scores, sizeof scores, 1, out);
}
"""


def host_port(design: Design, folder: Path) -> HostPort:
    path = folder / "manifest.json"
    path.write_text(json.dumps(manifest(design)))
    return read_manifest(path).output


@pytest.mark.parametrize(
    ("bits", "shape"), [(8, (10,)), (16, (10,)), (32, (10,)), (16, (3, 2, 5)), (8, (6, 1, 4))]
)
def test_scores_are_unpacked_as_the_host_does(bits: int, shape: tuple[int, ...], tmp_path) -> None:
    beats = int(np.prod(shape))
    one = np.linspace(0.5, 2, shape[0])
    design = ends(None, OutputPort(bits // 8, bits, bits, shape, beats),
                  OutputMap("y", shape, one, one - 1))  # fmt: skip
    port = host_port(design, tmp_path)
    data = np.random.default_rng(bits).integers(0, 256, (4, port.frame_bytes), np.uint8)
    found = np.frombuffer(run_c(tmp_path, design, UNPACK, data.tobytes()), "<i4")
    np.testing.assert_array_equal(found.reshape(4, *shape), unpack(port, data))


def test_outputs_are_scale_times_score_plus_bias(tmp_path) -> None:
    design = ends()
    body = "for (uint32_t c = 0; c < 10; c++) { double v = ends_output(7 - (int32_t)c, c);"
    found = run_c(tmp_path, design, f"{body} fwrite(&v, sizeof v, 1, out); }}")
    wanted = outputs(host_port(design, tmp_path), 7 - np.arange(10)[None])
    np.testing.assert_array_equal(np.frombuffer(found), wanted[0])


@pytest.mark.parametrize("bits", [16, 32])
def test_best_classes_come_with_their_scores(bits: int, tmp_path) -> None:
    out = OutputPort(bits // 4, bits, bits, (10,), 3, top_k=3)
    design = ends(None, out)
    body = UNPACK.replace("int32_t scores[ENDS_SCORES]", "struct ends_best scores[ENDS_TOP_K]")
    port = host_port(design, tmp_path)
    data = np.random.default_rng(bits).integers(0, 256, (4, port.frame_bytes), np.uint8)
    found = np.frombuffer(run_c(tmp_path, design, body, data.tobytes()), "<u4").reshape(4, 3, 2)
    wanted = unpack(port, data)
    np.testing.assert_array_equal(found[..., 0], wanted[..., 0])
    np.testing.assert_array_equal(found[..., 1].astype("<i4"), wanted[..., 1])


NAMES = ['"', "\\", "??/", "*/", "naïve 猫", "%s%n", "a\\", "7 of \\x41", "'", "-"]


def test_class_names_stay_within_their_quotes(tmp_path) -> None:
    body = "for (uint32_t c = 0; c < 10; c++) { fputs(ends_class_name(c), out); fputc(0, out); }"
    found = run_c(tmp_path, ends(), body, class_names=NAMES)
    assert found.decode().split("\0")[:-1] == NAMES
    assert run_c(tmp_path, ends(), body) == b"\0" * 10


def test_names_of_the_model_and_the_board_do_too(tmp_path) -> None:
    design = ends(
        InputFormat('x"; */ #error\n', (8,), "uint8", element=U8),
        scores=replace(SCORES, name="y*/ ??/\\"),
    )
    design = replace(design, board=replace(design.board, name='b"\\*/'))
    body = "fputs(ENDS_INPUT_NAME ENDS_OUTPUT_NAME ENDS_BOARD, out);"
    assert run_c(tmp_path, design, body).decode() == 'x"; */ #error\ny*/ ??/\\b"\\*/'


def test_numbers_are_those_of_the_manifest(tmp_path) -> None:
    header = emit_c_driver(ends(), (), {"cycles_per_frame": 1000, "latency_cycles": 10})
    text = header["host/ends.h"]
    data = manifest(ends())
    for name, address in data["registers"].items():
        assert f"#define ENDS_REGISTER_{name.upper()} 0x{address:02X}u\n" in text
    for name, bit in data["control_bits"].items():
        assert f"#define ENDS_CONTROL_{name.upper()} 0x{1 << bit:X}u\n" in text
    for name, bit in data["error_bits"].items():
        assert f"#define ENDS_ERROR_{name.upper()} 0x{1 << bit:X}u\n" in text
    assert "#define ENDS_FRAME_MICROSECONDS 40u\n" in text
    assert "#define ENDS_LATENCY_MICROSECONDS 1u\n" in text
    assert f"0x{data['build_hash'][:8].upper()}u" in text


def test_a_board_without_a_processor_has_no_driver() -> None:
    board = ends().board
    bare = replace(board, processor=type(board.processor)())
    assert emit_c_driver(replace(ends(), board=bare)) == {}


def test_strings_are_octal_where_they_are_not_plain() -> None:
    assert c_string('a"b\n1é') == '"a\\042b\\0121\\303\\251"'
