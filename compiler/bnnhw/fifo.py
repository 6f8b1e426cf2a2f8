"""FIFO depths, by the token-level model: enough that no unit waits longer than its input lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.lower import with_fifo_depths
from bnnhw.token_model import DesignFlow, Prediction, predict

if TYPE_CHECKING:
    from bnnhw.design import Design

# Cycles a frame that a smaller FIFO may cost, as a share.
_TOLERANCE = 0.001


def size_fifos(design: Design) -> tuple[Design, Prediction]:
    """The design with its FIFOs, and the model's prediction for it.

    A shortcut must hold what the path beside it has taken in and not given out yet, or both stand
    still for ever. The model runs with shortcuts that hold any amount; the most that is ever in
    them is their depth.

    Window units hold the lines they need to go on without a pause, but a unit before them may
    deliver a frame's first lines too slowly. A FIFO in front of a ``bnn_window_parallel`` that
    holds the pixels up to a frame's first window hides that time. Such FIFOs are there only where
    the model says that the design is slower without them.

    Raises:
        BnnhwError: the dataflow deadlocks all the same.
    """
    design = _size_shortcuts(design)
    prediction = predict(design)
    depths = _window_depths(design)
    if not depths:
        return design, prediction
    best = with_fifo_depths(design, depths)
    outcome = predict(best)
    if prediction.cycles_per_frame <= outcome.cycles_per_frame * (1 + _TOLERANCE):
        return design, prediction
    prediction = outcome
    for name in list(depths):
        fewer = {key: depth for key, depth in depths.items() if key != name}
        candidate = with_fifo_depths(design, fewer)
        outcome = predict(candidate)
        if outcome.cycles_per_frame <= prediction.cycles_per_frame * (1 + _TOLERANCE):
            depths, best, prediction = fewer, candidate, outcome
    return best, prediction


def _size_shortcuts(design: Design) -> Design:
    """The design with FIFOs on the streams that meet at additions."""
    meeting = [name for unit in design.units if len(unit.sources) > 1 for name in unit.sources]
    if not meeting:
        return design
    streams = design.streams
    flow = DesignFlow(with_fifo_depths(design, {n: 2 * streams[n].beats + 2 for n in meeting}))
    return with_fifo_depths(design, {name: max(2, flow.occupancy(name) + 1) for name in meeting})


def _window_depths(design: Design) -> dict[str, int]:
    """For each stream into a ``bnn_window_parallel``, the pixels up to a frame's first window."""
    return {
        unit.sources[0]: max(
            2, (unit.params["KERNEL_H"] - 1) * unit.params["WIDTH"] + unit.params["KERNEL_W"]
        )
        for unit in design.units
        if unit.kind == "bnn_window_parallel"
    }
