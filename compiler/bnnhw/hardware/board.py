"""Boards: what a part offers, from ``boards/*.toml``."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bnnhw.errors import BnnhwError, did_you_mean

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ZYNQ_7000, ZYNQ_ULTRASCALE = "zynq-7000", "zynq-ultrascale"
PROCESSORS = (ZYNQ_7000, ZYNQ_ULTRASCALE)
_PREFIXES = {ZYNQ_7000: ("PCW_",), ZYNQ_ULTRASCALE: ("PSU_",)}
"""What parameters of AMD's processor cores begin with."""
_FOLDER = Path(__file__).parent / "boards"
_KEYS = {
    "": ("name", "title", "part", "family", "clock_mhz"),
    "resources": ("lut", "ff", "bram36", "dsp", "uram"),
    "memory": ("ddr_bytes_per_second",),
    "shell": ("lut", "ff", "bram36"),
    "processor": ("kind", "pll_mhz", "config"),
}
"""What a board file holds, by section."""


@dataclass(frozen=True)
class Shell:
    """What the part holds beside the accelerator: AXI DMA, interconnect, reset.

    Attributes:
        lut: six-input look-up tables.
        ff: flip-flops.
        bram36: 36-kbit block RAMs.
    """

    lut: int = 0
    ff: int = 0
    bram36: float = 0


@dataclass(frozen=True)
class Processor:
    """The processors of a part, as AMD's cores for Vivado know them.

    Attributes:
        kind: which system it is, of ``PROCESSORS``; empty where the part has none, or the file
            does not say.
        pll_mhz: of the PLL that the clock of the fabric is divided from; 0 where it is not known.
        config: parameters of the core: clocks, memory, voltages; none where they are not known.
    """

    kind: str = ""
    pll_mhz: float = 0
    config: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Board:
    """A board and the resources of its part.

    Attributes:
        name: what ``--board`` takes.
        title: full name.
        part: the part as Vivado names it.
        family: Yosys family of the part.
        clock_mhz: default clock of the accelerator.
        lut: six-input look-up tables.
        ff: flip-flops.
        bram36: 36-kbit block RAMs.
        dsp: DSP slices.
        ddr_bytes_per_second: usable memory bandwidth: 60 to 70 % of the interface's peak.
        shell: what is reserved of the part for all that is not the accelerator.
        processor: the processors of the part.
        uram: UltraRAMs, of 288 kbit; 0 where the part has none.
    """

    name: str
    title: str
    part: str
    family: str
    clock_mhz: float
    lut: int
    ff: int
    bram36: int
    dsp: int
    ddr_bytes_per_second: int
    shell: Shell = Shell()
    processor: Processor = Processor()
    uram: int = 0


def board_names() -> list[str]:
    """Names of all boards, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def board_file(name: str) -> Path:
    """The file that describes a board, which need not exist; ``name`` may be its path."""
    return Path(name) if name.endswith(".toml") else _FOLDER / f"{name}.toml"


def load_board(name: str) -> Board:
    """The board called ``name``, or described by the TOML file at that path."""
    path = board_file(name)
    if not path.exists():
        raise BnnhwError(
            "no such board",
            where=f"board '{name}'",
            fix=f"{did_you_mean(name, board_names())}, or give the path of a board's .toml",
        )
    try:
        data = tomllib.loads(path.read_text())
        _check_keys(data)
        board = Board(
            name=data["name"],
            title=data["title"],
            part=data["part"],
            family=data["family"],
            clock_mhz=float(data["clock_mhz"]),
            **{key: int(data["resources"][key]) for key in ("lut", "ff", "bram36", "dsp")},
            ddr_bytes_per_second=int(data["memory"]["ddr_bytes_per_second"]),
            shell=_shell(data.get("shell", {})),
            processor=_processor(data.get("processor", {})),
            uram=int(data["resources"].get("uram", 0)),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise BnnhwError(
            f"the board file is not usable: {error!r}",
            where=f"board '{name}'",
            fix="compare it with a shipped one: bnnhw boards --show pynq-z2",
        ) from error
    for key in ("clock_mhz", "lut", "ff", "bram36"):
        if not 0 < getattr(board, key) < math.inf:
            raise BnnhwError(
                f"its {key} is {getattr(board, key):g}, no positive number",
                where=f"board '{name}'",
                fix="compare it with a shipped one: bnnhw boards --show pynq-z2",
            )
    if board.uram < 0:
        raise BnnhwError(
            f"its uram is {board.uram}",
            where=f"board '{name}'",
            fix="give the UltraRAMs of the part, or leave it out where there are none",
        )
    for key in ("lut", "ff", "bram36"):
        if not 0 <= getattr(board.shell, key) <= getattr(board, key):
            raise BnnhwError(
                f"its shell takes {getattr(board.shell, key):g} of {getattr(board, key):g} {key}",
                where=f"board '{name}'",
                fix="give what the shell needs, between 0 and what the part has",
            )
    return board


def _check_keys(data: dict[str, Any]) -> None:
    """Raises ValueError for a key that nothing reads: it may be a misspelt one."""
    for section, keys in _KEYS.items():
        part = data.get(section, {}) if section else data
        if unknown := sorted(part.keys() - set(keys) - (set() if section else _KEYS.keys())):
            what = f"[{section}]" if section else "it"
            raise ValueError(f"{what} has {', '.join(unknown)}; it takes {', '.join(keys)}")


def _shell(data: dict[str, Any]) -> Shell:
    """The section ``[shell]``; a file without it reserves nothing."""
    return Shell(
        lut=int(data.get("lut", 0)),
        ff=int(data.get("ff", 0)),
        bram36=float(data.get("bram36", 0)),
    )


def _processor(data: dict[str, Any]) -> Processor:
    """The section ``[processor]``; a file without it names none."""
    if not data:
        return Processor()
    kind, pll, config = data["kind"], float(data.get("pll_mhz", 0)), data.get("config", {})
    if kind not in PROCESSORS:
        raise ValueError(f"[processor] is of kind {kind!r}, not one of {', '.join(PROCESSORS)}")
    if not 0 <= pll < math.inf:
        raise ValueError(f"[processor] has a PLL of {pll:g} MHz")
    for name, value in config.items():
        if not name.startswith(_PREFIXES[kind]) or not isinstance(value, (str, int, float)):
            raise ValueError(f"[processor.config] has {name} = {value!r}, no parameter of {kind}")
    return Processor(str(kind), pll, tuple((name, str(value)) for name, value in config.items()))
