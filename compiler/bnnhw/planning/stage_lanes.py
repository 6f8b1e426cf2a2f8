"""How wide stages without weights work, and how long they take at the least."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.errors import FoldingError
from bnnhw.hardware.stages import Layer
from bnnhw.hardware.stages.layer_units import layer_input_lanes
from bnnhw.hardware.stages.loops import LoopStart
from bnnhw.planning.candidates import divisors

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from bnnhw.hardware.folding import FoldingRequest, LayerFolding
    from bnnhw.planning.network import Network


def fixed_cycles(network: Network) -> int:
    """Beats per frame that stages without weights take at the least."""
    return max((stage.beats for stage in network.stages if not isinstance(stage, Layer)), default=1)


def slowest(network: Network, layers: Mapping[str, int]) -> str:
    """The stage with most cycles per frame: ``layers`` says those of layers, others' are fixed."""
    beats = {s.name: layers[s.name] if isinstance(s, Layer) else s.beats for s in network.stages}
    return max(beats, key=beats.__getitem__)


def stage_lanes(
    network: Network,
    layers: Mapping[str, LayerFolding],
    cycles: int,
    request: FoldingRequest,
    tiled: Collection[str],
) -> dict[str, int]:
    """Lanes of the stages without weights: those asked for, else as many as the pace needs.

    Stages on bits keep the lanes that they are given where these suffice; on integers a lane costs
    an adder or a multiplier, and they take as few as the pace allows.
    """
    lanes: dict[str, int] = {}
    current = {network.graph.input: _input_lanes(network, layers)}
    for stage in network.stages:
        if isinstance(stage, Layer):
            current[stage.output] = layers[stage.name].pe
            continue
        if isinstance(stage, LoopStart):
            current[stage.output] = layers[stage.layer].pe
            continue
        if stage.inputs[0] in tiled:  # as wide as the tiles
            current[stage.output] = max(current[tensor] for tensor in stage.inputs)
            continue
        channels, beats = stage.lane_channels, stage.beats
        wanted = request.lanes.get(stage.name)
        if wanted is not None and channels % wanted:
            raise FoldingError(
                f"{wanted} lanes do not divide the {channels} channels of '{stage.name}'",
                where=request.source,
                fix=f"choose a divisor of {channels}",
            )
        least = next(
            n for n in divisors(channels) if beats * (channels // n) <= cycles or n == channels
        )
        given = min(current[tensor] for tensor in stage.inputs)
        keep = channels % given == 0 and given >= least
        if stage.sparing:
            keep = keep and given == least
        lanes[stage.name] = wanted or (given if keep else least)
        current[stage.output] = stage.out_lanes(lanes[stage.name])
    return lanes


def _input_lanes(network: Network, layers: Mapping[str, LayerFolding]) -> int:
    """Elements per beat at the design's input: what the first layer reads."""
    following = next(s for s in network.stages if isinstance(s, Layer))
    channels = network.stages[0].channels
    return min(layer_input_lanes(following, layers[following.name]), channels)
