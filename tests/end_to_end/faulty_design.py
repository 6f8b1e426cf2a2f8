"""Plays faults around a whole design and compares every frame that must be exact."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.assets import asset_folder
from bnnhw.backend.memory_port import port_values
from bnnhw.verify.simulated_memory import MemoryTiming, SimulatedMemory
from bnnhw.verify.verilator import build_simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from bnnhw.backend.build import Build
    from bnnhw.hardware.design import Design

HERE = Path(__file__).parent
FRAMES = 24
_READ = "/* verilator public_flat_rd */"
_CONTROLS = {f"wire {n};": f"wire {n} {_READ};" for n in ("instruments_held", "instruments_clear")}
_MONITORED = {
    "longint beats_q, stalled_q, starved_q, level_q, peak_q;": "".join(
        f"logic [63:0] {n}_q {_READ};\n" for n in ("beats", "stalled", "starved", "level", "peak")
    )
}


@dataclass(frozen=True)
class Faulty:
    """A design and its simulator.

    Attributes:
        design: the design.
        build: its build folder.
        compute: the scores of integer inputs [n, ...], as the output port unpacks them.
        latency: cycles, about, from a frame's first beat in to its last beat out.
    """

    design: Design
    build: Build
    compute: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    latency: int

    def inputs(self) -> NDArray[np.int64]:
        """Frames over the whole range of the input."""
        port = self.design.input_port
        low = -(1 << (port.elem_bits - 1)) if port.signed else 0
        x = np.random.default_rng(7).integers(
            low, low + (1 << port.elem_bits), (FRAMES, *port.shape)
        )
        return np.where(x == 1, 1, port.bit_low) if port.elem_bits == 1 else x

    def cut(self, x: NDArray[np.int64], beats: int) -> NDArray[np.int64]:
        """A frame [1, ...] of which only so many beats came: the other bits are 0."""
        port = self.design.input_port
        flat = (x.transpose(0, 2, 3, 1) if x.ndim == 4 else x).reshape(-1).copy()
        known = np.unpackbits(
            np.frombuffer(port.pack(x), np.uint8), bitorder="little"
        )[: flat.size * port.elem_bits]  # fmt: skip
        known[8 * port.beat_bytes * beats :] = 0
        values = known.reshape(-1, port.elem_bits) @ (1 << np.arange(port.elem_bits))
        if port.signed:
            values -= (values >> (port.elem_bits - 1)) << port.elem_bits
        if port.elem_bits == 1:
            values = np.where(values == 1, 1, port.bit_low)
        if x.ndim == 4:
            channels, height, width = port.shape
            return values.reshape(1, height, width, channels).transpose(0, 3, 1, 2)
        return values.reshape(x.shape)

    def run(
        self,
        scenarios: Sequence[tuple[str, int]],
        *,
        seed: int,
        timing: MemoryTiming | None = None,
    ) -> int:
        """Plays scenarios of ``fault_bench.py``; returns how many frames were found exact."""
        source, sink = self.design.input_port, self.design.output_port
        x = self.inputs()
        memory = SimulatedMemory.of_build(self.build.path, self.build.manifest)
        with tempfile.TemporaryDirectory(prefix="bnnhw-faults-") as name:
            run = Path(name)
            rows = np.frombuffer(source.pack(x), np.uint8).reshape(-1, source.beat_bytes)[:, ::-1]
            (run / "stimulus.mem").write_text("\n".join(r.tobytes().hex() for r in rows) + "\n")
            job = {
                "seed": seed,
                "frames": FRAMES,
                "in_beats": source.beats,
                "out_beats": sink.beats,
                "latency": self.latency,
                "patience": 40 * self.latency + 20_000,
                "memory_base": memory.base if memory else None,
                "scenarios": list(scenarios),
                "instruments": self.build.manifest.get("instruments", []),
                "instrument_words": self.build.manifest.get("instrument_words", 0),
                **{k: self.build.manifest[k] for k in ("registers", "control_bits", "error_bits")},
            }
            (run / "job.json").write_text(json.dumps(job))
            plusargs = ["+verilator+rand+reset+2", f"+verilator+seed+{seed}"]
            plusargs += [f"+stimulus={run / 'stimulus.mem'}", f"+captured={run / 'captured.txt'}"]
            if memory is not None:
                plusargs += memory.plusargs(run, timing or MemoryTiming())
            if str(HERE) not in sys.path:
                sys.path.append(str(HERE))
            with contextlib.suppress(SystemExit, RuntimeError):  # the log says why
                self._simulator().test(
                    hdl_toplevel="fault_bench",
                    hdl_toplevel_lang="verilog",
                    test_module="fault_bench",
                    test_dir=self.build.path / "rtl",
                    build_dir=self.build.path / "faults",
                    results_xml=str(run / "results.xml"),
                    plusargs=plusargs,
                    extra_env={
                        "BNNHW_JOB": str(run / "job.json"),
                        "BNNHW_RESULT": str(run / "result.json"),
                        "COCOTB_ANSI_OUTPUT": "0",
                    },
                    log_file=run / "run.log",
                )
            if not (run / "result.json").exists():
                raise AssertionError((run / "run.log").read_text()[-4000:])
            packets = json.loads((run / "result.json").read_text())["packets"]
            lines = [line.split() for line in (run / "captured.txt").read_text().splitlines()]
        return self._compare(x, packets, lines)

    def _compare(
        self, x: NDArray[np.int64], packets: list[dict[str, Any]], lines: list[list[str]]
    ) -> int:
        sink = self.design.output_port
        width = 2 * sink.beat_bytes
        data = [bytes.fromhex(line[0].zfill(width))[::-1] for line in lines]
        last = [line[1] == "1" for line in lines]
        exact = 0
        for packet in packets:
            start, end, what = packet["start"], packet["end"], packet["what"]
            given = packet["frames"] or packet.get("cut")
            if not given:  # nothing, or what nobody was there to take
                continue
            ends = [i - start for i in range(start, end) if last[i]]
            assert ends == [end - start - 1], (what, ends)
            frames = [self.cut(x[number : number + 1], beats) for number, beats in given]
            expected = self.compute(np.concatenate(frames))
            received = sink.unpack(b"".join(data[start:end])).reshape(expected.shape)
            if packet["frames"] is None:  # closed by a reset: scores, then zeros
                assert np.all((received == expected) | (received == 0)), what
                continue
            np.testing.assert_array_equal(received, expected, err_msg=what)
            exact += len(frames)
        covered = sum(packet["end"] - packet["start"] for packet in packets)
        assert covered == len(lines), "beats came that nobody waited for"
        return exact

    def _watched(self, sources: Sequence[Path]) -> list[Path]:
        """The sources; of the top, the controls of the counters are public."""
        top = f"{self.design.top}."
        return [self._public(p, _CONTROLS) if p.name.startswith(top) else p for p in sources]

    def _public(self, path: Path, changes: dict[str, str]) -> Path:
        """A copy of a source in which the bench may read what is inside."""
        text = path.read_text()
        for before, after in changes.items():
            assert before in text
            text = text.replace(before, after)
        copy = self.build.path / "faults" / path.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(text)
        return copy

    def _simulator(self) -> Any:
        source, sink = self.design.input_port, self.design.output_port
        defines: dict[str, object] = {
            "BNN_TOP": self.design.top,
            "IN_BITS": 8 * source.beat_bytes,
            "OUT_BITS": 8 * sink.beat_bytes,
            "BEATS": FRAMES * source.beats,
        }
        sources = [*self.build.verilog_sources(), HERE / "fault_bench.sv"]
        if self.design.instrument:
            sources = [*self._watched(sources), asset_folder("sim") / "bnn_stream_monitor.sv"]
            sources[-1] = self._public(sources[-1], _MONITORED)
            defines["BNN_MONITOR"] = 1
        if self.design.memory_port:
            port = port_values(self.design.memory_port)
            defines |= {"BNN_MEMORY": 1, "ADDR_BITS": port["address_bits"]}
            defines |= {"DATA_BITS": port["data_bits"], "ID_BITS": port["ports"][0]["id_bits"]}
            defines |= {"WORDS": port["words"], "BURST": port["burst"]}
            sources.append(asset_folder("sim") / "bnn_read_memory.sv")
        folder = self.build.path / "faults"
        folder.mkdir(exist_ok=True)
        return build_simulator(
            sources,
            "fault_bench",
            folder,
            defines=defines,
            wave=None,
            log=self.build.path / f"faults.{os.getpid()}.log",
        )
