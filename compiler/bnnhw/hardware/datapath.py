"""The units and streams of a design as they are put together, without memory contents."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bnnhw.errors import UnbuildableError
from bnnhw.hardware.design import InputPort, LayerPlan, OutputPort, Stream, Unit
from bnnhw.hardware.units.kind import BLOCK
from bnnhw.hardware.units.streams import FORK, TILE_GATHER, TRANSPOSE, WIDTH_CONVERTER

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class Datapath:
    """Units and streams from the design's input to its output.

    Attributes:
        units: in stream order; their memories are still to be named.
        streams: by name, in stream order.
        plans: the layers of weights.
        input_port: see InputPort.
        output_port: see OutputPort.
        instrument: see Design.
        loop: the loop that units are added to, and how often a frame passes it; "" for none.
    """

    units: list[Unit] = field(default_factory=list)
    streams: dict[str, Stream] = field(default_factory=dict)
    plans: list[LayerPlan] = field(default_factory=list)
    input_port: InputPort | None = None
    output_port: OutputPort | None = None
    instrument: bool = False
    loop: tuple[str, int] = ("", 1)

    def add(
        self,
        name: str,
        kind: str,
        params: Mapping[str, int],
        layer: str,
        *,
        sources: tuple[Stream, ...] = (),
        sinks: tuple[Stream, ...] = (),
        label: str = "",
    ) -> None:
        """Adds a unit and the streams that it writes."""
        read, written = (tuple(s.name for s in streams) for streams in (sources, sinks))
        if len(sources) == 1:
            element = params.get("IN_BITS", params.get("ELEM_BITS"))
            assert element in (None, sources[0].elem_bits), f"{name} reads elements of other width"
        assert all(sink.name not in self.streams for sink in sinks), sinks
        loop, passes = self.loop
        unit = Unit(name, kind, dict(params), read, written, layer, {}, label, loop, passes)
        self.units.append(unit)
        self.streams |= {sink.name: sink for sink in sinks}

    def through(
        self,
        name: str,
        kind: str,
        params: Mapping[str, int],
        layer: str,
        ends: tuple[Stream, Stream],
    ) -> Stream:
        """Adds a unit from one stream to another and returns the latter."""
        self.add(name, kind, params, layer, sources=ends[:1], sinks=ends[1:])
        return ends[1]

    def convert(self, source: Stream, lanes: int, name: str, layer: str) -> Stream:
        """The stream regrouped to ``lanes`` elements per beat, itself where it is already."""
        if source.lanes == lanes:
            return source
        if source.tiles:
            return self._gather(source, lanes, name, layer)
        beats = source.beats * source.lanes // lanes
        sink = Stream(f"{name}_out", source.elem_bits, lanes, beats, pixels=source.pixels)
        params = {"ELEM_BITS": source.elem_bits, "IN_LANES": source.lanes, "OUT_LANES": lanes}
        return self.through(name, WIDTH_CONVERTER.name, params, layer, (source, sink))

    def _gather(self, source: Stream, lanes: int, name: str, layer: str) -> Stream:
        """A stream of tiles in wider tiles.

        Raises:
            UnbuildableError: the wider tiles do not hold whole ones of the source, or are no part
                of a pixel's channels.
        """
        if lanes % source.lanes or (source.pixels * source.lanes) % lanes:
            raise UnbuildableError(
                f"'{layer}' reads {lanes} channels per beat, which are no whole tiles of the "
                f"{source.lanes} that come, of {source.pixels * source.lanes} per pixel",
                where="folding",
                fix="let the PE of layers whose weights come from memory divide the SIMD (or the "
                "PE) of those that read them or are added to them",
            )
        tokens = source.pixels * source.lanes // lanes
        sink = Stream(
            f"{name}_out", source.elem_bits, lanes, source.beats * source.lanes // lanes,
            pixels=tokens, tiles=True,
        )  # fmt: skip
        params = {
            "ELEM_BITS": source.elem_bits,
            "PIXELS": source.beats // source.pixels,
            "IN_LANES": source.lanes,
            "OUT_LANES": lanes,
        }
        return self.through(name, TILE_GATHER.name, params, layer, (source, sink))

    def reorder(self, source: Stream, name: str, layer: str) -> Stream:
        """A stream of pixels tile by tile, and one of tiles pixel by pixel."""
        rows, columns = source.pixels, source.beats // source.pixels
        sink = replace(
            source, name=f"{name}_out", pixels=columns, tiles=not source.tiles, tensor="", later=()
        )
        params = {
            "ELEM_BITS": source.elem_bits,
            "LANES": source.lanes,
            "ROWS": rows,
            "COLUMNS": columns,
            "RAM_STYLE": BLOCK,
        }
        return self.through(name, TRANSPOSE.name, params, layer, (source, sink))

    def fork(self, source: Stream, name: str, layer: str, copies: int) -> list[Stream]:
        """``copies`` of a stream: each fork but the last gives one and passes one on."""
        made = []
        for number in range(1, copies):
            unit = f"{name}_fork" if number == 1 else f"{name}_fork{number}"
            first, second = (replace(source, name=f"{unit}_out{i}", tensor="") for i in (0, 1))
            self.add(
                unit, FORK.name, {"WIDTH": source.width}, layer,
                sources=(source,), sinks=(first, second),
            )  # fmt: skip
            made.append(first)
            source = second
        return [*made, source]
