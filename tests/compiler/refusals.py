"""Command lines that ``bnnhw compile`` must refuse; docs/errors.md says with which words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import fault_channels  # noqa: F401
import fault_hostile  # noqa: F401  (registers its cases)
import fault_operations  # noqa: F401
import fault_windows  # noqa: F401
import faults
import refused_inputs
from bnnhw.compiler import integer_graph
from bnnhw.hardware.board import load_board
from bnnhw.hardware.cost.model import budget, total
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from sketch import Sketch, image, small_cnn

if TYPE_CHECKING:
    from collections.abc import Callable

    Case = Callable[[Path], list[str]]

CASES: dict[str, Case] = {}
"""By name: writes what a case needs to a folder, and gives the arguments of the compile."""


def case(make: Case) -> Case:
    """Registers a case under its function's name, underscores as spaces."""
    CASES[make.__name__.replace("_", " ")] = make
    return make


def model(folder: Path) -> str:
    """A model that compiles."""
    return str(small_cnn().save(folder / "m.onnx"))


def options(name: str, *arguments: str) -> None:
    """Registers the arguments as a case, with a model that compiles."""
    CASES[name] = lambda folder: [model(folder), *arguments]


options("frames per second of zero", "--fps", "0")
options("negative frames per second", "--fps=-5")
options("frames per second that are no number", "--fps", "nan")
options("infinitely many frames per second", "--fps", "inf")
options("zero cycles", "--cycles", "0")
options("negative cycles", "--cycles=-3")
options("both targets", "--fps", "10", "--cycles", "1000")
options("more frames per second than any folding gives", "--fps", "1e9")
options("fewer cycles than any folding takes", "--cycles", "1")
options("clock of zero", "--clock", "0")
options("negative clock", "--clock=-100")
options("clock in hertz", "--clock", "100e6")
options("clock that is no number", "--clock", "nan")
options("unknown back end", "--backend", "vhdl")
options("instruments of HLS alone", "--backend", "hls", "--instrument")
options("unknown board", "--board", "zcu999")
options("missing board file", "--board", "mine.toml")
options("negative number of classes", "--top-k=-1")
options("more classes than the network has", "--top-k", "6")
options("unknown input type", "--input-type", "float16")
options("input type too wide", "--input-type", "int32")
options("input scale that is no number", "--input-scale", "tiny")
options("input scale of zero", "--input-scale", "0")
options("input scale divided by zero", "--input-scale", "1/0")
options("infinite input offset", "--input-offset", "inf")
options("unknown bit for zero", "--sign-zero", "both")
options("missing input file", "--input", "absent.npy")
options("missing folding file", "--folding", "absent.json")
options("precision without a width", "--precision", "conv_7")
options("precision of an unknown name", "--precision", "nowhere=8")
options("precision of one bit", "--precision", "conv_7=1")
options("precision of a binary network", "--precision", "conv_7=8")
options("missing calibration file", "--calibrate", "absent.npz")
options("missing class names", "--labels", "absent.txt")


@case
def class_names_for_another_network(folder: Path) -> list[str]:
    (folder / "names.txt").write_text("cat\ndog\n")
    return [model(folder), "--labels", str(folder / "names.txt")]


@case
def class_names_on_two_lines(folder: Path) -> list[str]:
    (folder / "names.json").write_text(r'["a", "b\nb", "c", "d", "e"]')
    return [model(folder), "--labels", str(folder / "names.json")]


@case
def one_name_for_two_classes(folder: Path) -> list[str]:
    (folder / "names.txt").write_text("a\nb\na\nc\nd\n")
    return [model(folder), "--labels", str(folder / "names.txt")]


@case
def missing_model(folder: Path) -> list[str]:
    return [str(folder / "absent.onnx")]


@case
def folder_as_model(folder: Path) -> list[str]:
    (folder / "m.onnx").mkdir()
    return [str(folder / "m.onnx")]


# ------------------------------------------------------------------------------------------ boards


def board(name: str, *replaced: tuple[str, str], raw: str | None = None) -> None:
    """Registers a board file: pynq-z2 with some text replaced, or other text altogether."""

    def make(folder: Path) -> list[str]:
        text = BOARD if raw is None else raw
        for old, new in replaced:
            assert old in text
            text = text.replace(old, new)
        (folder / "board.toml").write_text(text)
        return [model(folder), "--board", str(folder / "board.toml")]

    CASES[name] = make


_Z2 = load_board("pynq-z2")
BOARD = f"""\
name = "mine"
title = "My board"
part = "{_Z2.part}"
family = "{_Z2.family}"
clock_mhz = 100.0
[resources]
lut = 53200
ff = 106400
bram36 = 140
dsp = 220
[memory]
ddr_bytes_per_second = 1_500_000_000
"""
board("board file that is no TOML", raw="lut: 53200\n")
board("empty board file", raw="")
board("board file without DSPs", ("dsp = 220\n", ""))
board("board file with words for numbers", ("53200", '"many"'))
board("board file without block RAM", ("bram36 = 140", "bram36 = 0"))
board("board file with negative UltraRAM", ("bram36 = 140", "bram36 = 140\nuram = -1"))
board("board file with a negative clock", ("clock_mhz = 100.0", "clock_mhz = -100.0"))
board("board file with a clock that is no number", ("clock_mhz = 100.0", "clock_mhz = nan"))
board("board too small for any folding", ("53200", "100"), ("106400", "200"))


@case
def folder_as_board_file(folder: Path) -> list[str]:
    (folder / "board.toml").mkdir()
    return [model(folder), "--board", str(folder / "board.toml")]


@case
def target_beyond_the_board(folder: Path) -> list[str]:
    path = folder / "board.toml"
    path.write_text(BOARD.replace("bram36 = 140", "bram36 = 1"))
    board, network = (
        load_board(str(path)),
        Network(integer_graph(Path(model(folder)))),
    )
    search = FoldingSearch(network, board)
    slow, fast = (total(search.choose(Target(n)).resources).lut for n in (10_000, 60))
    enough_for_slow = round((slow + fast) / 2 / (budget(board).lut / board.lut))
    path.write_text(path.read_text().replace("53200", str(enough_for_slow)))
    return [str(folder / "m.onnx"), "--board", str(path), "--cycles", "60"]


# ----------------------------------------------------------------------------------------- folding


def folding(name: str, content: Any) -> None:
    """Registers a folding file: a JSON value, or the text of a broken one."""

    def make(folder: Path) -> list[str]:
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / "f.json").write_text(text)
        return [model(folder), "--folding", str(folder / "f.json")]

    CASES[name] = make


FIRST, POOL = "conv_7", "conv_7_maxpool"  # stages of ``small_cnn``
folding("folding file that is no JSON", "{")
folding("folding file that holds a list", [1])
folding("folding file with an unknown key", {"layer": {}})
folding("folding of an unknown layer", {"layers": {"nowhere": {"pe": 1}}})
folding("lanes of an unknown stage", {"lanes": {"nowhere": 2}})
folding("folding with an unknown field", {"layers": {FIRST: {"PE": 2}}})
folding("folding with PE of zero", {"layers": {FIRST: {"pe": 0}}})
folding("folding with PE as text", {"layers": {FIRST: {"pe": "2"}}})
folding("folding with PE that divides nothing", {"layers": {FIRST: {"pe": 3}}})
folding("folding with SIMD that divides nothing", {"layers": {FIRST: {"simd": 4}}})
folding("folding with unknown memory", {"layers": {FIRST: {"memory": "uram"}}})
folding("folding with UltraRAM that the board lacks", {"layers": {FIRST: {"buffer": "uram"}}})
folding("folding with an unknown multiplier", {"layers": {FIRST: {"multiply": "alu"}}})
folding("folding with the first layer alone in memory", {"layers": {FIRST: {"memory": "ddr"}}})
folding("folding with a loop that there is not", {"loops": [FIRST]})
folding("folding with loops that are no list", {"loops": FIRST})
folding("folding of a layer by a number", {"layers": {FIRST: 4}})
folding("negative lanes", {"lanes": {POOL: -1}})
folding("lanes that divide nothing", {"lanes": {POOL: 3}})


@case
def folding_slower_than_the_target(folder: Path) -> list[str]:
    (folder / "f.json").write_text(json.dumps({"layers": {FIRST: {"pe": 1, "simd": 1}}}))
    return [model(folder), "--folding", str(folder / "f.json"), "--cycles", "500"]


@case
def folding_too_large_for_the_board(folder: Path) -> list[str]:
    wide = Sketch(["N", 512], np.float32)
    wide.dense(512, 512).batch_norm(512).sign().dense(512, 10).save(folder / "m.onnx")
    layers = {"matmul_2": {"pe": 512, "simd": 512}}
    (folder / "f.json").write_text(json.dumps({"layers": layers}))
    return [
        *(str(folder / "m.onnx"), "--input-type", "bipolar"),
        *("--folding", str(folder / "f.json"), "--no-verify"),
    ]


# ------------------------------------------------------------------------------------------ output


@case
def output_folder_with_other_files(folder: Path) -> list[str]:
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.tex").write_text("years of work")
    return [model(folder), "-o", str(folder / "mine")]


@case
def output_folder_with_the_manifest_of_another_tool(folder: Path) -> list[str]:
    (folder / "mine").mkdir()
    (folder / "mine" / "manifest.json").write_text('{"name": "a web page", "schema": 3}')
    return [model(folder), "-o", str(folder / "mine")]


@case
def output_folder_of_a_build_with_other_files(folder: Path) -> list[str]:
    (folder / "mine").mkdir()
    write_manifest(folder / "mine")
    (folder / "mine" / "notes.md").write_text("what the board did")
    return [model(folder), "-o", str(folder / "mine")]


@case
def output_that_is_a_file(folder: Path) -> list[str]:
    (folder / "out").write_text("")
    return [model(folder), "-o", str(folder / "out")]


@case
def output_below_a_file(folder: Path) -> list[str]:
    (folder / "out").write_text("")
    return [model(folder), "-o", str(folder / "out" / "deep" / "build")]


@case
def dump_folder_that_is_a_file(folder: Path) -> list[str]:
    (folder / "ir").write_text("")
    return [model(folder), "--dump-ir", str(folder / "ir")]


@case
def model_inside_the_build_to_replace(folder: Path) -> list[str]:
    (folder / "old").mkdir()
    write_manifest(folder / "old")
    return [model(folder / "old"), "-o", str(folder / "old")]


def write_manifest(folder: Path) -> None:
    """Makes ``folder`` a build as far as a compile looks at it."""
    keys = ("schema", "bnnhw", "network", "top", "input", "output")
    (folder / "manifest.json").write_text(json.dumps(dict.fromkeys(keys, 1)))


# ------------------------------------------------------------------------------------------ inputs


CASES.update(refused_inputs.CASES)


# ------------------------------------------------------------------------- models without hardware


@case
def frame_of_no_whole_number_of_bytes(folder: Path) -> list[str]:
    path = Sketch(["N", 9]).dense(9, 8).sign().dense(8, 4).save(folder / "m.onnx")
    return [str(path), "--input-type", "bipolar"]


@case
def accumulator_of_more_than_32_bits(folder: Path) -> list[str]:
    path = Sketch(["N", 1 << 17]).dense(1 << 17, 1).sign().dense(1, 1).save(folder / "m.onnx")
    return [str(path), "--input-type", "int16", "--no-verify"]


@case
def stream_too_wide_for_HLS(folder: Path) -> list[str]:
    path = Sketch(["N", 8192]).dense(8192, 8).sign().dense(8, 4).save(folder / "m.onnx")
    (folder / "f.json").write_text('{"layers": {"matmul_2": {"pe": 1, "simd": 8192}}}')
    return [str(path), "--input-type", "bipolar", "--folding", str(folder / "f.json")]


@case
def padding_of_more_than_the_kernel(folder: Path) -> list[str]:
    sketch = image().conv(3, 4, pads=4).batch_norm(4).sign().flatten().dense(4 * 12 * 12, 3)
    return [str(sketch.save(folder / "m.onnx"))]


@case
def windows_in_the_padding_alone(folder: Path) -> list[str]:
    sketch = image().conv(3, 4, 1, pads=1, strides=[8, 8]).sign().flatten()
    return [str(sketch.dense(4, 3).save(folder / "m.onnx"))]


@case
def top_k_of_a_map_of_scores(folder: Path) -> list[str]:
    path = image().conv(3, 4).sign().conv(4, 3).save(folder / "m.onnx")
    return [str(path), "--top-k", "1"]


@case
def top_k_of_scores_with_scales_of_their_own(folder: Path) -> list[str]:
    path = small_cnn().batch_norm(5).save(folder / "m.onnx")
    return [str(path), "--top-k", "1"]


@case
def network_too_large_for_the_board(folder: Path) -> list[str]:
    """Its line buffer of 31 rows alone takes more than the block RAM, and is no weight."""
    sketch = Sketch(["N", 3, 32, 1024], np.uint8)
    sketch.op("Cast", to=1)
    sketch.conv(3, 256, 1).sign().conv(256, 2, weight=sketch.constant(sketch.signs(2, 256, 31, 1)))
    return [str(sketch.save(folder / "m.onnx")), "--no-verify"]


# ------------------------------------------------------------------------------------ model files


def declared(load: Any) -> list[str]:
    """The command-line options of a case of ``faults``."""
    named = {
        "--input-type": load.input_type,
        "--input-scale": load.input_scale,
        "--input-offset": load.input_offset,
    }
    texts = {
        option: ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        for option, value in named.items()
        if value is not None
    }
    return [f"{option}={text}" for option, text in texts.items()]


def faulty_model(name: str) -> Case:
    """A case of ``faults`` as a command line."""
    write, load, _, _ = faults.CASES[name]
    return lambda folder: [str(write(folder)), *declared(load)]


CASES |= {name.replace("_", " "): faulty_model(name) for name in faults.CASES}
