"""Simulating a build on inputs, and comparing every score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.errors import BnnhwError
from bnnhw.interpret.interpreter import interpret, interpret_all
from bnnhw.verify.inputs import random_inputs
from bnnhw.verify.probe import compare_stream, probed_values, probes_of
from bnnhw.verify.simulate import Simulation, require_simulator, simulate
from bnnhw.verify.simulated_memory import MemoryTiming
from bnnhw.verify.top_k import best_scores
from bnnhw.verify.verification import Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bnnhw.backend.build import Build
    from bnnhw.ir.graph import Graph
    from bnnhw.ir.ops import Ints

RANDOM_FRAMES = 3
"""Frames that are made up where nobody gives inputs or says how many."""
_LONGEST_PAUSE = 0.95
"""Share of cycles in which source or sink may pause: some time must be left."""


@dataclass(frozen=True, eq=False, repr=False)
class SimulationOutcome:
    """A simulation with its comparisons.

    Attributes:
        simulation: cycles, streams, registers.
        scores: what left the design, [N, ...].
        checks: comparisons with the interpreter.
        steady: whether source and sink never waited, so that its cycles are the design's own.
        classes: the best class of each frame's scores, [N].
        activations: results [N, C, ...] of the probed layers by name, as their streams carried them
            in the Verilog; bits are values, -1 or 0 and 1.
    """

    simulation: Simulation
    scores: Ints
    checks: tuple[Verification, ...]
    steady: bool
    classes: Ints
    activations: Mapping[str, Ints] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Cycles, streams, scores, classes and comparisons as JSON holds them."""
        checks = [check.to_json() for check in self.checks]
        scores = {"scores": self.scores.tolist(), "best": self.classes.tolist()}
        return {**self.simulation.to_json(), **scores, "verification": checks}

    def __repr__(self) -> str:
        differing = sum(check.mismatches > 0 for check in self.checks)
        verdict = f"{differing} comparisons differ" if differing else "bit-exact"
        return f"SimulationOutcome({self.simulation.frames} frames, {verdict})"


def simulate_netlist(
    build: Build,
    netlist: Path,
    inputs: NDArray[np.generic] | None,
    frames: int | None,
    progress: Callable[[str], None] = lambda step: None,
) -> Verification:
    """Simulates a build's netlist and compares every score with the interpreter's.

    Args:
        build: the build.
        netlist: what Yosys synthesised from it, as Verilog.
        inputs: model inputs [N, *shape]; random ones where None.
        frames: how many frames; inputs repeat where there are fewer. None takes each input once.
        progress: told each step, and how far the simulation is.
    """
    x, origin = _chosen_frames(build.graph, inputs, frames)
    expected = interpret(build.graph, x)
    port = build.output_port
    if port.top_k:
        expected = best_scores(expected, port.top_k)
    result = simulate(build, build.input_port.pack(x), len(x), netlist=netlist, progress=progress)
    differing = _differing(port.unpack(result.data), expected)
    return Verification("netlist", "interpreter", len(x), differing, f"{origin} inputs")


def _chosen_frames(
    graph: Graph, inputs: NDArray[np.generic] | None, frames: int | None
) -> tuple[Ints, str]:
    """The frames to simulate, and whether they are "random" or "given"."""
    count = frames or (len(inputs) if inputs is not None else RANDOM_FRAMES)
    if inputs is None:
        return random_inputs(graph, count), "random"
    encoded = graph.input_format.encode(inputs[: min(count, len(inputs))])
    return encoded[np.arange(count) % len(encoded)], "given"


def simulate_build(
    build: Build,
    inputs: NDArray[np.generic] | None,
    frames: int | None,
    *,
    idle: float = 0.0,
    back_pressure: float = 0.0,
    memory_latency: tuple[int, int] | None = None,
    wave: bool = False,
    wave_frames: int | None = None,
    hls: bool = False,
    probes: Sequence[str] = (),
    progress: Callable[[str], None] = lambda step: None,
) -> SimulationOutcome:
    """Simulates a build's Verilog, and its HLS C++ where asked, against the interpreter.

    Args:
        build: the build.
        inputs: model inputs [N, *shape]; random ones where None.
        frames: how many frames; inputs repeat where there are fewer. None takes each input once.
        idle: share of cycles in which the source offers nothing.
        back_pressure: share of cycles in which the sink takes nothing.
        memory_latency: least and most cycles from an address to its first word of weights; None
            for the default of MemoryTiming.
        wave: whether to record all signals.
        wave_frames: of how many frames, from the first on; None for all.
        hls: whether to run the HLS C++ on the same frames.
        probes: layers whose results are compared with the interpreter's too; "all" for every one.
        progress: told the name of each step, and how far the simulation is.

    Raises:
        BnnhwError: an option cannot be, a tool is missing, or the design hangs; scores that differ
            are no error here, they are in the result.
    """
    if frames is not None and frames < 1:
        raise BnnhwError(
            f"{frames} frames cannot be simulated", where="option --frames", fix="give 1 or more"
        )
    for name, share in (("--idle", idle), ("--back-pressure", back_pressure)):
        if not 0 <= share <= _LONGEST_PAUSE:
            raise BnnhwError(
                f"{share:g} is not within 0 to {_LONGEST_PAUSE}",
                where=f"option {name}",
                fix="give the share of cycles to pause, e.g. 0.3",
            )
    if wave_frames is not None and not (wave and wave_frames > 0):
        raise BnnhwError(
            f"{wave_frames} frames to record" if wave else "nothing is recorded",
            where="option --wave-frames",
            fix="give 1 or more, together with --wave",
        )
    build.require("verilog")
    if hls:
        build.require("hls")
    if memory_latency and build.manifest.get("memory") is None:
        raise BnnhwError(
            "the build reads no weights from memory",
            where="option --memory-latency",
            fix="leave it out",
        )
    timing = MemoryTiming(memory_latency) if memory_latency else None
    require_simulator()
    graph = build.graph
    x, origin = _chosen_frames(graph, inputs, frames)
    count = len(x)
    found = probes_of(build, probes)
    streams = {probe.stream for probe in found}
    progress("running the interpreter")
    tensors = interpret_all(graph, x, {probe.tensor for probe in found}.__contains__)
    expected = tensors[graph.output]
    port = build.output_port
    if port.top_k:
        expected = best_scores(expected, port.top_k)
    packed = build.input_port.pack(x)
    result = simulate(
        build, packed, count, idle=idle, back_pressure=back_pressure, wave=wave,
        wave_frames=wave_frames, progress=progress,
        memory_timing=timing,
        probe=None if not streams else next(iter(streams)) if len(streams) == 1 else "all",
    )  # fmt: skip
    scores = port.unpack(result.data)
    steady = idle == 0 and back_pressure == 0 and timing is None
    note = f"{origin} inputs"
    if idle or back_pressure:
        note += f", idle {idle:g}, back-pressure {back_pressure:g}"
    if memory_latency:
        note += f", memory of {memory_latency[0]} to {memory_latency[1]} cycles"
    carried = {
        probe.name: probed_values(build, probe, result.probed[probe.stream]) for probe in found
    }
    checks = [
        compare_stream(probe.name, carried[probe.name], tensors[probe.tensor], note)
        for probe in found
    ]
    checks.append(Verification("verilog", "interpreter", count, _differing(scores, expected), note))
    if hls:
        from bnnhw.verify.hls_run import simulate_hls

        progress("compiling and running the HLS C++")
        other = port.unpack(simulate_hls(build.path, packed, count))
        checks.append(
            Verification(
                "hls", "interpreter", count, _differing(other, expected), f"{origin} inputs"
            )
        )
    return SimulationOutcome(
        result, scores, tuple(checks), steady, _classes(build, scores),
        carried,
    )  # fmt: skip


def layer_activations(
    build: Build, inputs: NDArray[np.generic], layers: Sequence[str]
) -> dict[str, Ints]:
    """Results [N, C, ...] of layers by name, as the interpreter computes them.

    Args:
        build: the build.
        inputs: model inputs [N, *shape].
        layers: as ``probes_of`` takes them.

    Raises:
        BnnhwError: a layer has no stream of its own.
    """
    found, graph = probes_of(build, layers), build.graph
    wanted = {probe.tensor for probe in found}
    tensors = interpret_all(graph, graph.input_format.encode(inputs), wanted.__contains__)
    return {probe.name: tensors[probe.tensor] for probe in found}


def _classes(build: Build, scores: Ints) -> Ints:
    """The best class of each frame's scores, as they left the design; with top_k, its best."""
    if build.output_port.top_k:
        return scores.reshape(len(scores), -1, 2)[:, 0, 0]
    values = build.graph.output_map.apply(scores)
    return values.reshape(len(scores), -1).argmax(axis=1)


def _differing(a: Ints, b: Ints) -> int:
    """Number of frames that differ anywhere."""
    if a.shape != b.shape:
        return max(len(a), len(b))
    return int((a != b).reshape(len(a), -1).any(axis=1).sum())
