"""The testbench for Vivado's netlists, run by Verilator on the Verilog itself."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tcl_harness import run_script
from vivado_builds import network_design, network_graph, write_files

from bnnhw.backend.vectors import Vectors
from bnnhw.verify.vectors import make_vectors
from bnnhw.verify.verilator import use_verilator
from memory_designs import two_layers

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.hardware.design import Design


def bench(folder: Path, design: Design, vectors: Vectors) -> Path:
    """The testbench of a design, built; its memory files lie beside it."""
    scripts = write_files(folder / "build", design, vectors)
    rtl = folder / "build" / "rtl"
    assert run_script(scripts / "simulate.tcl").error == ""
    for path in [*scripts.glob("vectors/*.mem"), *scripts.glob("simulation/weights.mem")]:
        (rtl / path.name).write_text(path.read_text())
    command = [str(use_verilator() / "bin" / "verilator"), "--binary", "--timing", "-j", "2"]
    command += ["-CFLAGS", "-std=c++20 -fcoroutines -O0 -w", "-Wno-fatal", "-Wno-lint"]
    command += ["--x-initial", "0", "+1364-2005ext+v", "--top-module", "testbench"]
    command += ["--Mdir", str(folder / "obj"), str(scripts / "testbench.v")]
    command += [str(path) for path in sorted(rtl.glob("*.*v"))]
    subprocess.run(command, check=True, capture_output=True)
    return rtl


def play(rtl: Path) -> str:
    """What the testbench prints."""
    binary = rtl.parents[1] / "obj" / "Vtestbench"
    return subprocess.run([str(binary)], cwd=rtl, capture_output=True, text=True).stdout


def streamed(count: int) -> tuple[Design, Vectors]:
    """A design whose weights come from memory, with what it computes."""
    design, layers = two_layers()
    shape = (count, *design.input_port.shape)
    x = np.random.default_rng(count).integers(0, 1 << layers[0].in_bits, shape)
    values = x.transpose(0, 2, 3, 1)
    for layer in layers[:-1]:
        values = (layer.sums(values) >= 0).astype(np.int64)
    last = layers[-1]
    sums = last.sums(values).reshape(count, last.pixels, last.tiles, last.pe).swapaxes(1, 2)
    scores = design.output_port.pack(sums.reshape(count, -1))
    return design, Vectors(count, design.input_port.pack(x), scores, 50_000)


@pytest.mark.slow
def test_scores_of_the_interpreter_are_what_the_bench_expects(tmp_path: Path) -> None:
    design = network_design("digits")
    rtl = bench(tmp_path, design, make_vectors(network_graph("digits"), 0).streamed(design, 2_000))
    assert "BNNHW PASS 2 frames" in play(rtl)
    scores = (rtl / "scores.mem").read_text()
    changed = "1" if scores[0] == "0" else "0"
    (rtl / "scores.mem").write_text(changed + scores[1:])
    assert "BNNHW FAIL 1 of 20 beats differ" in play(rtl)


def test_the_bench_gives_weights_to_designs_that_read_them(tmp_path: Path) -> None:
    assert "BNNHW PASS 3 frames" in play(bench(tmp_path, *streamed(3)))


@pytest.mark.slow
def test_a_design_that_stops_is_no_pass(tmp_path: Path) -> None:
    design, vectors = streamed(1)
    short = Vectors(1, vectors.stimulus, vectors.scores, 200)
    assert "BNNHW FAIL 0 of" in play(bench(tmp_path, design, short))
