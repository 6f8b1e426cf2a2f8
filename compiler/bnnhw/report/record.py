"""Simulations and syntheses of a build, and what Vivado made of it, recorded in its report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bnnhw.backend.vivado_reports import read_reports
from bnnhw.backend.yosys import Synthesis, synthesise
from bnnhw.errors import BnnhwError, ToolError
from bnnhw.report.figures import with_simulation, with_synthesis, write_report
from bnnhw.report.placement import with_placement
from bnnhw.verify.run_simulation import SimulationOutcome, simulate_build, simulate_netlist
from bnnhw.verify.simulate import require_simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from bnnhw.backend.build import Build
    from bnnhw.backend.vivado_reports import Placement
    from bnnhw.verify.verification import Verification


class SynthesisOutcome(NamedTuple):
    """A synthesis with its comparisons.

    Attributes:
        synthesis: resources.
        checks: comparisons of the netlist with the interpreter; none where it was not simulated.
    """

    synthesis: Synthesis
    checks: tuple[Verification, ...]


def require_exact(checks: Sequence[Verification], what: str, build: Build) -> None:
    """Holds what was compared to the interpreter.

    Raises:
        BnnhwError: something differs.
    """
    if any(check.mismatches for check in checks):
        raise BnnhwError(
            f"{what} differs from the interpreter", where=str(build.path), fix="report this"
        )


def record_simulation(
    build: Build, inputs: NDArray[np.generic] | None, frames: int | None, **how: Any
) -> SimulationOutcome:
    """Simulates a build and updates its report; see ``simulate_build``."""
    outcome = simulate_build(build, inputs, frames, **how)
    write_report(
        build.path,
        with_simulation(build.report, outcome.simulation, outcome.checks, steady=outcome.steady),
    )
    return outcome


def record_synthesis(
    build: Build,
    inputs: NDArray[np.generic] | None,
    frames: int | None,
    *,
    verify: bool,
    progress: Callable[[str], None] = lambda step: None,
) -> SynthesisOutcome:
    """Synthesises a build and compares its netlist with the interpreter; updates its report.

    The netlist stays in the build's folder, as ``synth/netlist.v``.

    Args:
        build: the build.
        inputs: model inputs [N, *shape]; random ones where None.
        frames: how many frames; inputs repeat where there are fewer. None takes each input once.
        verify: whether to simulate the netlist.
        progress: told the name of each step.

    Raises:
        BnnhwError: the netlist does not run; a wrong score is no error here, it is in the result.
    """
    if frames is not None and frames < 1:
        raise BnnhwError(
            f"{frames} frames cannot be simulated", where="option --frames", fix="give 1 or more"
        )
    if verify:
        try:
            require_simulator()
        except ToolError as error:
            raise ToolError(error.what, fix=f"{error.fix}; or give --no-verify") from error
    netlist = build.path / "synth" / "netlist.v"
    progress("synthesising with Yosys (minutes for a large design)")
    synthesis = synthesise(build, netlist)
    write_report(build.path, with_synthesis(build.report, synthesis))
    if not verify:
        return SynthesisOutcome(synthesis, ())
    checks = [simulate_netlist(build, netlist, inputs, frames, progress)]
    write_report(build.path, with_synthesis(build.report, synthesis, checks))
    return SynthesisOutcome(synthesis, tuple(checks))


def record_placement(build: Build) -> Placement | None:
    """Reads what Vivado reported of a build, if anything, and updates the build's report.

    Raises:
        ToolError: its reports are of another build, or cannot be read.
    """
    placement = read_reports(build.path, str(build.manifest["build_hash"]))
    if placement is not None:
        report = build.report
        updated = with_placement(report, placement)
        if updated != report:
            write_report(build.path, updated)
    return placement
