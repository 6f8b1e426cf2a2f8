"""FIFO depths, by the token-level model: enough that no unit waits longer than its input lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.lower import with_fifo_depths
from bnnhw.token_model import Prediction, predict

if TYPE_CHECKING:
    from bnnhw.design import Design

# Cycles a frame that a smaller FIFO may cost, as a share.
_TOLERANCE = 0.001


def size_fifos(design: Design) -> tuple[Design, Prediction]:
    """The design with its FIFOs, and the model's prediction for it.

    Window units hold the lines they need to go on without a pause, but a unit before them may
    deliver a frame's first lines too slowly. A FIFO in front of a ``bnn_window_parallel`` that
    holds the pixels up to a frame's first window hides that time. Each such FIFO is kept only where
    the model says that the design is slower without it.
    """
    depths = {}
    for unit in design.units:
        if unit.kind == "bnn_window_parallel" and unit.source is not None:
            p = unit.params
            depths[unit.source] = max(2, (p["KERNEL_H"] - 1) * p["WIDTH"] + p["KERNEL_W"])
    best = with_fifo_depths(design, depths)
    prediction = predict(best)
    for name in list(depths):
        fewer = {key: depth for key, depth in depths.items() if key != name}
        candidate = with_fifo_depths(design, fewer)
        outcome = predict(candidate)
        if outcome.cycles_per_frame <= prediction.cycles_per_frame * (1 + _TOLERANCE):
            depths, best, prediction = fewer, candidate, outcome
    return best, prediction
