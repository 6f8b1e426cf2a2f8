"""Scripts for Vivado, run under Tcl with stand-ins for its commands, and what they do."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from tcl_harness import Run, run_script
from vivado_builds import network_design, on_board, write_files

from bnnhw.backend.processor_core import PROCESSOR_CORES
from bnnhw.hardware.board import board_names, load_board
from bnnhw.hardware.overlay import overlay_of

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.hardware.design import Design

SCRIPTS = ("build.tcl", "build_hls.tcl", "simulate.tcl")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of digits for a PYNQ-Z2."""
    folder = tmp_path_factory.mktemp("digits") / "build"
    return write_files(folder, network_design("digits"))


@pytest.fixture
def fresh(digits: Path, tmp_path: Path) -> Path:
    """A copy of them that a test may spoil."""
    shutil.copytree(digits.parent, tmp_path / "build")
    return tmp_path / "build" / "vivado"


def spoil(script: Path, old: str, new: str) -> None:
    text = script.read_text()
    assert old in text, old
    script.write_text(text.replace(old, new))


def run_all(folder: Path, design: Design) -> None:
    """Runs all scripts of a design and looks at what they did."""
    overlay = overlay_of(design)
    assert overlay is not None
    scripts = write_files(folder, design)
    for name in SCRIPTS:
        run = run_script(scripts / name, fabric_mhz=overlay.fabric_mhz)
        assert run.error == "", f"{design.board.name}, {name}: {run.error}"
        if name == "simulate.tcl":
            check_simulation(run, scripts, design)
        else:
            check_overlay(run, scripts, design, hls=name == "build_hls.tcl")


def check_overlay(run: Run, scripts: Path, design: Design, *, hls: bool) -> None:
    manifest = json.loads((scripts.parent / "manifest.json").read_text())
    told = manifest["overlay"]
    core = PROCESSOR_CORES[told["processor"]]
    cells = {call[-1]: call[call.index("-vlnv") + 1] for call in run.of("create_bd_cell")}
    joints = ["control", "memory", *(["weights"] if manifest["memory"] else [])]
    assert cells.keys() == {"processor", "reset", told["dma"], told["accelerator"], *joints}
    assert cells[told["accelerator"]] == told["hls_vlnv" if hls else "vlnv"]
    assert f":{core.name}:" in cells["processor"]
    assert all(f":{core.interconnect}:" in cells[name] for name in joints)
    mapped = {call[-1].split("/")[0]: call for call in run.of("assign_bd_address") if call}
    for name, address in (("dma", "dma_address"), ("accelerator", "accelerator_address")):
        call = mapped.pop(f"seg:{told[name]}")
        assert int(call[call.index("-offset") + 1], 16) == told[address]
        assert call[call.index("-range") + 1] == f"{told['address_range'] // 1024}K"
    assert not mapped
    dma = parameters(run, told["dma"])
    assert (dma["c_include_sg"], dma["c_sg_length_width"]) == ("0", str(told["length_bits"]))
    assert dma["c_m_axis_mm2s_tdata_width"] == str(8 * manifest["input"]["stream"]["bytes"])
    assert dma["c_s_axis_s2mm_tdata_width"] == str(8 * manifest["output"]["stream"]["bytes"])
    processor = parameters(run, "processor")
    assert dict(design.board.processor.config).items() <= processor.items()
    clocks = [
        v
        for k, v in processor.items()
        if k.endswith(("FPGA0_PERIPHERAL_FREQMHZ", "PL0_REF_CTRL__FREQMHZ"))
    ]
    assert [float(clock) for clock in clocks] == [pytest.approx(told["fabric_mhz"])]
    ports = {v for k, v in processor.items() if ("S_AXI" in k and "WIDTH" in k) or "SAXI" in k}
    assert ports == {str(told["memory_bits"])}
    if told["processor"] == "zynq-7000":
        assert (dma["c_mm2s_burst_size"], dma["c_s2mm_burst_size"]) == ("16", "16")
        assert "processor/S_AXI_HP2" in str(run.calls) or not manifest["memory"]
    order = [
        run.index("create_bd_design", "overlay"),
        run.index("assign_bd_address"),
        run.index("validate_bd_design"),
        run.index("save_bd_design"),
        run.index("generate_target"),
        run.index("make_wrapper"),
        run.index("launch_runs", "synth_1"),
        run.index("launch_runs", "impl_1"),
        run.index("report_timing_summary"),
        run.index("get_timing_paths"),
    ]
    assert order == sorted(order)
    expected = {f"{design.top}.bit", f"{design.top}.hwh", "manifest.json", "vectors.npz"}
    expected |= {"weights.bin"} if manifest["memory"] else set()
    assert {path.name for path in (scripts / "overlay").iterdir()} == expected
    for name in expected & {"manifest.json", "weights.bin"}:
        assert (scripts / "overlay" / name).read_bytes() == (scripts.parent / name).read_bytes()
    reports = {"utilization.rpt", "utilization_placed.rpt", "utilization_synthesised.rpt"}
    reports |= {"timing.rpt", "power.rpt", "run.txt"}
    assert {path.name for path in (scripts / "reports").iterdir()} == reports
    facts = dict(
        line.split(" ", 1) for line in (scripts / "reports" / "run.txt").read_text().splitlines()
    )
    assert facts["build_hash"] == manifest["build_hash"]
    assert facts["core"] == ("hls" if hls else "verilog")
    if not hls:
        added = {name for call in run.of("add_files") for name in call[-1].split()}
        rtl = {str(path) for path in (scripts.parent / "rtl").iterdir()}
        assert rtl <= added, "a source or a memory is missing"


def parameters(run: Run, cell: str) -> dict[str, str]:
    """What a cell is told, in the words of Tcl lists without nesting."""
    found: dict[str, str] = {}
    for call in run.of("set_property"):
        if call[0] == "-dict" and call[-1] == f"cell:{cell}":
            words = tcl_list(call[1])
            found |= {
                k.removeprefix("CONFIG."): v for k, v in zip(words[::2], words[1::2], strict=True)
            }
    return found


def tcl_list(text: str) -> list[str]:
    """The words of a flat Tcl list."""
    words, rest = [], text.strip()
    while rest:
        if rest.startswith("{"):
            word, rest = rest[1:].split("}", 1)
        else:
            word, _, rest = rest.partition(" ")
        words.append(word)
        rest = rest.strip()
    return words


def check_simulation(run: Run, scripts: Path, design: Design) -> None:
    added = {name for call in run.of("add_files") for name in call[-1].split()}
    assert {str(path) for path in (scripts.parent / "rtl").iterdir()} <= added
    bench = {"testbench.v", "vectors/frames.mem", "vectors/scores.mem"}
    assert {str(scripts / name) for name in bench} <= added
    assert "BNNHW PASS" in run.printed
    weights = scripts / "simulation" / "weights.mem"
    assert weights.exists() == (design.memory_port is not None)
    if design.memory_port:
        image = design.external_memory()
        width = design.memory_port.data_bits // 8
        words = weights.read_text().split()
        assert b"".join(bytes.fromhex(word)[::-1] for word in words) == image
        assert {len(word) for word in words} == {2 * width}


@pytest.mark.parametrize("board", board_names())
@pytest.mark.parametrize("network", ["digits", "cnv-cifar10"])
def test_scripts_pass_for_every_board(tmp_path: Path, network: str, board: str) -> None:
    run_all(tmp_path / "build", on_board(network_design(network), load_board(board)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "boards", [("pynq-z2", "kv260"), pytest.param(tuple(board_names()), marks=pytest.mark.slow)]
)
def test_scripts_of_birealnet18_with_weights_in_memory_pass(
    boards: tuple[str, ...], tmp_path: Path
) -> None:
    design = network_design("birealnet18")
    assert design.memory_port is not None and len(design.memory_port.regions) > 1
    for board in boards:
        run_all(tmp_path / board, on_board(design, load_board(board)))


def test_the_packager_learns_name_buses_and_the_size_of_the_registers(digits: Path) -> None:
    run = run_script(digits / "build.tcl")
    packed = run.of("ipx::package_project")[0]
    assert packed[packed.index("-vendor") + 1] == "bnnhw" and "-import_files" in packed
    assert ["range", "65536", "block:"] in run.of("set_property")
    assert [call[0] for call in run.of("ipx::get_bus_interfaces")] == ["s_axis", "m_axis", "s_axil"]
    assert ["ipi_drc", "ignore_freq_hz true", "core:"] in run.of("set_property")


def test_a_map_of_registers_that_vivado_does_not_find_is_made(fresh: Path) -> None:
    run = run_script(fresh / "build.tcl", DEFECT="map")
    assert run.error == ""
    assert ["slave_memory_map_ref", "s_axil", "bus:s_axil"] in run.of("set_property")
    assert run.of("ipx::add_address_block") == [["reg0", "map:s_axil"]]


@pytest.mark.parametrize("handoff", ["gen", "srcs"])
@pytest.mark.parametrize("version", ["2022.1", "2025.2"])
def test_versions_differ_in_commands_and_folders(fresh: Path, version: str, handoff: str) -> None:
    run = run_script(fresh / "build.tcl", VIVADO=version, HANDOFF=handoff)
    assert run.error == "" and "WARNING" not in run.printed
    waited = "wait_on_run" if version == "2022.1" else "wait_on_runs"
    assert run.of(waited) == [["synth_1"], ["impl_1"]]
    assert (fresh / "overlay" / "digits_top.hwh").read_text() == "handoff\n"


def test_a_version_that_was_not_thought_of_is_told_and_tried(fresh: Path) -> None:
    run = run_script(fresh / "build.tcl", VIVADO="2026.1")
    assert run.error == "" and "are for Vivado 2022.1 to 2025.2, this is 2026.1" in run.printed


def test_jobs_and_part_come_from_options_or_the_environment(fresh: Path) -> None:
    run = run_script(fresh / "build.tcl", "-jobs", "9", "-part", "xc7z020clg400-3")
    assert run.of("launch_runs")[0] == ["synth_1", "-jobs", "9"]
    assert run.of("create_project")[0][-1] == "xc7z020clg400-3"
    run = run_script(fresh / "build.tcl", JOBS="2", PART="xc7z020clg400-2")
    assert run.of("launch_runs")[1][-3:] == ["write_bitstream", "-jobs", "2"]
    assert {call[-1] for call in run.of("create_project")} == {"xc7z020clg400-2"}
    assert "no option -job" in run_script(fresh / "build.tcl", "-job", "9").error


@pytest.mark.parametrize(
    ("defect", "words"),
    [
        ("setup", "setup is missed by 0.125 ns"),
        ("hold", "hold is missed by 0.125 ns"),
        ("synth_1", "synth_1 ended with 'synth_design ERROR'"),
        ("impl_1", "impl_1 ended with"),
        ("no log", "the run did not start"),
        ("width", "CONFIG.c_m_axis_mm2s_tdata_width of dma is 32, not 64"),
        ("bus", "found no bus m_axis in digits_top.v"),
    ],
)
def test_what_goes_wrong_in_vivado_ends_the_script(fresh: Path, defect: str, words: str) -> None:
    run = run_script(fresh / "build.tcl", DEFECT=defect)
    assert words in run.error
    assert not any((fresh / "overlay").glob("*")), "an overlay that must not be used is there"


@pytest.mark.parametrize(
    "message",
    [
        "CRITICAL WARNING: [Synth 8-4445] could not open $readmem data file 'conv1_weights.mem'",
        "WARNING: [Synth 8-4445] could not open $readmem data file 'conv1_weights.mem'",
        "CRITICAL WARNING: [Synth 8-6859] multi-driven net on pin q",
        "CRITICAL WARNING: [BD 41-759] The input pins are not connected",
    ],
)
def test_messages_that_vivado_lets_pass_are_errors(fresh: Path, message: str) -> None:
    run = run_script(fresh / "build.tcl", MESSAGE=message)
    assert message in run.error
    raised = {call[1]: call[3] for call in run.of("set_msg_config")}
    assert raised[message.split("[")[1].split("]")[0]] == "ERROR"


def test_harmless_messages_pass(fresh: Path) -> None:
    harmless = "CRITICAL WARNING: [PSU-1] a delay is negative"
    assert run_script(fresh / "build.tcl", MESSAGE=harmless).error == ""


def test_another_clock_than_expected_is_told(fresh: Path) -> None:
    run = run_script(fresh / "build.tcl", DEFECT="clock")
    assert run.error == "" and "the fabric runs at 90.0 MHz, 100 were expected" in run.printed
    assert "clock_mhz 90.0\n" in (fresh / "reports" / "run.txt").read_text()


def test_a_core_that_vitis_hls_has_not_made_is_asked_for(fresh: Path) -> None:
    shutil.rmtree(fresh.parent / "hls")
    assert "run hls/run_hls.tcl with Vitis HLS first" in run_script(fresh / "build_hls.tcl").error


@pytest.mark.parametrize(
    ("verdict", "words"),
    [("BNNHW FAIL 3 of 20 beats differ", "FAIL 3 of 20 beats differ"), ("$finish", "no verdict")],
)
def test_a_netlist_that_computes_something_else_ends_the_simulation(
    fresh: Path, verdict: str, words: str
) -> None:
    run = run_script(fresh / "simulate.tcl", VERDICT=verdict)
    assert "the netlist differs from the interpreter" in run.error and words in run.error


def test_the_environment_of_a_second_run_is_not_in_the_way(fresh: Path) -> None:
    assert [run_script(fresh / "build.tcl").error for _ in range(2)] == ["", ""]


FAULTS: list[tuple[str, str, str, str]] = [
    (
        "steps.tcl",
        "launch_runs $run -jobs",
        "launch_runs $run -job",
        "launch_runs has no option -job",
    ),
    ("steps.tcl", "launch_runs $run -jobs", "launch_run $run -jobs", "no command launch_run"),
    (
        "design.tcl",
        "CONFIG.c_include_sg",
        "CONFIG.c_includes_sg",
        "axi_dma has no parameter c_includes_sg",
    ),
    (
        "design.tcl",
        "PCW_UIPARAM_DDR_CWL",
        "PCW_UIPARAM_DDR_CWLS",
        "no parameter PCW_UIPARAM_DDR_CWLS",
    ),
    (
        "design.tcl",
        "synth_checkpoint_mode",
        "synth_checkpoint_mod",
        "no property synth_checkpoint_mod",
    ),
    ("design.tcl", "processor/M_AXI_GP0_ACLK ", "", "processor/M_AXI_GP0_ACLK is not connected"),
    ("design.tcl", "dma/axi_resetn accelerator", "accelerator", "dma/axi_resetn is not connected"),
    ("design.tcl", "dma/M_AXI_S2MM] processor", "dma/M_AXI_MM2S] processor", "is connected twice"),
    ("design.tcl", "dma/M_AXIS_MM2S]", "dma/M_AXIS_S2MM]", "dma has no interface M_AXIS_S2MM"),
    (
        "design.tcl",
        "accelerator/$registers 0x43C00000",
        "accelerator/$registers 0x40400000",
        "lies on",
    ),
    ("design.tcl", "0x43C00000", "0x83C00000", "bus does not reach"),
    ("design.tcl", "    assign_bd_address\n", "", "memory has no addresses"),
    ("design.tcl", '"26"', '"27"', "no such length"),
    (
        "design.tcl",
        "make_bd_intf_pins_external [get_bd_intf_pins processor/DDR]",
        "",
        "processor/DDR is not connected",
    ),
    ("build.tcl", "set_property range 65536 $block", "", "do not take 65536 bytes"),
    ("build.tcl", "-import_files", "-import_file", "no option -import_file"),
    ("build.tcl", "bnnhw:bnnhw:digits_top:1.0", "bnnhw:bnnhw:digit_top:1.0", "the catalog has no"),
]


@pytest.mark.parametrize(
    ("file", "old", "new", "words"), FAULTS, ids=[f"{f[0]}-{i}" for i, f in enumerate(FAULTS)]
)
def test_the_stand_ins_notice_what_vivado_would(
    fresh: Path, file: str, old: str, new: str, words: str
) -> None:
    spoil(fresh / file, old, new)
    assert words in run_script(fresh / "build.tcl").error


def test_a_file_that_is_not_there_is_noticed(fresh: Path) -> None:
    (fresh / "vectors" / "scores.mem").unlink()
    assert "there is no file" in run_script(fresh / "simulate.tcl").error
    (fresh.parent / "manifest.json").unlink()
    assert "manifest.json" in run_script(fresh / "build.tcl").error


def test_a_top_in_systemverilog_is_taken_by_no_packager(fresh: Path) -> None:
    top = fresh.parent / "rtl" / "digits_top.v"
    top.rename(top.with_suffix(".sv"))
    top.with_name("other.v").write_text("")
    assert "the packager takes no top in" in run_script(fresh / "build.tcl").error


def test_scripts_run_as_well_under_the_tcl_that_comes_with_python(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tkinter")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    run = run_script(fresh / "build.tcl", "-jobs", "3")
    assert run.error == "" and run.of("launch_runs")[0][-1] == "3"
    assert "no option -job" in run_script(fresh / "build.tcl", "-job", "3").error


def test_scripts_name_no_version_of_a_core(digits: Path) -> None:
    for path in digits.glob("*.tcl"):
        text = path.read_text()
        assert "xilinx.com:ip:" not in text
        assert ":1.0" not in text.replace("digits_top:1.0", "")


def test_scripts_hold_no_path_of_the_machine(digits: Path) -> None:
    assert not [p for p in digits.glob("*.*") if str(digits.parent) in p.read_text()]
