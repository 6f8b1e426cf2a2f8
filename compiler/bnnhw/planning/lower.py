"""From an integer graph and a folding to a Design: units, streams and memory images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bnnhw.hardware.design import Design, Memory, MemoryPort, MemoryRegion, Unit
from bnnhw.hardware.stages import Layer, Stage
from bnnhw.hardware.stages.layer_facts import BUS_BITS, layer_memory, weight_memory
from bnnhw.hardware.stages.layer_units import ADDRESS_BITS, BURST_BEATS
from bnnhw.hardware.stages.streamed_parameters import in_bus_words
from bnnhw.hardware.storage import IN_LUTS, fifo_shape
from bnnhw.hardware.units import KINDS
from bnnhw.planning.memory_rates import memory_rates
from bnnhw.planning.wiring import build_datapath

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.hardware.board import Board
    from bnnhw.hardware.datapath import Datapath
    from bnnhw.hardware.folding import Folding
    from bnnhw.planning.memory_rates import MemoryRates
    from bnnhw.planning.network import Network


_PAGE = 4096


def lower(network: Network, folding: Folding, *, board: Board, clock_mhz: float) -> Design:
    """The hardware of ``network`` at ``folding``.

    Args:
        network: the integer graph, cut into stages.
        folding: PE, SIMD and memory of every layer.
        board: the board, for the record.
        clock_mhz: clock frequency, for the record.

    Raises:
        ModelError: something in the graph has no unit; names the node.
    """
    path = build_datapath(network, folding)
    stages = {stage.name: stage for stage in network.stages}
    memories: dict[str, Memory] = {}
    units = []
    regions: list[MemoryRegion] = []
    for unit in path.units:
        stage = stages.get(unit.layer)
        images = _memories(network, folding, unit, stage)
        memories |= {memory.name: memory for memory in images.values()}
        names = {param: memory.name for param, memory in images.items()}
        units.append(replace(unit, memories=names))
        if KINDS[unit.kind].reads_memory:
            assert stage is not None
            image = _read_memory(network, folding, stage, path)
            memories[image.name] = image
            regions.append(_region(unit, image, regions))
    assert path.input_port is not None and path.output_port is not None
    return Design(
        name=network.graph.name,
        units=tuple(units),
        streams=path.streams,
        memories=memories,
        layers=tuple(path.plans),
        input_port=path.input_port,
        output_port=path.output_port,
        input_format=network.graph.input_format,
        output_map=network.graph.output_map,
        board=board,
        clock_mhz=clock_mhz,
        memory_port=_memory_port(regions, path, memory_rates(board, clock_mhz)),
        instrument=network.instrument,
    )


def _memory_port(
    regions: Sequence[MemoryRegion], path: Datapath, rates: MemoryRates
) -> MemoryPort | None:
    """As many ports as the readers need at the pace of the slowest stream."""
    if not regions:
        return None
    cycles = max(stream.beats for stream in path.streams.values())
    ports = rates.ports_of({region.unit: region.bytes for region in regions}, cycles)
    dealt = tuple(replace(region, port=ports[region.unit]) for region in regions)
    return MemoryPort(BUS_BITS, ADDRESS_BITS, BURST_BEATS, dealt)


def _read_memory(network: Network, folding: Folding, stage: Stage, path: Datapath) -> Memory:
    """What a reader of a stage reads: a layer's weights, or the parameters of another stage."""
    if isinstance(stage, Layer):
        return weight_memory(stage, network.facts[stage.name], folding.layers[stage.name])
    params = next(unit.params for unit in path.units if unit.name == stage.name)
    return in_bus_words(stage.memory(params), params["WORD_BITS"])


def _region(unit: Unit, weights: Memory, before: list[MemoryRegion]) -> MemoryRegion:
    """The next free page of memory for what a reader reads."""
    end = before[-1].offset + before[-1].bytes if before else 0
    offset = -(-end // _PAGE) * _PAGE
    return MemoryRegion(unit.name, weights.name, offset, weights.width * weights.depth // 8)


def with_fifo_depths(design: Design, depths: dict[str, int]) -> Design:
    """The design with a FIFO of ``depths[name]`` beats on each stream named, 0 for none."""
    streams = dict(design.streams)
    for name, depth in depths.items():
        stream = streams[name]
        shape = fifo_shape(stream.width + stream.user, depth) if depth else IN_LUTS
        streams[name] = replace(stream, depth=depth, shape=shape)
    return replace(design, streams=streams)


def _memories(
    network: Network, folding: Folding, unit: Unit, stage: Stage | None
) -> dict[str, Memory]:
    """The memory images of a unit, by the parameter that names them."""
    twin = KINDS[unit.kind].twin
    if stage is None or twin is None:
        return {}
    names = sorted(argument.parameter for argument in twin.memories)
    if not isinstance(stage, Layer):
        return {name: stage.memory(unit.params) for name in names}
    facts, fold = network.facts[stage.name], folding.layers[stage.name]
    return {name: layer_memory(name, stage, facts, fold) for name in names}
