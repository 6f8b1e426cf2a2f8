"""compile --config gives the same hardware for every shipped network, board and back end."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

import bnnhw
from bnnhw.cli import commands as cli
from bnnhw.hardware.board import board_names
from bnnhw.zoo.shipped import shipped_model, shipped_models

if TYPE_CHECKING:
    from pathlib import Path

SMALL = ("digits", "birealnet8-digits")
#: Beside the defaults, a target for each network that some of its designs meet.
CYCLES = {"digits": 2000, "birealnet8-digits": 4000, "cnv": 32400, "birealnet18-cifar10": 65536}
CASES = [
    pytest.param(
        model.name,
        board,
        backend,
        marks=() if model.name in SMALL and board == "pynq-z2" else pytest.mark.slow,
        id=f"{model.name}-{board}-{backend}",
    )
    for model in shipped_models()
    for board in ("pynq-z2", "zcu104")
    for backend in ("verilog", "hls")
]


def test_every_shipped_network_has_a_case() -> None:
    assert {model.name for model in shipped_models()} == set(CYCLES)
    assert {"pynq-z2", "zcu104"} <= set(board_names())


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("name", "board", "backend"), CASES)
def test_config_gives_the_same_build_hash(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    name: str,
    board: str,
    backend: str,
) -> None:
    first = bnnhw.compile(
        shipped_model(name).path,
        board=board,
        cycles=CYCLES[name],
        backends=[backend],
        verify=False,
        output=tmp_path / "first",
    )
    config = tmp_path / "first" / "compile.json"
    words = ("compile", "--config", config, "-o", tmp_path / "second")
    monkeypatch.setattr(sys, "argv", ["bnnhw", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    shown = capfd.readouterr()
    assert not caught.value.code, shown.err
    second = bnnhw.open(tmp_path / "second")
    assert second.manifest["build_hash"] == first.manifest["build_hash"]
    assert f"build_hash {first.manifest['build_hash']}: the same hardware" in shown.out
    for file in ("graph.npz", "folding.json", "manifest.json"):
        assert (second.path / file).read_bytes() == (first.path / file).read_bytes()
    options = [
        json.loads((b.path / "compile.json").read_text())["options"] for b in (first, second)
    ]
    assert options[0] == options[1]
    folders = [{"verilog": "rtl", "hls": "hls"}[backend], "rtl", "hls"]
    assert [(second.path / folder).is_dir() for folder in folders] == [
        True, backend == "verilog", backend == "hls",
    ]  # fmt: skip
