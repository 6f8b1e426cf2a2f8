"""Ports of the processor's memory in the block design: of frames and scores, and of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tcl_harness import run_script
from vivado_builds import network_design, write_files

from memory_designs import two_layers, two_ports

if TYPE_CHECKING:
    from pathlib import Path


def test_the_second_memory_port_is_there_for_weights_alone(tmp_path: Path) -> None:
    with_weights = run_script(write_files(tmp_path / "b", two_layers()[0]) / "build.tcl")
    assert with_weights.error == ""
    joined = with_weights.of("connect_bd_intf_net")
    assert ["intf:accelerator/m_axi", "intf:weights/S00_AXI"] in joined
    assert ["intf:weights/M00_AXI", "intf:processor/S_AXI_HP2"] in joined
    without = run_script(write_files(tmp_path / "d", network_design("digits")) / "build.tcl")
    assert "S_AXI_HP2" not in str(without.calls) and "weights" not in str(
        without.of("create_bd_cell")
    )


@pytest.mark.parametrize("script", ["build.tcl", "build_hls.tcl"])
def test_each_port_of_weights_goes_to_a_port_of_memory(tmp_path: Path, script: str) -> None:
    made = run_script(write_files(tmp_path / "b", two_ports()[0]) / script)
    assert made.error == ""
    joined = made.of("connect_bd_intf_net")
    weights = [
        one.removeprefix("intf:accelerator/") for one, other in joined if "intf:weights" in other
    ]
    assert len(weights) == len(set(weights)) == 2 and all(
        bus.startswith("m_axi") for bus in weights
    )
    for bus, joint, port in zip(weights, ("weights", "weights1"), ("HP2", "HP3"), strict=True):
        assert [f"intf:accelerator/{bus}", f"intf:{joint}/S00_AXI"] in joined
        assert [f"intf:{joint}/M00_AXI", f"intf:processor/S_AXI_{port}"] in joined
    config = str(made.of("set_property"))
    assert "PCW_USE_S_AXI_HP3 1" in config and "S_AXI_HP1" not in config
