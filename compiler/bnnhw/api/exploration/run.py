"""Explores a model: one front end, passes once per precision, then boards and targets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bnnhw.api.exploration.estimate import packed
from bnnhw.api.exploration.question import DEFAULT, FASTEST, Question
from bnnhw.api.exploration.results import Exploration
from bnnhw.api.exploration.workers import Here, Processes
from bnnhw.compiler import ModelOptions, lowered
from bnnhw.errors import BnnhwError
from bnnhw.frontend import import_file
from bnnhw.frontend.network_name import network_name
from bnnhw.hardware.board import board_names, load_board
from bnnhw.hardware.overlay import fabric_clock
from bnnhw.interpret.fast.cores import core_count
from bnnhw.passes.widths import widths
from bnnhw.planning.target import Target, check_speed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from bnnhw.api.exploration.question import Estimate
    from bnnhw.api.exploration.workers import Workers
    from bnnhw.frontend.importer import Imported
    from bnnhw.hardware.board import Board
    from bnnhw.ir.graph import Graph

_SLACK = 1.03
"""Of a pace of the curve, the target that a design may take: frames take a few cycles more."""


@dataclass(frozen=True, kw_only=True)
class ExploreOptions:
    """What the user asks of an exploration.

    Attributes:
        boards: names of boards, or paths of their descriptions; none takes all that ship.
        fps: targets in frames per second.
        cycles: targets in cycles per frame.
        sweep: whether targets are also found: the paces of the curve at which designs fit.
        clock_mhz: clock; None takes each board's.
        precisions: alternatives of widths by name; an empty one is the default.
        stream_bits: alternatives in which all streams have one width, but for the scores, and at
            most what layers with integer weights read.
        top_k: 0 for all scores, else the number of best classes to send.
        verify: whether each precision's integer graph is checked against onnxruntime.
        jobs: processes; None takes one per core, 1 stays in this process.
        scheduler: address of a Dask scheduler whose workers take the place of processes.
        model: what is said of the model; its ``precision`` holds for all alternatives.
    """

    boards: Sequence[str] = ()
    fps: Sequence[float] = ()
    cycles: Sequence[int] = ()
    sweep: bool = False
    clock_mhz: float | None = None
    precisions: Sequence[Mapping[str, int]] = ()
    stream_bits: Sequence[int] = ()
    top_k: int = 0
    verify: bool = False
    jobs: int | None = None
    scheduler: str | None = None
    model: ModelOptions = field(default_factory=ModelOptions)

    def check(self) -> None:
        """Raises BnnhwError for what no exploration can do."""
        for fps in self.fps or (None,):
            check_speed(fps, None, self.clock_mhz)
        for cycles in self.cycles:
            check_speed(None, cycles, None)
        if self.jobs is not None and self.jobs < 1:
            raise BnnhwError(f"{self.jobs} jobs", where="option --jobs", fix="give 1 or more")
        if self.top_k < 0:
            raise BnnhwError(f"{self.top_k} classes", where="option --top-k", fix="give 1 or more")

    def targets(self, clock_mhz: float) -> Iterator[tuple[str, Target]]:
        """The targets by name, at a clock: the fastest design where no other is asked."""
        for cycles in self.cycles:
            yield f"{cycles} cycles", Target(cycles)
        for fps in self.fps:
            yield f"{fps:.10g} FPS", Target.of_fps(fps, clock_mhz)
        if self.sweep or not (self.cycles or self.fps):
            yield FASTEST, Target()


def explore_model(
    model: Path,
    options: ExploreOptions,
    *,
    told: Callable[[Estimate, Exploration], None] = lambda estimate, so_far: None,
    progress: Callable[[str], None] = lambda step: None,
) -> Exploration:
    """Estimates a design for each board, target and precision; Ctrl-C ends it with what there is.

    Args:
        model: the ONNX file.
        options: see ExploreOptions.
        told: told each estimate as it is made, with all that there are.
        progress: told the name of each step as it begins.

    Raises:
        BnnhwError: the model cannot become hardware, or an option is wrong. A design that does not
            fit is no error: its row says so.
    """
    options.check()
    boards = [load_board(name) for name in options.boards or board_names()]
    progress("reading the model")
    imported = import_file(model, options.model)
    alternatives = _alternatives(imported.graph, options)
    places = {board.name: i for i, board in enumerate(boards)}
    order = {label: i for i, label in enumerate(alternatives)}
    agreement: dict[str, float] = {}
    rows: list[Estimate] = []

    def so_far(*, complete: bool) -> Exploration:
        def key(row: Estimate) -> tuple[Any, ...]:
            cycles = row.cycles_per_frame or 0
            named = row.target != FASTEST, row.target
            return places[row.board], order[row.precision], not row.fits, cycles, named

        ordered = tuple(sorted(rows, key=key))
        return Exploration(network_name(model), ordered, complete, agreement)

    workers = _workers(options, len(boards) * len(alternatives))
    try:
        graphs: dict[str, Any] = {}

        def collect(*, wait: bool) -> bool:
            any_done = False
            for question, estimate in workers.finished(wait=wait):
                rows.append(estimate)
                told(estimate, so_far(complete=False))
                for pace in estimate.paces:
                    further = _further(question, pace)
                    workers.ask(graphs[question.precision], further)
                any_done = True
            return any_done

        for label, precision in alternatives.items():
            named = "" if label == DEFAULT else f" ({label})"
            progress(f"passes{named}")
            own = replace(options.model, precision={**options.model.precision, **precision})
            graph = lowered(model, imported.graph, own, progress=progress)
            graphs[label] = workers.share(packed(graph))
            for question in _questions(boards, options, label):
                workers.ask(graphs[label], question)
            progress("choosing foldings")
            if options.verify:
                _verify(model, imported, graph, label, agreement, progress)
            collect(wait=False)
        progress("choosing foldings")
        while collect(wait=True):
            pass
    except KeyboardInterrupt:
        return so_far(complete=False)
    finally:
        workers.close()
    return so_far(complete=True)


def _workers(options: ExploreOptions, least: int) -> Workers:
    if options.scheduler is not None:
        from bnnhw.api.exploration.cluster import Cluster

        return Cluster(options.scheduler)
    designs = least * max(1, len(options.cycles) + len(options.fps)) * (5 if options.sweep else 1)
    jobs = min(options.jobs or core_count(), designs)
    return Here() if jobs == 1 else Processes(jobs)


def _questions(boards: Sequence[Board], options: ExploreOptions, label: str) -> Iterator[Question]:
    for board in boards:
        clock = options.clock_mhz or board.clock_mhz
        for name, target in options.targets(fabric_clock(board, clock)):
            paces = options.sweep and target.cycles is None
            yield Question(board, clock, target, name, label, options.top_k, paces)


def _further(question: Question, pace: int) -> Question:
    """The question for a pace of the curve."""
    target = Target(int(pace * _SLACK))
    return replace(question, target=target, label=f"{target.cycles} cycles", paces=False)


def _alternatives(graph: Graph, options: ExploreOptions) -> dict[str, dict[str, int]]:
    """Widths by name, of each alternative by what it is called."""
    found: dict[str, dict[str, int]] = {}
    for precision in options.precisions:
        label = ",".join(f"{name}={bits}" for name, bits in precision.items())
        found[label or DEFAULT] = dict(precision)
    if options.stream_bits:
        known = widths(graph, options.model.precision)
        streams = {w.name: w.most for w in known if w.what == "stream" and not w.scores}
        if not streams:
            raise BnnhwError(
                "no stream of this network has a width to choose",
                where="option --stream-bits",
                fix="leave it out",
            )
        for bits in options.stream_bits:
            own = {name: min(bits, most) for name, most in streams.items()}
            found[f"streams={bits}"] = own
    return found or {DEFAULT: {}}


def _verify(
    model: Path,
    imported: Imported,
    graph: Graph,
    label: str,
    agreement: dict[str, float],
    progress: Callable[[str], None],
) -> None:
    """Checks an integer graph against onnxruntime, and keeps how often classes agree."""
    from bnnhw.verify.model import check_against_onnxruntime

    progress("checking the integer graph against onnxruntime")
    check = check_against_onnxruntime(model, graph, imported=imported, progress=progress)
    agreement[label] = 1.0 if check.accuracy is None else check.accuracy.agreement
