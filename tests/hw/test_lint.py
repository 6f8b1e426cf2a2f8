"""Hardware passes Verible's lint and a ban on casts of signs. Verilator's: `test_points.py`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bnnhw.assets import asset_folder
from bnnhw.compiler import CompileOptions, compile_model
from unit_builds import HW, ROOT

UNITS = sorted(path.stem for path in HW.glob("bnn_*.sv"))

#: Verible rules that do not fit this code, with reasons.
VERIBLE_WAIVERS = {
    "explicit-parameter-storage-type": "file names stay untyped: Yosys rejects `parameter string`",
}


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
    files = build.verilog_sources()
    assert build.path / "rtl" / f"{build.top}.v" in files
    assert not [path.name for path in files if sign_casts(path.read_text())]
    templates = ROOT / "compiler" / "bnnhw" / "backend" / "templates"
    assert not sign_casts((templates / "top.v.j2").read_text())
