"""From an integer graph and a folding to a Design: units, streams and memory images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.design import Design, Memory, MemoryPort, MemoryRegion, Unit
from bnnhw.hardware.layer_memory import BUS_BITS, init_memory, weight_memory
from bnnhw.hardware.stages import Compare, Layer, Pool, Rescale, Stage, Table
from bnnhw.hardware.storage import IN_LUTS, fifo_shape
from bnnhw.hardware.unit_params import ADDRESS_BITS, BURST_BEATS, rounded_offset
from bnnhw.hardware.units import KINDS
from bnnhw.ir.types import Bit, Integer
from bnnhw.planning.wiring import build_datapath

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.hardware.folding import Folding
    from bnnhw.ir.ops import Ints
    from bnnhw.planning.network import Network


_PAGE = 4096


def lower(network: Network, folding: Folding, *, board: str, clock_mhz: float) -> Design:
    """The hardware of ``network`` at ``folding``.

    Args:
        network: the integer graph, cut into stages.
        folding: PE, SIMD and memory of every layer.
        board: name of the board, for the record.
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
            assert isinstance(stage, Layer)
            weights = weight_memory(stage, network.facts[stage.name], folding.layers[stage.name])
            memories[weights.name] = weights
            regions.append(_region(unit, weights, regions))
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
        memory_port=MemoryPort(BUS_BITS, ADDRESS_BITS, BURST_BEATS, tuple(regions))
        if regions
        else None,
    )


def _region(unit: Unit, weights: Memory, before: list[MemoryRegion]) -> MemoryRegion:
    """The next free page of memory for the weights of a reader."""
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
    if isinstance(stage, Layer) and unit.kind.endswith("_pe_array"):
        facts, fold = network.facts[stage.name], folding.layers[stage.name]
        images = {"INIT_FILE": init_memory(stage, facts, fold)}
        if not unit.kind.startswith("bnn_stream_"):
            images["WEIGHTS_FILE"] = weight_memory(stage, facts, fold)
        return images
    if isinstance(stage, Pool) and unit.kind in ("bnn_max_pool", "bnn_pool_reduce"):
        bits = stage.minimum.astype(np.uint8).reshape(-1, unit.params["LANES"])
        return {"MIN_FILE": Memory(f"{stage.name}_minimum", bits)}
    if isinstance(stage, Rescale) and unit.kind == "bnn_affine":
        return {"PARAMETERS_FILE": _affine_memory(stage, unit.params)}
    if isinstance(stage, Compare) and unit.kind == "bnn_threshold":
        return {"THRESHOLDS_FILE": _threshold_memory(stage, unit.params["LANES"])}
    if isinstance(stage, Table) and unit.kind == "bnn_table":
        return {"TABLE_FILE": _table_memory(stage, unit.params)}
    return {}


def _threshold_memory(stage: Compare, lanes: int) -> Memory:
    """Fields {invert, T (IN_BITS + 1 bits, signed)}, one a channel."""
    element = stage.element
    assert isinstance(element, Integer)
    thresholds, invert = stage.thresholds.copy(), stage.invert.copy()
    never = thresholds > element.high
    thresholds[never], invert[never] = element.low, ~invert[never]
    thresholds = np.maximum(thresholds, element.low)
    fields: Ints = (invert.astype(np.int64) << (element.bits + 1)) | (
        thresholds & ((1 << (element.bits + 1)) - 1)
    )
    name = f"{stage.name}_thresholds"
    return Memory.from_fields(name, fields.reshape(-1, lanes), element.bits + 2)


def _affine_memory(stage: Rescale, params: Mapping[str, int]) -> Memory:
    """Records {knee, b1, m1, b0, m0}, one a channel; {b0, m0} where there is one segment."""
    op, lanes = stage.op, params["LANES"]
    offset = rounded_offset(op)
    parts = []
    for segment in range(params["SEGMENTS"]):
        if params["MULTIPLIER_BITS"]:
            parts.append((op.multiplier[segment].reshape(-1, lanes), params["MULTIPLIER_BITS"]))
        parts.append((offset[segment].reshape(-1, lanes), params["OFFSET_BITS"]))
    if params["SEGMENTS"] > 1:
        # Beyond the input's range any knee means the same as the nearest one there.
        knee = np.clip(op.knee, stage.element.low, stage.element.high + 1)
        parts.append((knee.reshape(-1, lanes), params["IN_BITS"] + 1))
    return Memory.from_records(f"{stage.name}_parameters", parts)


def _table_memory(stage: Table, params: Mapping[str, int]) -> Memory:
    """The table indexed by the raw bits of the element, two's complement where signed."""
    values = stage.values
    if isinstance(stage.out_element, Bit):
        values = (values > stage.out_element.low).astype(np.int64)
    order = np.arange(1 << params["IN_BITS"])
    if stage.element.low < 0:
        order = (order + len(order) // 2) % len(order)
    return Memory.from_fields(f"{stage.name}_table", values[order][:, None], params["OUT_BITS"])
