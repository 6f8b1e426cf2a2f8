"""Designs whose weights are in memory: Verilog and HLS C++ give what numpy gives, bit for bit."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnhw.backend.build import Build, write_build
from bnnhw.backend.hls import emit_hls
from bnnhw.backend.manifest import emit_manifest, manifest
from bnnhw.backend.verilog import emit_bench, emit_top, emit_verilog
from bnnhw.backend.yosys import synthesise
from bnnhw.errors import BnnhwError, VerificationError
from bnnhw.verify.hls_run import simulate_hls
from bnnhw.verify.simulate import simulate
from bnnhw.verify.simulated_memory import MemoryTiming, SimulatedMemory
from bnnhw.verify.verilator import use_verilator
from memory_designs import Layer, one_integer_layer, two_layers, two_ports

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bnnhw.hardware.design import Design

    Array = NDArray[np.int64]

HANG = 20_000


@dataclass(frozen=True, eq=False)
class Case:
    """A design, its build, and what it computes of images [n, c, y, x]."""

    design: Design
    layers: list[Layer]
    build: Build

    def inputs(self, count: int) -> Array:
        shape = (count, *self.design.input_port.shape)
        x = np.random.default_rng(count).integers(0, 1 << self.layers[0].in_bits, shape)
        x[0] = x.max()
        return x

    def expected(self, x: Array) -> Array:
        """Sums in the order in which they leave: for tile, for pixel, for lane."""
        x = x.transpose(0, 2, 3, 1)
        for layer in self.layers[:-1]:
            x = (layer.sums(x) >= 0).astype(np.int64)
            assert 0.1 < x.mean() < 0.9
        last = self.layers[-1]
        sums = last.sums(x).reshape(len(x), last.pixels, last.tiles, last.pe)
        return sums.swapaxes(1, 2).reshape(len(x), -1)


def emit_all(design: Design) -> dict[str, str | bytes]:
    return {
        **emit_verilog(design),
        **emit_bench(design, HANG),
        **emit_hls(design),
        **emit_manifest(design),
    }


def make_case(design: Design, layers: list[Layer], folder: Path) -> Case:
    return Case(design, layers, write_build(folder / "build", emit_all(design)))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return make_case(*two_layers(), tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return make_case(*two_ports(), tmp_path_factory.mktemp("apart"))


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return make_case(*one_integer_layer(), tmp_path_factory.mktemp("single"))


def check(case: Case, frames: int, idle: float, stall: float, timing: MemoryTiming | None) -> None:
    """Asserts that every score is right, and how much is read from memory."""
    x = case.inputs(frames)
    packed = case.build.input_port.pack(x)
    result = simulate(
        case.build, packed, frames, idle=idle, back_pressure=stall, memory_timing=timing
    )
    np.testing.assert_array_equal(case.build.output_port.unpack(result.data), case.expected(x))
    assert result.registers["errors"] == 0
    assert result.registers["frames_out"] == frames
    # Of two ends of frames, the readers are further ahead at one than at the other by no more than
    # their queues, the weight buffers and the bits in a width converter hold.
    port = case.design.memory_port
    assert port is not None and result.memory_bytes is not None
    word = port.data_bits // 8
    queues = sum(u.params["DEPTH"] for u in case.design.units if u.kind == "bnn_axi_reader")
    buffers = sum(2 * layer.folds * layer.word_bits for layer in case.layers) // 8
    ahead = word * queues + buffers + 2 * word
    if frames == 1:
        assert 0 <= result.memory_bytes - port.bytes_per_frame <= ahead
    else:
        assert abs(result.memory_bytes - port.bytes_per_frame) <= ahead / (frames - 1) + 0.5
    assert result.to_json()["memory_bytes"] == result.memory_bytes


PATTERNS = [
    (6, 0.0, 0.0, None),
    (3, 0.5, 0.4, None),
    (3, 0.0, 0.9, MemoryTiming((1, 3), 0, 1)),
    (3, 0.9, 0.0, MemoryTiming((300, 400), 500, 700)),
]


@pytest.mark.parametrize(("frames", "idle", "stall", "timing"), PATTERNS)
def test_two_layers_are_exact_whenever_the_memory_answers(
    pair: Case, frames: int, idle: float, stall: float, timing: MemoryTiming | None
) -> None:
    check(pair, frames, idle, stall, timing)


def test_two_layers_behind_two_ports_are_exact(apart: Case) -> None:
    assert apart.build.manifest["memory"]["ports"] == 2
    check(apart, 6, 0.0, 0.0, None)
    check(apart, 3, 0.5, 0.4, MemoryTiming((1, 200), 100, 700))


@pytest.mark.slow
def test_a_layer_of_integers_and_one_tile_is_exact(single: Case) -> None:
    check(single, 4, 0.0, 0.0, None)
    check(single, 3, 0.3, 0.6, MemoryTiming((2, 50), 10, 60))
    check(single, 1, 0.0, 0.0, None)


@pytest.mark.parametrize("name", ["pair", "single"])
def test_hls_gives_the_same(name: str, request: pytest.FixtureRequest) -> None:
    case: Case = request.getfixturevalue(name)
    x = case.inputs(4)
    received = simulate_hls(case.build.path, case.build.input_port.pack(x), len(x))
    np.testing.assert_array_equal(case.build.output_port.unpack(received), case.expected(x))


def test_words_from_outside_of_the_image_set_the_error_flag(
    single: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = SimulatedMemory.plusargs

    def moved(memory: SimulatedMemory, run: Path, timing: MemoryTiming) -> list[str]:
        told = genuine(memory, run, timing)
        higher = [f"+memory_base={memory.base + memory.word_bytes:x}"]
        return [x for x in told if not x.startswith("+memory_base")] + higher

    monkeypatch.setattr(SimulatedMemory, "plusargs", moved)
    x = single.inputs(1)
    with pytest.raises(VerificationError, match=r"\(0x4\): a word of weights came .* an error"):
        simulate(single.build, single.build.input_port.pack(x), 1)


def test_a_design_that_waits_for_its_weights_is_said_to_have_stopped(single: Case) -> None:
    x = single.inputs(1)
    late = MemoryTiming((2 * HANG, 2 * HANG))
    with pytest.raises(VerificationError, match="stopped after 0 of 1 frames"):
        simulate(single.build, single.build.input_port.pack(x), 1, memory_timing=late)


def test_a_broken_protocol_is_found(pair: Case, tmp_path: Path) -> None:
    files = emit_all(pair.design)
    for name, old, new in (
        ("bnn_read_arbiter", "3'($clog2(DATA_BITS / 8))", "3'd0"),
        ("bnn_read_arbiter", "m_axi_arburst = 2'b01", "m_axi_arburst = 2'b00"),
        ("bnn_axi_reader", "if (32'(page_left) < 32'(burst)) burst = LenBits'(page_left);", ""),
    ):
        text = files[f"rtl/{name}.sv"]
        assert isinstance(text, str) and text.count(old) == 1, old
        files[f"rtl/{name}.sv"] = text.replace(old, new)
    broken = write_build(tmp_path / "broken", files)
    x = pair.inputs(1)
    with pytest.raises(VerificationError, match="its memory port: a burst crosses 4 KiB"):
        simulate(broken, broken.input_port.pack(x), 1)
    log = (broken.path / "sim" / "run" / "simulation.log").read_text()
    for fault in ("arsize is not that of a bus word", "a burst is not INCR"):
        assert f"bnn_read_memory: {fault}" in log


@pytest.mark.slow
def test_a_register_that_no_reset_reaches_is_found(single: Case, tmp_path: Path) -> None:
    """Registers power up with chance values: from 0, this counter would count right."""
    files = emit_all(single.design)
    text = files["rtl/bnn_loop.sv"]
    assert isinstance(text, str) and text.count("if (!rst_n) count_q <= '0;\n      else ") == 1
    files["rtl/bnn_loop.sv"] = text.replace("if (!rst_n) count_q <= '0;\n      else ", "")
    broken = write_build(tmp_path / "broken", files)
    x = single.inputs(2)
    with pytest.raises(VerificationError):
        simulate(broken, broken.input_port.pack(x), 2)


def test_the_image_is_beside_the_manifest_and_not_in_the_hardware(pair: Case) -> None:
    data = json.loads((pair.build.path / "manifest.json").read_text())
    image = (pair.build.path / "weights.bin").read_bytes()
    assert data["memory"] == {
        "bytes": 4096 + 216,
        "data_bits": 64,
        "address_bits": 32,
        "ports": 1,
        "regions": [
            {"name": "conv0_weights", "offset": 0, "bytes": 144},
            {"name": "conv1_weights", "offset": 4096, "bytes": 216},
        ],
        "file": "weights.bin",
        "sha256": hashlib.sha256(image).hexdigest(),
    }
    assert len(image) == data["memory"]["bytes"]
    first = pair.layers[0].weights.reshape(4, 2, 18, 8)  # tile, PE, fold, SIMD
    bits = np.unpackbits(np.frombuffer(image[:2], np.uint8), bitorder="little")
    np.testing.assert_array_equal(bits, first[0, :, 0].reshape(-1))
    assert not any(image[144:4096])
    names = {path.stem for path in (pair.build.path / "rtl").glob("*.mem")}
    assert names == {"conv0_init", "conv1_init"}
    assert {path.stem for path in (pair.build.path / "hls" / "weights").glob("*.h")} == names


def test_a_missing_or_cut_image_is_named(single: Case, tmp_path: Path) -> None:
    build = write_build(tmp_path / "cut", emit_manifest(single.design))
    (build.path / "weights.bin").write_bytes(bytes(35))
    with pytest.raises(BnnhwError, match="35 bytes, 288 are due"):
        SimulatedMemory.of_build(build.path, build.manifest)
    (build.path / "weights.bin").unlink()
    with pytest.raises(BnnhwError, match="cannot be read"):
        SimulatedMemory.of_build(build.path, build.manifest)


def test_the_simulated_base_is_where_a_burst_must_be_cut() -> None:
    for data_bits, address_bits in ((32, 13), (64, 32), (128, 40), (1024, 64)):
        memory = SimulatedMemory(b"", data_bits, address_bits)
        assert 0 < memory.base < 1 << address_bits
        assert -memory.base % 4096 == 3 * data_bits // 8
    assert SimulatedMemory(b"", 64, 40).base >> 32  # the high register counts


@pytest.mark.parametrize("timing", [((0, 5), 0, 1), ((6, 5), 0, 1), ((1, 2), 9, 9)])
def test_impossible_timing_is_refused(timing: tuple[tuple[int, int], int, int]) -> None:
    with pytest.raises(BnnhwError, match="cycles"):
        MemoryTiming(*timing)


def test_without_memory_there_is_no_port(pair: Case) -> None:
    design = pair.design
    inside = replace(
        design,
        units=tuple(u for u in design.units if u.kind != "bnn_axi_reader"),
        memory_port=None,
    )
    text = emit_top(inside)
    assert "m_axi_" not in text and "bnn_read_arbiter" not in text
    assert ".weights_base_o()," in text and ".enable_o()," in text
    assert "bnn_read_memory" not in emit_bench(inside, HANG)["sim/bnn_bench.sv"]
    assert manifest(inside)["memory"] is None
    assert "weights.bin" not in emit_manifest(inside)


def test_each_region_is_an_m_axi_pointer_with_a_bundle_of_its_own(pair: Case) -> None:
    files = emit_hls(pair.design)
    code = files["hls/pair_top.cpp"]
    ports = re.findall(r"m_axi port=(\w+) bundle=(\w+) offset=slave depth=(\d+)", code)
    assert ports == [("conv0_weights", "gmem0", "18"), ("conv1_weights", "gmem1", "27")]
    for name, _, _ in ports:
        assert f"    const ap_uint<64>* {name},\n" in code
        assert f"#pragma HLS INTERFACE s_axilite port={name} bundle=control\n" in code
    assert "config_interface -m_axi_addr64=false\n" in files["hls/run_hls.tcl"]
    assert "weights.bin" in files["hls/run_hls.tcl"]


def test_the_top_passes_verilators_lint(pair: Case, single: Case) -> None:
    binary = use_verilator() / "bin" / "verilator"
    for case in (pair, single):
        rtl = case.build.path / "rtl"
        command = [str(binary), "--lint-only", "-Wall", "-Wno-PINCONNECTEMPTY"]
        command += ["+1364-2001ext+v", "-y", str(rtl)]
        command += ["--top-module", case.design.top, str(rtl / f"{case.design.top}.v")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=rtl)
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_netlist_of_two_layers_is_exact(tmp_path: Path) -> None:
    case = make_case(*two_layers(), tmp_path)
    (case.build.path / "report.json").write_text(json.dumps({"schema": 2, "family": "xc7"}))
    netlist = case.build.path / "synth" / "netlist.v"
    synthesise(case.build, netlist)
    x = case.inputs(4)
    packed = case.build.input_port.pack(x)
    result = simulate(case.build, packed, len(x), netlist=netlist)
    np.testing.assert_array_equal(case.build.output_port.unpack(result.data), case.expected(x))
    assert result.registers["errors"] == 0 and result.memory_bytes
