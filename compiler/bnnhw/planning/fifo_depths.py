"""FIFO depths, by the token-level model: enough that no unit waits longer than its input lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.errors import BnnhwError
from bnnhw.hardware.units import KINDS
from bnnhw.hardware.units.streams import WIDTH_CONVERTER
from bnnhw.planning.lower import with_fifo_depths
from bnnhw.planning.token_model import DesignFlow, Prediction, predict

if TYPE_CHECKING:
    from bnnhw.hardware.design import Design

# Cycles per frame that a smaller FIFO may cost, as a share.
_TOLERANCE = 0.001
# FIFOs of up to so many bits are not worth the trial of a short one, of so many beats.
_LONG_BITS, _SHORT = 18 * 1024, 32


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
    """The design with FIFOs on streams that meet in additions and concatenations, and behind pools.

    Of two such streams the one that comes first is the shortcut. The other gets a FIFO of two
    beats: were it deep, the units before it would run ahead of the slowest part of the design and
    fill it, however deep.
    """
    meet = [unit for unit in design.units if KINDS[unit.kind].meets]
    pairs = [unit.sources for unit in meet]
    bursts = _behind_pools(design)
    if not pairs and not bursts:
        return design
    depths = {name: 2 * design.streams[name].beats + 2 for pair in pairs for name in pair}
    flow = DesignFlow(with_fifo_depths(design, depths), frames=1)
    early = [min(pair, key=flow.arrival) for pair in pairs]
    depths = {name: depth if name in early else 2 for name, depth in depths.items()}
    depths |= bursts
    flow = DesignFlow(with_fifo_depths(design, depths))
    depths |= {name: max(2, flow.occupancy(name) + 1) for name in early}
    depths |= {name: max(2, min(most, flow.occupancy(name) + 1)) for name, most in bursts.items()}
    return _trim_branches(design, depths, early, flow.prediction().cycles_per_frame)


def _trim_branches(design: Design, depths: dict[str, int], early: list[str], cycles: int) -> Design:
    """The design with FIFOs of ``depths``, but shorter ones where a path may as well wait.

    A branch with a layer of its own that is ahead of the branch beside it may run ahead by a good
    part of a frame. So may the next frame that enters a loop, whose shortcut needs room for one.
    Where they can be stopped, without a frame taking more than ``cycles``, what they would have
    given need not be kept.
    """
    writers = {name: unit for unit in design.units for name in unit.sinks}
    for name in early:
        stream, passes = design.streams[name], writers[name].passes
        enough = stream.beats // passes + 2 if passes > 1 else depths[name]
        if depths[name] * stream.width > _LONG_BITS and _has_layer(design, name):
            enough = _SHORT
        if enough < depths[name]:
            shorter = depths | {name: enough}
            try:
                outcome = predict(with_fifo_depths(design, shorter))
            except BnnhwError:
                continue
            if outcome.cycles_per_frame <= cycles * (1 + _TOLERANCE):
                depths = shorter
    return with_fifo_depths(design, depths)


def _has_layer(design: Design, stream: str) -> bool:
    """Whether there is a PE array between a stream and the fork or split that it comes from."""
    unit = next(unit for unit in design.units if stream in unit.sinks)
    while not KINDS[unit.kind].parts and unit.sources:
        if KINDS[unit.kind].sums:
            return True
        unit = next(other for other in design.units if unit.sources[0] in other.sinks)
    return False


def _behind_pools(design: Design) -> dict[str, int]:
    """Streams behind pools that need a FIFO, with the most it must hold: the beats of a row.

    A pool gives a row of results in a burst, as the last image row of that row comes in, and a
    slower reader would stop it. Behind pools of windows side by
    side that is the stream into a 1x1 convolution of images, since others hold rows themselves, or
    into a converter to fewer lanes, which is slower than the pool. (A window unit behind a
    converter that a window unit feeds is no convolution, but plays windows.)
    """
    source = {sink: unit.sources for unit in design.units for sink in unit.sinks}
    windows = {sink for u in design.units if KINDS[u.kind].plays for sink in u.sinks}
    found = {
        unit.sources[0]: unit.params["HEIGHT"]
        for unit in design.units
        if KINDS[unit.kind].plays
        and unit.params["KERNEL_H"] * unit.params["KERNEL_W"] == 1
        and unit.params["HEIGHT"] * unit.params["WIDTH"] > 1
        and not windows.intersection(source[unit.sources[0]])
    }
    narrowed = {
        unit.sources[0]
        for unit in design.units
        if KINDS[unit.kind] is WIDTH_CONVERTER
        and unit.params["IN_LANES"] > unit.params["OUT_LANES"]
    }
    for unit in design.units:
        kind = KINDS[unit.kind]
        rows = kind.rows(unit.params) if kind.rows else 0
        if rows and (kind.overlaps or narrowed.intersection(unit.sinks)):
            out = design.streams[unit.sinks[0]]
            found[out.name] = rows * (out.pixels if out.tiles else 1)
    return {name: max(2, design.streams[name].beats // rows) for name, rows in found.items()}


def _window_depths(design: Design) -> dict[str, int]:
    """For each stream into units that say so, the beats up to a frame's first window."""
    return {
        unit.sources[0]: max(2, ahead(unit.params))
        for unit in design.units
        if (ahead := KINDS[unit.kind].ahead)
    }
