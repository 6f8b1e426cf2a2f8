"""The counters that a design has where it was asked for them: which words of what stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.hardware.design import Design

CYCLES = 0
"""The word that counts the cycles in which all others count."""
STREAM_WORDS = ("stall", "starved", "beats")
"""Of each stream, in order: ``bnn_stream_counters`` says what they are."""
FIFO_WORD = "high_water"
"""Of a stream with a FIFO, behind those."""


@dataclass(frozen=True)
class Instrument:
    """The counters of one stream.

    Attributes:
        stream: its name.
        writer: the unit that writes it.
        reader: the unit that reads it.
        layer: the graph node that the writer implements or serves.
        reader_layer: that of the reader.
        depth: beats of its FIFO; 0 where it has none.
        words: the index of each counter by its name.
    """

    stream: str
    writer: str
    reader: str
    layer: str
    reader_layer: str
    depth: int
    words: Mapping[str, int]


def instruments_of(design: Design) -> tuple[Instrument, ...]:
    """The counters of a design in the order of its streams; none where nobody asked for them."""
    if not design.instrument:
        return ()
    writers = {name: unit for unit in design.units for name in unit.sinks}
    readers = {name: unit for unit in design.units for name in unit.sources}
    found, index = [], CYCLES + 1
    for name, stream in design.streams.items():
        names = (*STREAM_WORDS, FIFO_WORD) if stream.depth else STREAM_WORDS
        words = {word: index + i for i, word in enumerate(names)}
        index += len(words)
        writer, reader = writers[name], readers[name]
        found.append(
            Instrument(
                name, writer.name, reader.name, writer.layer, reader.layer, stream.depth, words
            )
        )
    return tuple(found)


def count_words(instruments: tuple[Instrument, ...]) -> int:
    """Words of all counters, the one of cycles included; 0 without instruments."""
    if not instruments:
        return 0
    return CYCLES + 1 + sum(len(instrument.words) for instrument in instruments)
