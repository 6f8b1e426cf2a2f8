"""Hardware passes `verilator --lint-only -Wall`, Verible's lint, and a ban on casts of signs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bnnhw.assets import asset_folder
from bnnhw.compiler import CompileOptions, compile_model
from runner import HW, ROOT, sources, use_verilator

UNITS = sorted(path.stem for path in HW.glob("bnn_*.sv"))

#: Parameters under which other branches of a unit are elaborated; the defaults are always tried.
VARIANTS: dict[str, list[dict[str, int]]] = {
    "bnn_fifo": [{"DEPTH": 2}, {"DEPTH": 33}, {"DEPTH": 100, "RAM_STYLE": 2}, {"WIDTH": 1},
                 {"DEPTH": 100, "RAM_STYLE": 2, "PACK": 3, "TAIL": 20}],
    "bnn_fifo_packed": [{"PACK": 4}, {"PACK": 7, "DEPTH": 4, "WIDTH": 1}],
    "bnn_ram": [{"STYLE": 1}, {"STYLE": 2, "DEPTH": 1}],
    "bnn_loop": [{"COUNT": 1}, {"COUNT": 2}, {"COUNT": 9}],
    "bnn_width_converter": [
        {"IN_LANES": 12, "OUT_LANES": 4},
        {"IN_LANES": 2, "OUT_LANES": 8},
        {"IN_LANES": 24, "OUT_LANES": 36, "ELEM_BITS": 3},
    ],
    "bnn_window": [
        {"PAD_TOP": 0, "PAD_BOTTOM": 0, "PAD_LEFT": 0, "PAD_RIGHT": 0, "DEPTH": 100},
        {"SIMD": 8, "CHANNEL_OUTER": 1, "DEPTH": 1000, "ELEM_BITS": 8, "PAD_VALUE": 3},
        {
            "KERNEL_H": 1, "KERNEL_W": 1, "HEIGHT": 1, "WIDTH": 1, "PAD_TOP": 0, "PAD_BOTTOM": 0,
            "PAD_LEFT": 0, "PAD_RIGHT": 0, "CHANNELS": 512, "DEPTH": 8,
        },
    ],
    "bnn_window_parallel": [
        {"PAD_TOP": 0, "PAD_BOTTOM": 0, "PAD_LEFT": 0, "PAD_RIGHT": 0, "SIMD": 27},
        {"KERNEL_H": 7, "KERNEL_W": 7, "STRIDE_H": 2, "STRIDE_W": 2, "SIMD": 49, "REPEATS": 4},
        {
            "KERNEL_H": 1, "KERNEL_W": 1, "PAD_TOP": 0, "PAD_BOTTOM": 0, "PAD_LEFT": 0,
            "PAD_RIGHT": 0, "SIMD": 3, "CHANNELS": 3,
        },
    ],
    "bnn_input": [{"ELEM_BITS": 3, "LANES": 1, "FRAME_ELEMS": 64}],
    "bnn_output": [{"ELEM_BITS": 64, "FIELD_BITS": 64}, {"ELEM_BITS": 1, "LANES": 8}],
    "bnn_registers": [{"ERROR_BITS": 1}, {"ERROR_BITS": 8}],
}  # fmt: skip

#: Verible rules that do not fit this code, with reasons.
VERIBLE_WAIVERS = {
    "explicit-parameter-storage-type": "file names stay untyped: Yosys rejects `parameter string`",
}


#: Units that instantiate themselves: as the top, Verilator also lints the branch not taken. They
#: are linted as the parts of other units instead.
RECURSIVE = {"bnn_popcount": "bnn_pe_array", "bnn_signed_sum": "bnn_int_pe_array"}


@pytest.mark.parametrize("unit", UNITS)
def test_verilator_finds_no_fault(unit: str) -> None:
    binary = use_verilator() / "bin" / "verilator"
    top = RECURSIVE.get(unit, unit)
    if top != unit:
        assert HW / f"{unit}.sv" in sources(top)
    for values in [{}, *VARIANTS.get(top, [])]:
        command = [str(binary), "--lint-only", "-Wall", "-y", str(HW), "--top-module", top]
        command += [f"-G{name}={value}" for name, value in values.items()]
        command += [str(HW / f"{top}.sv")]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        faults = [line for line in result.stderr.splitlines() if line.startswith("%")]
        assert not faults and result.returncode == 0, (values, result.stderr)


@pytest.mark.parametrize("unit", UNITS)
def test_verible_finds_no_fault(unit: str) -> None:
    binary = Path(sys.executable).parent / "verible-verilog-lint"
    rules = ",".join(f"-{rule}" for rule in VERIBLE_WAIVERS)
    command = [str(binary), f"--rules={rules}", str(HW / f"{unit}.sv")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


#: What changes a sign in place. Yosys keeps int'(UNSIGNED) unsigned; Vivado has dropped sign bits
#: of N'($signed(x)). Signedness comes from declarations (typed localparams, `logic signed`); a sign
#: is extended by replication.
SIGN_CASTS = re.compile(
    r"\b(?:byte|shortint|int|integer|longint|signed|unsigned)\s*'\s*\(|\$(?:un)?signed\b"
)


def sign_casts(text: str) -> list[str]:
    """Returns the casts of a source that change a sign; comments are none."""
    code = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    return [match[0] for match in SIGN_CASTS.finditer(code)]


@pytest.mark.parametrize(
    "text",
    ["m = (a % int'(DEPTH))", "y <= N'($signed(x));", "x = signed'(y)", "x = $unsigned( y )"],
)
def test_the_ban_sees_sign_casts(text: str) -> None:
    assert sign_casts(text) and not sign_casts(f"// {text}")


@pytest.mark.parametrize(
    "text", ["localparam int D = DEPTH;", "logic signed [3:0] x;", "y = 8'({{8{s}}, x});"]
)
def test_the_ban_lets_declarations_and_sizes_pass_for_no_sign_cast(text: str) -> None:
    assert not sign_casts(text)


@pytest.mark.parametrize("unit", UNITS)
def test_signs_come_from_declarations_lint(unit: str) -> None:
    assert not sign_casts((HW / f"{unit}.sv").read_text())


def test_generated_verilog_casts_no_sign_lint(tmp_path: Path) -> None:
    model = asset_folder("models") / "birealnet8-digits.onnx"
    options = CompileOptions(board="pynq-z2", cycles=4096, verify=False)
    build = compile_model(model, tmp_path / "build", options).build
    files = [*(build.path / "rtl").glob("*.sv")]
    assert build.path / "rtl" / f"{build.top}.sv" in files
    assert not [path.name for path in files if sign_casts(path.read_text())]
    templates = ROOT / "compiler" / "bnnhw" / "backend" / "templates"
    assert not sign_casts((templates / "top.sv.j2").read_text())
