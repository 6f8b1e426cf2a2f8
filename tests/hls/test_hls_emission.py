"""Emitted HLS C++ gives the interpreter's scores, and refuses what it must."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import TWINS

from bnnhw.assets import asset_folder
from bnnhw.backend.hls import _memory_header, emit_hls, tcl_word
from bnnhw.errors import BnnhwError, ToolError, VerificationError
from bnnhw.frontend import LoadOptions, load
from bnnhw.hardware.board import load_board
from bnnhw.hardware.design import Memory
from bnnhw.hardware.folding import WIDEST_WORD, Folding, LayerFolding
from bnnhw.hardware.stages import streamed_parameters
from bnnhw.interpret.interpreter import interpret
from bnnhw.ir.ops import REFLECT, IntegerMaxPool, IntegerTable, Pad, SumPool, Window
from bnnhw.ir.types import Bit, Integer
from bnnhw.passes import run as run_passes
from bnnhw.planning.loops import find_loops
from bnnhw.planning.lower import lower, with_fifo_depths
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from bnnhw.verify.hls_run import ap_types_folder, simulate_hls
from gated_networks import gated_network
from graphs import GraphBuilder, digits, residual, residual_blocks
from memory_designs import one_integer_layer, two_layers
from random_networks import branched_network
from reordered_design import reordered
from scaled_networks import scaled_network

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bnnhw.hardware.design import Design
    from bnnhw.ir.graph import Graph
    from bnnhw.ir.ops import Ints
    from random_networks import RandomNetwork

HERE = Path(__file__).parent


def padded_integers() -> tuple[GraphBuilder, Folding, int]:
    """Padded convolutions on 8-bit pixels, a pool, weights in block RAM and in LUTs."""
    layers = {
        "conv0": LayerFolding(4, 1),
        "conv1": LayerFolding(8, 4, "bram", "bram"),
        "dense0": LayerFolding(2, 16, "bram"),
        "scores": LayerFolding(5, 2),
    }
    return digits(), Folding(layers), 0


def bits_spanning_taps() -> tuple[GraphBuilder, Folding, int]:
    """Bipolar input, asymmetric padding and strides, SIMD across taps, an overlapping pool with
    padding, words of more than 64 bits, and the best three classes."""
    b = GraphBuilder((6, 9, 8), Bit(), seed=1, name="bits")
    b.conv("c0", 10, Window((5, 3), (1, 2), (2, 1, 1, 0))).threshold("t0")
    b.pool("p0", Window((3, 2), (2, 1), (1, 0, 1, 1)))
    b.conv("c1", 72, Window((2, 2))).threshold("t1", bipolar=False)
    b.conv("c2", 6, Window((2, 2), (1, 1), (0, 1, 1, 0))).threshold("t2")
    b.dense("d0", 7)
    layers = {
        "c0": LayerFolding(5, 45),
        "c1": LayerFolding(36, 20, "bram"),
        "c2": LayerFolding(3, 72, "bram"),
        "d0": LayerFolding(7, 3),
    }
    return b, Folding(layers), 3


def table_on_a_vector() -> tuple[GraphBuilder, Folding, int]:
    """A table on signed 3-bit numbers, then layers of one pixel."""
    b = GraphBuilder((24,), Integer(3, True), seed=2, name="vector")
    values = b.rng.integers(-2, 2, 8)
    b.add("quantise", IntegerTable(values, Integer(2, True)))
    b.dense("d0", 9).threshold("t0")
    b.dense("d1", 5)
    layers = {"d0": LayerFolding(3, 8), "d1": LayerFolding(1, 9)}
    return b, Folding(layers, {"quantise": 3}), 0


def threshold_on_the_input() -> tuple[GraphBuilder, Folding, int]:
    """Pixels, pooled with a stride too short for bnn_int_pool_overlap, summed with one that is not,
    binarised by a threshold for each channel, and scores of an image, not of a vector."""
    b = GraphBuilder((4, 5, 6), Integer(8, False), seed=3, name="image")
    b.add("pool", IntegerMaxPool(Window((3, 3), (1, 1), (1, 1, 1, 1))))
    b.add("sum", SumPool(Window((2, 3), (1, 2), (1, 1, 0, 1))))
    b.threshold("t", spread=0.9)
    b.conv("c0", 6, Window((3, 3), (2, 2), (1, 1, 1, 1))).threshold("t0")
    b.conv("c1", 4, Window((1, 1)))
    layers = {"c0": LayerFolding(2, 4), "c1": LayerFolding(2, 6)}
    return b, Folding(layers, {"t": 2}), 0


NETWORKS = [padded_integers, bits_spanning_taps, table_on_a_vector, threshold_on_the_input]


Maker = Callable[[], tuple[GraphBuilder, Folding, int]]


def design_of(make: Maker) -> tuple[GraphBuilder, Design]:
    builder, folding, top_k = make()
    network = Network(builder.graph(), top_k)
    return builder, lower(network, folding, board=load_board("pynq-z2"), clock_mhz=100.0)


def write_hls(design: Design, folder: Path) -> Path:
    for name, content in emit_hls(design).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def expected_output(builder: GraphBuilder, design: Design, x: NDArray[np.int64]) -> Ints:
    """What OutputPort.unpack must give for inputs ``x``."""
    scores = interpret(builder.graph(), x)
    best = design.output_port.top_k
    if not best:
        return scores
    order = np.argsort(-scores, axis=1, kind="stable")[:, :best]
    return np.stack([order, np.take_along_axis(scores, order, axis=1)], axis=2)


Build = tuple[GraphBuilder, "Design", Path]


@pytest.fixture(scope="module")
def build_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Maker], Build]:
    """Builds by network, each made once, so that its program is compiled once."""

    @cache
    def build(make: Maker) -> Build:
        builder, design = design_of(make)
        return builder, design, write_hls(design, tmp_path_factory.mktemp(design.name))

    return build


@pytest.fixture
def vector_build(build_of: Callable[[Maker], Build]) -> Build:
    return build_of(table_on_a_vector)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("make", NETWORKS)
def test_emitted_code_gives_the_scores_of_the_interpreter(
    make: Maker, build_of: Callable[[Maker], Build]
) -> None:
    builder, design, build = build_of(make)
    x = builder.inputs(5)
    received = simulate_hls(build, design.input_port.pack(x), len(x))
    result = design.output_port.unpack(received)
    np.testing.assert_array_equal(result, expected_output(builder, design, x))


@pytest.mark.sampled(1)
@pytest.mark.parametrize("define", ["__SYNTHESIS__", "BNNHW_CSIM"])
def test_the_code_that_vitis_sees_gives_the_same(tmp_path: Path, define: str) -> None:
    """Images as arrays of ap_uint and range operators, which __SYNTHESIS__ selects; and in C
    simulation too an ap_axiu that is the tool's."""
    builder, design = design_of(bits_spanning_taps)
    hls = write_hls(design, tmp_path) / "hls"
    command = ["g++", "-std=c++14", "-O0", "-w", f"-D{define}"]
    command += ["-I", str(HERE / "synthesis_view"), "-I", str(hls)]
    command += ["-isystem", str(ap_types_folder()), "-o", str(tmp_path / "testbench")]
    command += [str(hls / "testbench.cpp"), str(hls / f"{design.top}.cpp")]
    subprocess.run(command, check=True)
    x = builder.inputs(3)
    (tmp_path / "frames").write_bytes(design.input_port.pack(x))
    arguments = [str(tmp_path / name) for name in ("testbench", "frames", "scores")]
    done = subprocess.run([*arguments, "3"], check=True, capture_output=True, text=True)
    assert done.stdout == ""
    result = design.output_port.unpack((tmp_path / "scores").read_bytes())
    np.testing.assert_array_equal(result, expected_output(builder, design, x))


@pytest.mark.slow
def test_the_makefile_builds_the_testbench(vector_build: Build, tmp_path: Path) -> None:
    builder, design, build = vector_build
    folder = build / "hls"
    command = ["make", "-C", folder, f"AP_TYPES={ap_types_folder()}", "CXXFLAGS=-O0 -w"]
    subprocess.run(command, check=True, capture_output=True)
    x = builder.inputs(2)
    (tmp_path / "frames").write_bytes(design.input_port.pack(x))
    command = [folder / "testbench", tmp_path / "frames", tmp_path / "scores", "2"]
    subprocess.run(command, check=True, capture_output=True)
    subprocess.run(["make", "-C", folder, "clean"], check=True, capture_output=True)
    result = design.output_port.unpack((tmp_path / "scores").read_bytes())
    np.testing.assert_array_equal(result, expected_output(builder, design, x))


def test_the_ports_have_one_type_and_pipelines_flush() -> None:
    """Vitis HLS makes tlast of ap_axiu only. A pipeline that stalls with its input (stp) keeps the
    results in it back, so that a fork whose paths join again can wait for ever."""
    files = emit_hls(design_of(padded_integers)[1])
    assert "__SYNTHESIS__" not in files["hls/bnn_axis.h"]
    assert "using AxisBeat = ap_axiu<WIDTH, 0, 0, 0>;" in files["hls/bnn_axis.h"]
    loops = [line for text in files.values() for line in text.splitlines() if "PIPELINE" in line]
    assert len(loops) > 20
    assert set(loops) == {"#pragma HLS PIPELINE II=1 style=flp"}
    # The stand-in for Vitis's header lies where its include paths do not lead.
    assert not any(Path(name).name == "ap_axi_sdata.h" for name in files if name.count("/") < 2)
    assert "stand_in" not in files["hls/run_hls.tcl"]


#: Random networks that tests of whole designs execute: concatenations, products, gates.
RANDOM = ((branched_network, 1), (scaled_network, 5), (gated_network, 1))


def graph_of(case: tuple[Callable[[int], RandomNetwork], int]) -> Graph:
    """The integer graph of a random network."""
    make, seed = case
    network = make(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = network.sketch.save(Path(folder) / "m.onnx")
        return run_passes(load(path, LoadOptions(input_type=network.input_type)))


def test_executed_designs_call_every_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the networks above, of tests/end_to_end, of test_external_memory and of
    test_reordered_streams: there is no twin whose call is never emitted, compiled and compared."""
    monkeypatch.setattr(streamed_parameters, "_READER_LUTS", 0)
    board = load_board("pynq-z2")
    designs = [design_of(make)[1] for make in NETWORKS]
    designs += [two_layers()[0], one_integer_layer()[0], reordered(4, 2, tiles=True)]
    padded = GraphBuilder((3, 8, 8), Integer(8, False), 3, name="padded")
    padded.add("pad0", Pad(REFLECT, (2, 1, 0, 3))).layer("conv0", 8, Window((3, 3)))
    graphs = (residual().graph(), padded.threshold("sign0").dense("scores", 5).graph())
    looped = Network(residual_blocks(2).graph())
    looped = replace(looped, loops=tuple(find_loops(looped.blocks)))
    for network in (looped, *map(Network, (*graphs, *map(graph_of, RANDOM)))):
        folding = FoldingSearch(network, board).choose(Target(None)).folding
        designs.append(lower(network, folding, board=board, clock_mhz=100.0))
    for design in designs:
        code = emit_hls(design)[f"hls/{design.top}.cpp"]
        plain = [unit for unit in design.units if not unit.loop]
        assert all(f"  // {unit.name}\n  bnnhw::{unit.kind}<\n" in code for unit in plain)
        # A loop's first and last unit are a function's own statements.
        inside = {unit.kind for unit in design.units if unit.loop} - {"bnn_concat", "bnn_split"}
        assert all(f"bnnhw::{kind}<" in code for kind in inside)
    called = {unit.kind for design in designs for unit in design.units}
    assert called == TWINS


def test_emission_is_deterministic() -> None:
    assert emit_hls(design_of(bits_spanning_taps)[1]) == emit_hls(design_of(bits_spanning_taps)[1])


def test_streams_keep_the_depth_of_the_design() -> None:
    _, design = design_of(table_on_a_vector)
    name = next(iter(design.streams))
    code = emit_hls(with_fifo_depths(design, {name: 37}))[f"hls/{design.top}.cpp"]
    depths = dict(re.findall(r"#pragma HLS STREAM variable=(\w+) depth=(\d+)", code))
    assert depths == {stream: "37" if stream == name else "2" for stream in design.streams}


def test_memories_lie_where_the_design_says() -> None:
    _, design = design_of(padded_integers)
    code = emit_hls(design)[f"hls/{design.top}.cpp"]
    found = dict(re.findall(r"BIND_STORAGE variable=(\w+) type=rom_1p impl=(\w+)", code))
    expected = {"bram": "bram", "lut": "lutram"}
    assert {layer.memory for layer in design.layers} == set(expected)
    for layer in design.layers:
        assert found[f"{layer.name}_weights"] == expected[layer.memory]


def test_every_emitted_pragma_names_a_variable_in_scope() -> None:
    for make in NETWORKS:
        _, design = design_of(make)
        code = emit_hls(design)[f"hls/{design.top}.cpp"]
        known = {*design.streams, *design.memories}
        named = set(re.findall(r"variable=(\w+)", code))
        assert named <= known
        assert set(design.streams) <= named


@pytest.mark.parametrize("bits", [1, 63, 64, 65, 128, 200])
def test_memory_headers_hold_the_image(bits: int, tmp_path: Path) -> None:
    """In particular words that begin like a radix prefix: 0b... and 0d... ."""
    rng = np.random.default_rng(bits)
    image = rng.integers(0, 2, (40, 3 * bits)).astype(np.uint8)
    if bits >= 64:
        for row, head in enumerate((0x0B, 0x0D, 0x0F, 0x00)):
            top = [(head >> i) & 1 for i in range(8)]
            image[row, bits - 8 : bits] = top
    memory = Memory("image", image)
    (tmp_path / "image.h").write_text(_memory_header(memory, 3, True))
    (tmp_path / "flat.h").write_text(_memory_header(Memory("flat", image), 1, False))
    (tmp_path / "print.cpp").write_text(
        '#include <cstdio>\n#include "image.h"\n#include "flat.h"\n'
        "int main() {\n"
        "  for (auto& word : image)\n"
        f"    for (auto& field : word)\n      for (int i = 0; i < {bits}; ++i)"
        " std::putchar('0' + static_cast<int>(field[i]));\n"
        "  for (auto& word : flat)\n"
        f"    for (int i = 0; i < {3 * bits}; ++i) std::putchar('0' + static_cast<int>(word[i]));\n"
        "}\n"
    )
    subprocess.run(
        ["g++", "-std=c++14", "-O0", "-I", tmp_path, "-I", asset_folder("hls"),
         "-isystem", ap_types_folder(), "-o", tmp_path / "print", tmp_path / "print.cpp"],
        check=True,
    )  # fmt: skip
    done = subprocess.run([tmp_path / "print"], check=True, capture_output=True, text=True)
    expected = "".join(map(str, image.ravel()))
    assert done.stdout == expected * 2


def test_a_second_run_uses_the_program_of_the_first(
    vector_build: Build,
) -> None:
    builder, design, build = vector_build
    frames = design.input_port.pack(builder.inputs(2))
    first = simulate_hls(build, frames, 2)
    programs = sorted((build / "hls" / "simulation").iterdir())
    assert len(programs) == 1
    stamp = programs[0].stat().st_mtime_ns
    assert simulate_hls(build, frames, 2) == first
    assert [p.stat().st_mtime_ns for p in (build / "hls" / "simulation").iterdir()] == [stamp]


def test_too_few_or_too_many_frames_are_refused(
    vector_build: Build,
) -> None:
    builder, design, build = vector_build
    frames = design.input_port.pack(builder.inputs(2))
    with pytest.raises(VerificationError, match="frame 2: the input ends early"):
        simulate_hls(build, frames, 3)
    with pytest.raises(VerificationError, match="the file holds more frames"):
        simulate_hls(build, frames, 1)


def test_a_missing_compiler_is_named(vector_build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ToolError, match="needs the program g\\+\\+"):
        simulate_hls(vector_build[2], b"", 0)


def test_code_that_does_not_compile_is_reported(tmp_path: Path) -> None:
    (tmp_path / "hls").mkdir()
    (tmp_path / "hls" / "testbench.cpp").write_text("int main() { return missing; }\n")
    with pytest.raises(ToolError, match="missing"):
        simulate_hls(tmp_path, b"", 0)
    with pytest.raises(ToolError, match="no HLS C\\+\\+"):
        simulate_hls(tmp_path / "hls", b"", 0)


def test_the_vitis_script_takes_the_part_of_the_board() -> None:
    _, design = design_of(table_on_a_vector)
    script = emit_hls(design)["hls/run_hls.tcl"]
    assert '    set part "xc7z020clg400-1"\n' in script
    assert "vitis-run --mode hls --tcl run_hls.tcl" in script
    assert "vitis_hls -f run_hls.tcl" in script
    own = replace(design.board, name="bench", part="xc7z010clg400-1")
    script = emit_hls(replace(design, board=own))["hls/run_hls.tcl"]
    assert '    set part "xc7z010clg400-1"\n' in script


def test_names_of_the_user_are_words_of_tcl() -> None:
    _, design = design_of(table_on_a_vector)
    part = 'my "part" [exit] $x {y\\'
    board = replace(design.board, part=part)
    script = emit_hls(replace(design, board=board))["hls/run_hls.tcl"]
    quoted = 'my \\"part\\" \\[exit\\] \\$x \\{y\\\\"\n'
    assert f'    set part "{quoted}' in script
    assert tcl_word("two\nlines") == '"two\\nlines"'
    tcl = pytest.importorskip("tkinter").Tcl()
    for text in (part, "", "xc7z020clg400-1", "a;b # c", "tab\tline\n", "\\[x]\\"):
        assert tcl.eval(f"set word {tcl_word(text)}") == text


def test_words_beyond_the_limit_of_vitis_are_refused() -> None:
    b = GraphBuilder((WIDEST_WORD + 8,), Bit(), seed=4, name="wide").dense("d0", 4)
    network = Network(b.graph())
    folding = Folding({"d0": LayerFolding(1, WIDEST_WORD + 8)})
    design = lower(network, folding, board=load_board("pynq-z2"), clock_mhz=100.0)
    with pytest.raises(BnnhwError, match="4104 bits is wider than the 4096"):
        emit_hls(design)
