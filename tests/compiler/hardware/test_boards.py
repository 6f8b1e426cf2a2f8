"""Board files: what they say of the processor, and the overlay that follows from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bnnhw.errors import BnnhwError
from bnnhw.hardware.board import PROCESSORS, Processor, board_file, board_names, load_board
from bnnhw.hardware.overlay import overlay_of
from memory_designs import two_layers

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", board_names())
def test_each_board_says_all_that_vivado_needs_and_where_it_is_from(name: str) -> None:
    processor = load_board(name).processor
    assert processor.kind in PROCESSORS and processor.pll_mhz in (1000, 1500)
    keys = dict(processor.config)
    if processor.kind == "zynq-7000":
        needed = {"PCW_CRYSTAL_PERIPHERAL_FREQMHZ", "PCW_APU_PERIPHERAL_FREQMHZ"}
        needed |= {"PCW_PRESET_BANK0_VOLTAGE", "PCW_PRESET_BANK1_VOLTAGE"}
        needed |= {f"PCW_UIPARAM_DDR_{k}" for k in ("FREQ_MHZ", "BUS_WIDTH", "CL", "CWL")}
        needed |= {f"PCW_UIPARAM_DDR_BOARD_DELAY{lane}" for lane in range(4)}
    else:
        needed = {"PSU__PSS_REF_CLK__FREQMHZ", "PSU__CRF_APB__ACPU_CTRL__FREQMHZ"}
        needed |= {f"PSU_BANK_{bank}_IO_STANDARD" for bank in range(3)}
        needed |= {f"PSU__DDRC__{k}" for k in ("MEMORY_TYPE", "BUS_WIDTH", "SPEED_BIN", "T_RC")}
    assert needed <= keys.keys()
    text = board_file(name).read_text().split("[processor.config]")[1]
    assert "github.com" in text or "The preset" in text, "no source is named"


def test_the_pynq_z2_is_as_its_makers_have_it() -> None:
    config = dict(load_board("pynq-z2").processor.config)
    expected = {
        "CRYSTAL_PERIPHERAL_FREQMHZ": "50",
        "APU_PERIPHERAL_FREQMHZ": "650",
        "PRESET_BANK0_VOLTAGE": "LVCMOS 3.3V",
        "PRESET_BANK1_VOLTAGE": "LVCMOS 1.8V",
        "UIPARAM_DDR_MEMORY_TYPE": "DDR 3",
        "UIPARAM_DDR_FREQ_MHZ": "525",
        "UIPARAM_DDR_BUS_WIDTH": "16 Bit",
        "UIPARAM_DDR_CL": "7",
        "UIPARAM_DDR_CWL": "6",
        "UIPARAM_DDR_DEVICE_CAPACITY": "4096 MBits",
        "UIPARAM_DDR_DQS_TO_CLK_DELAY_0": "0.040",
        "UIPARAM_DDR_DQS_TO_CLK_DELAY_1": "0.058",
        "UIPARAM_DDR_BOARD_DELAY0": "0.223",
        "UIPARAM_DDR_BOARD_DELAY1": "0.212",
        "UIPARAM_DDR_BOARD_DELAY2": "0.085",
        "UIPARAM_DDR_BOARD_DELAY3": "0.092",
    }
    assert {f"PCW_{name}": value for name, value in expected.items()}.items() <= config.items()


@pytest.mark.parametrize("name", ["arty-z7-10", "arty-z7-20", "cora-z7-07s", "cora-z7-10"])
def test_digilents_boards_of_one_memory_chip_share_its_wires(name: str) -> None:
    """Cora and Arty have the memory of Digilent's PYNQ-Z1, on the same pins of the same package."""
    ours, known = (dict(load_board(board).processor.config) for board in (name, "pynq-z1"))
    apart = {key for key in ours.keys() | known.keys() if ours.get(key) != known.get(key)}
    assert apart <= {"PCW_UIPARAM_DDR_PARTNO", "PCW_UIPARAM_DDR_T_RC"}


@pytest.mark.parametrize("name", ["zybo-z7-10", "zybo-z7-20"])
def test_a_zybo_z7_has_both_chips_and_the_serial_port_of_its_makers(name: str) -> None:
    config = dict(load_board(name).processor.config)
    expected = {
        "CRYSTAL_PERIPHERAL_FREQMHZ": "33.333333",
        "UIPARAM_DDR_MEMORY_TYPE": "DDR 3 (Low Voltage)",
        "UIPARAM_DDR_BUS_WIDTH": "32 Bit",
        "UIPARAM_DDR_DQS_TO_CLK_DELAY_3": "-0.100",
        "UIPARAM_DDR_BOARD_DELAY3": "0.244",
        "UART0_PERIPHERAL_ENABLE": "0",
        "UART1_UART1_IO": "MIO 48 .. 49",
    }
    assert {f"PCW_{key}": value for key, value in expected.items()}.items() <= config.items()


@pytest.mark.parametrize("name", board_names())
def test_parts_of_one_name_have_the_same_resources_and_memory_its_share_of_the_peak(
    name: str,
) -> None:
    board = load_board(name)
    for other in map(load_board, board_names()):
        if other.part.split("-")[0][:8] == board.part.split("-")[0][:8]:
            for key in ("lut", "ff", "bram36", "dsp"):
                assert getattr(other, key) == getattr(board, key), (other.name, key)
    config = dict(board.processor.config)
    if board.processor.kind == "zynq-7000":
        wide = int(config["PCW_UIPARAM_DDR_BUS_WIDTH"].split()[0]) // 8
        peak = 2e6 * float(config["PCW_UIPARAM_DDR_FREQ_MHZ"]) * wide
        assert 0.6 < board.ddr_bytes_per_second / peak < 0.75


@pytest.mark.parametrize(
    ("pll", "clock", "fabric"),
    [(1000, 100, 100), (1000, 150, 142.857143), (1500, 200, 187.5), (1500, 300, 300), (0, 77, 77)],
)
def test_the_fabric_gets_the_highest_clock_that_the_pll_divides_to(
    pll: float, clock: float, fabric: float
) -> None:
    design = two_layers()[0]
    board = replace(design.board, processor=Processor("zynq-7000", pll))
    overlay = overlay_of(replace(design, board=board, clock_mhz=clock))
    assert overlay is not None and overlay.fabric_mhz == fabric


@pytest.mark.parametrize(
    ("section", "word"),
    [
        ('[processor]\nkind = "microblaze"', "microblaze"),
        ('[processor]\nkind = "zynq-7000"\npll_mhz = -1', "PLL"),
        ('[processor]\nkind = "zynq-7000"\nplls = 1', "plls"),
        ('[processor]\nkind = "zynq-7000"\n[processor.config]\nPSU__USE = "1"', "PSU__USE"),
        ('[processor]\nkind = "zynq-ultrascale"\n[processor.config]\nPSU__A = []', "PSU__A"),
    ],
)
def test_a_processor_that_cannot_be_is_refused(tmp_path: Path, section: str, word: str) -> None:
    text = board_file("pynq-z2").read_text().split("[processor]")[0]
    (tmp_path / "mine.toml").write_text(text + section + "\n")
    with pytest.raises(BnnhwError, match="not usable") as caught:
        load_board(str(tmp_path / "mine.toml"))
    assert word in caught.value.what


def test_a_board_without_a_processor_has_no_overlay(tmp_path: Path) -> None:
    text = board_file("pynq-z2").read_text().split("[processor]")[0]
    (tmp_path / "mine.toml").write_text(text)
    board = load_board(str(tmp_path / "mine.toml"))
    assert board.processor == Processor()
    assert overlay_of(replace(two_layers()[0], board=board)) is None
