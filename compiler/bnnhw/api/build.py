"""A build in Python: what it is, and what can be done with it."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.api.outcome import Run, run_graph
from bnnhw.backend import build as builds
from bnnhw.report.facts import cycles_per_frame, resource_facts
from bnnhw.report.record import (
    SynthesisOutcome,
    record_placement,
    record_simulation,
    record_synthesis,
    require_exact,
)
from bnnhw.verify.images import ImageRules
from bnnhw.verify.inputs import count_classes, samples_of
from bnnhw.verify.labels import class_names as read_names, origin
from bnnhw.verify.run_simulation import RANDOM_FRAMES, layer_activations
from bnnhw.verify.waves import wave_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from bnnhw.backend.vivado_reports import Placement
    from bnnhw.ir.ops import Ints
    from bnnhw.verify.inputs import Given, Samples
    from bnnhw.verify.run_simulation import SimulationOutcome

    Names = Sequence[str] | str | Path | None


def silent(step: str) -> None:
    """Tells nobody of a step."""


class Build:
    """A build folder: a network as hardware, with its report.

    Args:
        path: the folder.

    Raises:
        BnnhwError: it is no build.
    """

    def __init__(self, path: str | Path) -> None:
        self._build = builds.Build.open(Path(path))

    @property
    def path(self) -> Path:
        """The folder."""
        return self._build.path

    @property
    def report(self) -> dict[str, Any]:
        """The content of report.json as it is now; simulation and synthesis add to it."""
        return self._build.report

    def read_placement(self) -> Placement | None:
        """Takes what Vivado reported of the build into its report; None where it has not run.

        Raises:
            ToolError: its reports are of another build, or cannot be read.
        """
        return record_placement(self._build)

    @property
    def manifest(self) -> dict[str, Any]:
        """The content of manifest.json: formats, registers, build hash."""
        return self._build.manifest

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, as compile was given them; empty where it was not."""
        return tuple(self.manifest["output"].get("class_names", ()))

    def names_of_classes(self, given: Names = None) -> tuple[str, ...]:
        """Names of the classes: those given, as a list or a file, or else the build's.

        Raises:
            BnnhwError: they are as many as the network's classes are not.
        """
        return read_names(given, count_classes(self._build.graph)) or self.class_names

    @property
    def cycles(self) -> int:
        """Cycles per frame: simulated where it was, else predicted."""
        return int(cycles_per_frame(self.report).value or 0)

    @property
    def fps(self) -> float:
        """Frames per second at the build's clock, of the same origin as ``cycles``."""
        return float(self.report["fps"])

    def read(
        self,
        given: Given,
        labels: ArrayLike | None = None,
        *,
        resize: bool = False,
        grey: bool = False,
        class_names: Names = None,
    ) -> Samples:
        """Inputs of the network, however they are given.

        Args:
            given: arrays ``[N, *shape]`` in the model's own format, or one input ``[*shape]``; or
                files and folders. Numbers of uint8 are raw pixels where the model takes pixels as
                floats.
            labels: the right class of each, ``[N]``, in place of those that files hold.
            resize: whether image files of another size may be scaled.
            grey: whether coloured image files may be turned grey.
            class_names: names of the classes, or a file that has them; the build's where None.

        Raises:
            BnnhwError: a file cannot be read, or labels are no classes of the network.
        """
        graph, rules = self._build.graph, ImageRules(resize, grey)
        names = self.names_of_classes(class_names)
        kept = class_names is None or class_names == ()
        return samples_of(
            given,
            graph,
            labels=labels,
            rules=rules,
            class_names=names,
            names_from=f"names kept in {self.path}" if kept else origin(class_names),
        )

    def run(
        self,
        x: Given,
        labels: ArrayLike | None = None,
        *,
        resize: bool = False,
        grey: bool = False,
        class_names: Names = None,
    ) -> Run:
        """What the hardware computes, by the bit-exact interpreter.

        Args:
            x: inputs as ``read`` takes them: arrays ``[N, *shape]``, or files and folders.
            labels: the right class of each, ``[N]``.
            resize: whether image files of another size may be scaled.
            grey: whether coloured image files may be turned grey.
            class_names: names of the classes, or a file that has them; the build's where None.

        Raises:
            BnnhwError: the shape is another, or a value is none of the input type's.
        """
        given = self.read(x, labels, resize=resize, grey=grey, class_names=class_names)
        return run_graph(self._build.graph, given)

    def activations(self, x: Given, layers: Sequence[str] = ("all",)) -> dict[str, Ints]:
        """Results of layers inside the network, by the bit-exact interpreter.

        ``simulate`` with ``probes`` has the same of the Verilog, as ``activations`` of its outcome.

        Args:
            x: inputs as ``read`` takes them.
            layers: names of layers or other nodes as the report shows them; "all" for every one
                whose result a stream carries.

        Returns:
            Integers ``[N, C, ...]`` by name, in the order of the network. Bits are given as their
            values: -1 or 0, and 1.

        Raises:
            BnnhwError: a layer has no stream of its own; names those that have.
        """
        return layer_activations(self._build, self.read(x).x, layers)

    def simulate(
        self,
        x: Given | None = None,
        *,
        frames: int | None = None,
        idle: float = 0.0,
        back_pressure: float = 0.0,
        memory_latency: tuple[int, int] | None = None,
        wave: bool = False,
        wave_frames: int | None = None,
        hls: bool = False,
        probes: Sequence[str] = (),
        check: bool = True,
        progress: Callable[[str], None] = silent,
    ) -> SimulationOutcome:
        """Simulates the Verilog cycle by cycle, compares all scores, and updates the report.

        Args:
            x: inputs as ``read`` takes them; random ones where None.
            frames: how many frames; 3 random ones, or each input once, where None.
            idle: share of cycles in which the source offers nothing, 0 to 0.95.
            back_pressure: share of cycles in which the sink takes nothing, 0 to 0.95.
            memory_latency: least and most cycles until weights come from memory.
            wave: whether to record all signals.
            wave_frames: of how many frames, from the first on; None for all.
            hls: whether to run the HLS C++ on the same frames.
            probes: layers whose results are compared too; "all" for every one.
            check: whether a difference is an error; the outcome has it either way.
            progress: told the name of each step as it begins, and from another thread how many
                frames are simulated (``Step``, a text with ``done``, ``total`` and ``share``).

        Raises:
            BnnhwError: a score, or a result of a probed layer, is another than the interpreter's;
                the report has both.
        """
        outcome = record_simulation(
            self._build,
            None if x is None else self.read(x).x,
            frames,
            idle=idle,
            back_pressure=back_pressure,
            memory_latency=memory_latency,
            wave=wave,
            wave_frames=wave_frames,
            hls=hls,
            probes=probes,
            progress=progress,
        )
        if check:
            self.require_exact(outcome)
        return outcome

    def wave_bytes(self, frames: int | None = None, *, pauses: float = 0.0) -> int:
        """About how many bytes ``simulate(wave=True)`` records, within a factor of two.

        Args:
            frames: how many frames are recorded; 3, as in a simulation without inputs, where None.
            pauses: share of cycles in which source or sink pauses, 0 to 0.95.
        """
        return wave_bytes(self._build, frames or RANDOM_FRAMES, pauses)

    def synthesise(
        self,
        x: Given | None = None,
        *,
        frames: int | None = None,
        verify: bool = True,
        check: bool = True,
        progress: Callable[[str], None] = silent,
    ) -> SynthesisOutcome:
        """Counts resources with Yosys, simulates the netlist, and updates the report.

        Args:
            x: inputs as ``read`` takes them; random ones where None.
            frames: how many frames; 3 random ones, or each input once, where None.
            verify: whether to simulate the netlist.
            check: whether a difference is an error; the outcome has it either way.
            progress: told the name of each step as it begins.

        Raises:
            BnnhwError: the netlist gives other scores than the interpreter.
        """
        inputs = None if x is None else self.read(x).x
        outcome = record_synthesis(self._build, inputs, frames, verify=verify, progress=progress)
        if check:
            self.require_exact(outcome)
        return outcome

    def require_exact(self, outcome: SimulationOutcome | SynthesisOutcome) -> None:
        """Holds a simulation or a netlist to the interpreter, as ``check`` does.

        Raises:
            BnnhwError: something differs.
        """
        netlist = isinstance(outcome, SynthesisOutcome)
        require_exact(outcome.checks, "the netlist" if netlist else "the simulation", self._build)

    def __repr__(self) -> str:
        report = self.report
        origin = cycles_per_frame(report).origin
        return (
            f"Build({report['model']} on {report['board']}: {self.cycles:,} cycles per frame, "
            f"{self.fps:,.0f} FPS {origin})"
        )

    def _repr_html_(self) -> str:
        """A small table, and the way to the page."""
        report = self.report
        rows = {
            "network": report["model"],
            "board": f"{report['board']} ({report['part']})",
            "cycles per frame": f"{self.cycles:,}",
            "frames per second": f"{self.fps:,.0f}",
        }
        for fact in resource_facts(report):
            rows[fact.name] = f"{fact.best.value:,} of {fact.usable:,}"
        cells = "".join(
            f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in rows.items()
        )
        page = (self.path / "report.html").as_uri()
        return f'<table>{cells}</table><a href="{escape(page)}">report</a>'


def open(path: str | Path) -> Build:
    """The build in a folder; raises BnnhwError where there is none."""
    return Build(path)
