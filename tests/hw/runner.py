"""Moves beats through one unit that is built with its parameters on Verilator.

The usual bench is a single call::

    for run in run_streams("bnn_fifo", {"WIDTH": 8, "DEPTH": 4}, {"s_axis": beats}, {"m_axis": n}):
        assert run.outputs["m_axis"].data == expected
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from constants import compare
from unit_builds import HW, ROOT, SIM, Runner, build, quoted, sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


#: What a bench does: it simulates a unit's "verilog", its "netlist" for 7-series or the one for
#: "ultrascale", or compares the "constants".
mode = "verilog"
_FAMILIES = {"netlist": "xc7", "ultrascale": "xcup"}

#: The units that benches came to in that mode, and the folders of their builds.
reached: list[str] = []
built: list[Path] = []


@dataclass(frozen=True)
class Pattern:
    """Who is willing when: names as in ``bnn_stream.willing``."""

    idle: str = "always"
    stall: str = "always"
    seed: int = 1


#: Full speed, random, bursts, a slow and stopping sink, a starving source, a sink that waits.
PATTERNS = (
    Pattern(),
    Pattern("half", "half"),
    Pattern("bursts", "bursts", 2),
    Pattern("always", "stall", 3),
    Pattern("rare", "always", 4),
    Pattern("most", "shy", 5),
)


@dataclass
class Captured:
    """The beats of an output stream and when each first appeared and was taken."""

    data: list[int]
    appeared: list[int]
    taken: list[int]
    user: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)


@dataclass
class Run:
    """What the bench saw under one pattern; cycles count from the end of reset.

    ``inputs`` gives, for each input stream, the cycle in which each beat was taken; ``watch``
    gives (cycle, value) at each change of a watched signal.
    """

    pattern: Pattern
    cycles: int
    inputs: dict[str, list[int]]
    outputs: dict[str, Captured]
    watch: dict[str, list[tuple[int, int]]]


def _compare_constants(
    unit: str, parameters: Mapping[str, int | str], files: Mapping[str, str]
) -> None:
    """Elaborates a unit with Verilator and with slang; raises Compared where they agree."""
    values = {name: quoted(value) for name, value in parameters.items()}
    with tempfile.TemporaryDirectory(prefix="bnnhw-constants-") as name:
        for key, content in files.items():
            path = Path(name) / f"{key}.mem"
            path.write_text(content)
            values[key] = quoted(path)
        compare(sources(unit), HW, unit, values)


def run_module(
    unit: str,
    parameters: Mapping[str, int | str],
    test_module: str,
    *,
    files: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    waves: bool = False,
) -> None:
    """Builds a unit and runs the cocotb tests of a module (found in ``sim/`` or here) on it."""
    reached.append(unit)
    if mode == "constants":
        _compare_constants(unit, parameters, files or {})
    family = _FAMILIES.get(mode, "")
    build_dir = build(unit, tuple(parameters.items()), tuple((files or {}).items()), waves, family)
    built.append(build_dir)
    for folder in (SIM, ROOT / "tests" / "hw"):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    with tempfile.TemporaryDirectory(prefix="bnnhw-run-") as name:
        log = Path(name) / "run.log"
        failed = ""
        try:
            results = Runner().test(
                test_module=test_module,
                hdl_toplevel=unit,
                hdl_toplevel_lang="verilog",
                build_dir=build_dir,
                test_dir=build_dir if waves else name,
                results_xml=str(Path(name) / "results.xml"),
                seed=1,
                plusargs=["+verilator+rand+reset+2", "+verilator+seed+1"],
                extra_env={"COCOTB_ANSI_OUTPUT": "0", **(env or {})},
                waves=waves,
                log_file=log,
            )
            cases = list(ElementTree.parse(results).iter("testcase"))
            if not cases or any(c.find("failure") is not None for c in cases):
                failed = "failed" if cases else "ran no test"
        except (Exception, SystemExit) as error:
            failed = str(error)
        if failed:
            tail = log.read_text()[-4000:] if log.exists() else ""
            raise AssertionError(f"{unit} {dict(parameters)} {failed} ({build_dir})\n{tail}")


def _hex(values: Sequence[int]) -> list[str]:
    return [f"{int(v):x}" for v in values]


def run_streams(
    unit: str,
    parameters: Mapping[str, int | str],
    inputs: Mapping[str, Sequence[int] | Mapping[str, Sequence[int]]],
    outputs: Mapping[str, int],
    *,
    patterns: Sequence[Pattern] = PATTERNS,
    files: Mapping[str, str] | None = None,
    statics: Mapping[str, int] | None = None,
    watch: Sequence[str] = (),
    drain: int = 64,
    timeout: int = 4000,
    waves: bool = False,
) -> list[Run]:
    """Moves beats through a unit once for each pattern, in one build.

    Args:
        unit: Module, in ``hw/<unit>.sv``.
        parameters: Module parameters.
        inputs: Beats of each input stream by port prefix (``s_axis``): a list of integers, or a
            mapping of ``tdata`` and the side channels that the unit has (``tuser``, ``tlast``).
        outputs: Number of beats to expect of each output stream.
        patterns: Idle and back-pressure patterns.
        files: Memory images by parameter name, as text for ``$readmemh``.
        statics: Values of other inputs, held.
        watch: Other outputs whose changes to record.
        drain: Cycles that must stay quiet after the last beat; all inputs must be consumed.
        timeout: Cycles without any beat that count as a deadlock.
        waves: Whether to record ``dump.vcd`` in the build directory.

    Returns:
        One `Run` a pattern, in order.

    Raises:
        AssertionError: The build failed, the protocol broke, or beats are missing or too many.
    """
    job: dict[str, Any] = {
        "inputs": {
            prefix: {
                name: _hex(values)
                for name, values in (
                    beats.items() if hasattr(beats, "items") else [("tdata", beats)]
                )
            }
            for prefix, beats in inputs.items()
        },
        "outputs": dict(outputs),
        "patterns": [vars(p) for p in patterns],
        "statics": dict(statics or {}),
        "watch": list(watch),
        "drain": drain,
        "timeout": timeout,
    }
    with tempfile.TemporaryDirectory(prefix="bnnhw-job-") as name:
        job_file, result_file = Path(name) / "job.json", Path(name) / "result.json"
        job_file.write_text(json.dumps(job))
        env = {"BNNHW_JOB": str(job_file), "BNNHW_RESULT": str(result_file)}
        run_module(unit, parameters, "bnn_stream", files=files, env=env, waves=waves)
        results = json.loads(result_file.read_text())
    return [
        Run(
            pattern=Pattern(**r["pattern"]),
            cycles=r["cycles"],
            inputs={prefix: s["taken"] for prefix, s in r["inputs"].items()},
            outputs={
                prefix: Captured(
                    data=[int(x, 16) for x in s["tdata"]],
                    appeared=s["appeared"],
                    taken=s["taken"],
                    user=[int(x, 16) for x in s.get("tuser", [])],
                    last=[int(x, 16) for x in s.get("tlast", [])],
                )
                for prefix, s in r["outputs"].items()
            },
            watch={name: [(c, v) for c, v in log] for name, log in r["watch"].items()},
        )
        for r in results
    ]
