"""Runs a unit that reads from memory on ``sim/bnn_memory_bench.py``; checks what all must hold."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner import SIM, run_module

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

sys.path.append(str(SIM))

from bnn_memory import scrambled

__all__ = ["Reading", "read_memory", "scrambled"]


@dataclass(frozen=True)
class Reading:
    """What the bench saw under one pattern.

    Attributes:
        errors: cycles, over all bits, in which ``error_o`` was set.
        in_flight: bursts unanswered at the end, when nothing moved any more.
        bursts: as asked for, in order: cycle, id, address, words.
        given: cycles in which words came from memory.
        idle: cycles in which ``idle_o`` was set, where there is one.
        outputs: by stream, the beats, the cycles in which they were taken, and the number of
            cycles after the first beat in which the sink waited.
    """

    errors: int
    in_flight: int
    bursts: list[dict[str, int]]
    given: list[int]
    idle: list[int]
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def beats(self, stream: str) -> list[int]:
        """The beats of a stream."""
        return [int(x, 16) for x in self.outputs[stream]["data"]]

    def bandwidth(self, stream: str) -> float:
        """Beats per cycle from the first to the last."""
        taken = self.outputs[stream]["taken"]
        return (len(taken) - 1) / (taken[-1] - taken[0])


def read_memory(
    unit: str,
    parameters: Mapping[str, int],
    outputs: Mapping[str, int],
    patterns: Sequence[tuple[Mapping[str, Any], str]],
    *,
    statics: Mapping[str, int],
    inputs: Mapping[str, Sequence[int]] | None = None,
    held: Mapping[int, int] | None = None,
    files: Mapping[str, str] | None = None,
    events: Sequence[tuple[int, str, int]] = (),
    faulty: Sequence[int] = (),
) -> list[Reading]:
    """Takes so many beats of each output once for each pattern.

    Args:
        unit: the unit, or a bench of this folder.
        parameters: its parameters; DATA_BITS and BURST say what may come on the port.
        outputs: beats to take of each output stream.
        patterns: fields of `bnn_memory.MemoryTiming`, and the pattern of sources and sinks.
        statics: values of other inputs.
        inputs: beats of each input stream.
        held: words of memory by byte address; others are `scrambled`.
        files: memory images by parameter name.
        events: (cycle, input, value).
        faulty: addresses that answer with an error.
    """
    job = {
        "bits": parameters["DATA_BITS"],
        "longest": parameters["BURST"],
        "inputs": {name: [f"{b:x}" for b in beats] for name, beats in (inputs or {}).items()},
        "held": {address: f"{word:x}" for address, word in (held or {}).items()},
        "outputs": dict(outputs),
        "patterns": [
            {"memory": dict(memory), "idle": pattern, "stall": pattern, "seed": 10 * i}
            for i, (memory, pattern) in enumerate(patterns)
        ],
        "statics": dict(statics),
        "events": list(events),
        "faulty": list(faulty),
    }
    with tempfile.TemporaryDirectory(prefix="bnnhw-job-") as name:
        job_file, result_file = Path(name) / "job.json", Path(name) / "result.json"
        job_file.write_text(json.dumps(job))
        env = {"BNNHW_JOB": str(job_file), "BNNHW_RESULT": str(result_file)}
        run_module(unit, parameters, "bnn_memory_bench", files=files, env=env)
        results = json.loads(result_file.read_text())
    return [
        Reading(r["errors"], r["in_flight"], r["bursts"], r["given"], r["idle"], r["outputs"])
        for r in results
    ]
