"""One room for each hardware unit: what is known of it stands in its record."""

from bnnhw.hardware.units import arrays, elements, ends, pools, streams, weights, windows
from bnnhw.hardware.units.kind import UnitKind

KINDS: dict[str, UnitKind] = {
    kind.name: kind
    for kind in (
        *(ends.INPUT, ends.OUTPUT, ends.TOP_K, ends.REGISTERS, ends.RESET_CONTROL),
        *(streams.FIFO, streams.WIDTH_CONVERTER, streams.TILE_GATHER, streams.FORK),
        *(windows.WINDOW, windows.WINDOW_PARALLEL, windows.FRAME_WINDOW),
        *(arrays.PE_ARRAY, arrays.INT_PE_ARRAY, arrays.MAC_PE_ARRAY),
        *(arrays.STREAM_PE_ARRAY, arrays.STREAM_MAC_PE_ARRAY),
        *(weights.AXI_READER, weights.READ_ARBITER, weights.WEIGHT_BUFFER),
        *(elements.AFFINE, elements.ADD, elements.THRESHOLD, elements.TABLE),
        *(pools.MAX_POOL, pools.POOL_REDUCE),
        *(pools.INT_POOL, pools.INT_POOL_OVERLAP, pools.INT_POOL_REDUCE),
    )
}
"""All units that a design may hold, by the name of their module."""

__all__ = ["KINDS", "UnitKind"]
