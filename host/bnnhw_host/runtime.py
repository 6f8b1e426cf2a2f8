"""What runs the accelerator: pynq on a board, pynq on a simulated board, or a stand-in for pynq."""

from __future__ import annotations

import importlib.util
import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw_host.errors import BuildError, HostError, MemoryShortError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bnnhw_host.manifest import Manifest
    from bnnhw_host.sim.machine import Machine

_OUTPUT = "vivado/overlay"  # where the Vivado project of a build leaves the bitstream


@dataclass
class Runtime:
    """A board with a bitstream on it.

    Attributes:
        overlay: the block design; its cores are attributes.
        allocate: gives an array in contiguous memory, by shape and dtype.
        get_clock: the fabric's clock in MHz.
        set_clock: asks for another.
        seconds: time that passes on the board.
        grace: seconds that a transfer may take longer than predicted before it counts as stuck.
        pause: how long the processor may sleep while it waits, in seconds.
        describe: what it is, for people.
        machine: the simulated board; None on a real one.
    """

    overlay: Any
    allocate: Callable[[Any, Any], Any]
    get_clock: Callable[[], float]
    set_clock: Callable[[float], None]
    seconds: Callable[[], float]
    grace: float
    pause: float
    describe: str
    machine: Machine | None = None


def is_for_board(folder: Path) -> bool:
    """Whether the design in a folder runs on a board here, and not on a simulated one.

    So it is where pynq finds a board. It also is where the folder holds no Verilog, as it is on a
    board: what hides the board from pynq is then said by pynq, and not that there is no simulator.
    """
    return board_present() or not (folder / "rtl").is_dir()


def board_present() -> bool:
    """Whether this runs on a board: pynq is installed, and finds one."""
    if importlib.util.find_spec("pynq") is None:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pynq warns where it finds none
        from pynq.pl_server.device import Device

        return bool(Device.devices)


def contiguous(runtime: Runtime, count: int, what: str) -> Any:
    """An array of ``count`` bytes in contiguous memory.

    Raises:
        MemoryShortError: there is none for ``what``.
    """
    try:
        return runtime.allocate((count,), np.uint8)
    except (MemoryError, RuntimeError) as error:  # pynq raises the second
        raise MemoryShortError(
            f"there is no contiguous memory for {what}: {error}",
            fix="close other notebooks that hold buffers, or give the kernel more with cma=",
        ) from error


def open_board(manifest: Manifest, path: Path) -> Runtime:
    """Downloads a build's bitstream with pynq.

    Raises:
        BuildError: there is no bitstream, or it lacks its .hwh.
        HostError: there is no pynq here, no board, or not the right pynq.
    """
    bit = bitstream(manifest, path)
    try:
        import pynq
    except ImportError as error:
        raise HostError(
            "pynq is not installed, which drives the board",
            fix='on a board, install bnnhw-host beside its pynq; elsewhere use device="sim"',
        ) from error
    _check_version(pynq, manifest)
    try:
        overlay = pynq.Overlay(str(bit))
    except Exception as error:  # pynq raises whatever the failing step raises
        raise HostError(
            f"pynq cannot load {bit}: {error}",
            fix="run as root on the board, in the environment of PYNQ's image",
        ) from error
    return Runtime(
        overlay=overlay,
        # In the caches: packing writes, and unpacking reads, byte by byte.
        allocate=lambda shape, dtype: pynq.allocate(shape, dtype, cacheable=1),
        get_clock=lambda: float(pynq.Clocks.fclk0_mhz),
        set_clock=lambda mhz: setattr(pynq.Clocks, "fclk0_mhz", mhz),
        seconds=time.monotonic,
        grace=1.0,
        pause=50e-6,
        describe=f"pynq {pynq.__version__} on {manifest.board}",
    )


def open_simulated(manifest: Manifest, build: Path, *, pynq: bool | None = None) -> Runtime:
    """Starts a simulated board, through pynq's own classes where that is installed.

    Args:
        manifest: of the build.
        build: the build's folder.
        pynq: True and False insist on pynq, or on the stand-in.

    Raises:
        BuildError: the build holds no Verilog, or it cannot be compiled here.
        HostError: pynq was asked for and is not installed.
    """
    from bnnhw_host.sim.machine import Machine

    present = importlib.util.find_spec("pynq") is not None
    if pynq and not present:
        raise HostError("pynq is not installed", fix="pip install pynq, or leave pynq out")
    machine = Machine(build, manifest)
    cycle = 1e-6 / manifest.clock_mhz
    common: dict[str, Any] = {
        "seconds": lambda: machine.seconds,
        "grace": 200_000 * cycle,
        "pause": 0.0,
        "machine": machine,
    }
    if present if pynq is None else pynq:
        return _simulated_pynq(manifest, machine, common)
    from bnnhw_host.sim import shim

    def set_clock(mhz: float) -> None:
        machine.clocks.fabric_mhz = mhz

    return Runtime(
        overlay=shim.Overlay(machine),
        allocate=lambda shape, dtype: shim.allocate(machine, shape, dtype),
        get_clock=lambda: machine.clocks.fabric_mhz,
        set_clock=set_clock,
        describe=f"simulated {manifest.board}",
        **common,
    )


def _simulated_pynq(manifest: Manifest, machine: Machine, common: dict[str, Any]) -> Runtime:
    import tempfile
    from pathlib import Path

    import pynq

    from bnnhw_host.sim.handoff import write_handoff
    from bnnhw_host.sim.pynq_device import SimulatedDevice

    _check_version(pynq, manifest)
    device = SimulatedDevice(machine)
    device.activate()
    with tempfile.TemporaryDirectory() as folder:
        overlay = pynq.Overlay(str(write_handoff(Path(folder), manifest)), device=device)
    return Runtime(
        overlay=overlay,
        allocate=lambda shape, dtype: pynq.allocate(shape, dtype, target=device, cacheable=1),
        get_clock=lambda: float(pynq.Clocks.fclk0_mhz),
        set_clock=lambda mhz: setattr(pynq.Clocks, "fclk0_mhz", mhz),
        describe=f"pynq {pynq.__version__} on a simulated {manifest.board}",
        **common,
    )


def _check_version(pynq: Any, manifest: Manifest) -> None:
    if manifest.overlay.processor == "zynq-7000" and int(pynq.__version__.split(".")[0]) >= 4:
        raise HostError(
            f"pynq {pynq.__version__} does not set up the clocks of Zynq-7000 boards",
            fix="use pynq 3.0 or 3.1 with this board",
        )


def bitstream(manifest: Manifest, path: Path) -> Path:
    """The bitstream of a build.

    Raises:
        BuildError: it is not there, or its .hwh is not beside it.
    """
    overlay = manifest.overlay
    places = [path] if path.suffix == ".bit" else [path / overlay.bit, path / _OUTPUT / overlay.bit]
    for place in places:
        if place.is_file():
            if not place.with_suffix(".hwh").is_file():
                raise BuildError(
                    f"{place} has no {place.with_suffix('.hwh').name} beside it",
                    fix="copy both from the folder overlay of the Vivado project",
                )
            return place
    raise BuildError(
        f"{path} holds no {overlay.bit}",
        fix='make it with the scripts in vivado/; without a board use device="sim"',
    )
