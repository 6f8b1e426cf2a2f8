"""Names, targets and what a compile promises beyond single stages."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from bnnhw.compiler import CompileOptions, compile_model, network_name
from bnnhw.errors import FoldingError
from bnnhw.hardware.board import load_board
from bnnhw.hardware.cost.model import COUNTED
from bnnhw.zoo.shipped import shipped_model


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("cnv-cifar10.onnx", "cnv_cifar10"),
        ("My Net (2).onnx", "my_net_2"),
        ("3x3.onnx", "n_3x3"),
        ("réseau.onnx", "r_seau"),
        ("---.onnx", "network"),
    ],
)
def test_network_names_are_identifiers(file, name):
    assert network_name(Path(file)) == name


def test_module_names_are_legal_whatever_the_file_is_called(tmp_path):
    model = tmp_path / "digits-v1.0 final.onnx"
    shutil.copy(shipped_model("digits").path, model)
    options = CompileOptions(board="pynq-z2", cycles=5_000, verify=False)
    result = compile_model(model, tmp_path / "build", options)
    top = next((tmp_path / "build" / "rtl").glob("*_top.v"))
    assert re.search(r"^module (\w+) \($", top.read_text(), re.M)[1] == top.stem
    assert result.report["model"] == "digits_v1_0_final"


@pytest.mark.parametrize("target", [72, 73, 100, 1_000, 40_000])
def test_a_target_is_met_by_the_prediction_or_refused(tmp_path, target):
    options = CompileOptions(board="pynq-z2", cycles=target, verify=False)
    try:
        result = compile_model(shipped_model("digits").path, tmp_path / "build", options)
    except FoldingError:
        assert target <= 73
        assert not (tmp_path / "build").exists()
    else:
        assert result.report["cycles_per_frame"]["predicted"] <= target


def test_frames_a_second_become_cycles_at_the_clock(tmp_path):
    options = CompileOptions(board="pynq-z2", fps=50_000, clock_mhz=150.0, verify=False)
    result = compile_model(shipped_model("digits").path, tmp_path / "build", options)
    assert result.report["clock_mhz"] == 150.0
    assert result.report["cycles_per_frame"]["predicted"] <= 3_000
    assert result.report["fps"] >= 50_000


def test_estimates_of_the_report_are_within_the_board(tmp_path):
    options = CompileOptions(board="pynq-z2", verify=False, backends=("verilog",))
    result = compile_model(shipped_model("digits").path, tmp_path / "build", options)
    board = load_board("pynq-z2")
    for name, of in COUNTED.items():
        row = result.report["resources"][name]
        if row["usable"] is not None:
            assert row["estimated"] <= row["usable"] < row["available"] + (of in ("dsp", "uram"))
        assert row["available"] == getattr(board, of)
