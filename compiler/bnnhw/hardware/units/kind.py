"""What is known of a kind of hardware unit: one record holds all that others ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LUTS, BLOCK, ULTRA = 1, 2, 3
"""Values of parameters ``*_STYLE``: where a memory lies. 0 leaves it to the tool. UltraRAM takes no
initial contents: it may hold what is written at run time alone."""
BOOTH, DSP, PAIR, CHAIN = 1, 2, 3, 4
"""Values of ``MULTIPLY_STYLE``: rows in LUTs, a DSP block for each product, for each two products,
for each two products of two lanes."""

Params = Mapping[str, int]
"""Parameters of a unit by their names in the Verilog."""
Index = NDArray[np.int64]
Timing = Callable[[Params, int], "UnitTiming"]
"""Timing of parameters and of the beats per frame that the first input stream brings."""


@dataclass(frozen=True)
class UnitTiming:
    """How one unit moves the beats of one frame.

    Attributes:
        needs: [beats out]; the last input beat that each output beat needs, counted from the
            frame's first; -1 where it needs none.
        frees: [beats in]; the output beat that must have moved before (or when) each input beat
            moves, counted from the same frame's first; very negative for none. May reach into
            earlier frames.
        latency: cycles from the needed input beat moving to the output beat being offered.
        free_delay: cycles from the freeing output beat to the input beat that takes its place.
        beats_in: input beats per frame.
        beats_out: output beats per frame.
    """

    needs: Index
    frees: Index
    latency: int
    free_delay: int

    @property
    def beats_in(self) -> int:
        """Input beats per frame."""
        return len(self.frees)

    @property
    def beats_out(self) -> int:
        """Output beats per frame."""
        return len(self.needs)


@dataclass(frozen=True)
class MemoryArgument:
    """A memory of a twin: an array argument in place of a file name.

    Attributes:
        parameter: the Verilog parameter that names the image's file.
        fields: the parameter that counts the fields of a word; the argument is then an array
            [depth][fields], else [depth].
        style: the Verilog parameter that chooses LUTs or block RAM; a pragma on the array.
    """

    parameter: str
    fields: str | None = None
    style: str | None = None


@dataclass(frozen=True)
class Twin:
    """The HLS function of a unit.

    Attributes:
        parameters: template parameters in order. BEATS, beats per frame at the input, and
            OUT_BITS, bits per beat at the output with ``tuser``, come from the streams; the others
            are the unit's own.
        memories: array arguments behind the streams, in order.
        error: whether a last argument reports a protocol error.
        timing: parameters of the Verilog unit that move cycles but no value; the twin has none.
        inputs: its input streams, the first arguments; ``memory`` is not a stream but a pointer to
            bus words, an ``m_axi`` port of the top function.
        outputs: its output streams, the next.
    """

    parameters: tuple[str, ...]
    memories: tuple[MemoryArgument, ...] = ()
    error: bool = False
    timing: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ("s_axis",)
    outputs: tuple[str, ...] = ("m_axis",)

    @property
    def absent(self) -> tuple[str, ...]:
        """Parameters of the Verilog unit that are no template parameters of the twin."""
        names = [name for m in self.memories for name in (m.parameter, m.style) if name]
        return (*names, *self.timing)


def no_blocks(p: Params) -> int:
    """What a unit without block RAM, UltraRAM or DSP blocks takes of them."""
    del p
    return 0


@dataclass(frozen=True)
class UnitKind:
    """A kind of unit: a module of hw/ with all that the compiler knows of it.

    Attributes:
        name: the module.
        about: what it is, in a word or two, as in pictures.
        features: what the cost model counts; weighted sums of it are LUTs and flip-flops.
        points: parameters at which the weights are fitted to synthesis.
        twin: the HLS function; None for units that stand beside the dataflow.
        timing: its parts in stream order; a fork's part stands for each of its outputs. None for
            units that never keep others waiting. A unit may have several frames of its own per
            frame of the design, one for each tile of channels.
        bram36: blocks of its memory, halves allowed.
        dsp: DSP blocks.
        uram: UltraRAMs of its memory.
        style: the parameter that says where its memory lies; empty where there is no choice.
        styles: where its memory may lie; UltraRAM only where it is written at run time.
        multiplies: whether its MULTIPLY_STYLE, LUTs or DSP blocks, is free whatever its size.
        joins: whether its two inputs move together.
        merges: whether it takes the beats of its two inputs in turn; ``timing`` then has a part for
            each, of beats that the other side's come between.
        scales: whether a beat of its second input moves with the first of several of its first;
            ``timing`` then has a part for the first, and one from the second to the first.
        forks: whether its two outputs carry the same.
        splits: whether its two outputs take the beats of its input in turn; ``timing`` then has a
            part for each.
        counts: parameters that count something of a whole frame, of all its passes in a loop.
        sums: whether it holds a PE array.
        reads_memory: whether it is a master that reads from memory.
        marks_padding: whether its output's ``tuser`` marks padding.
        reads_marks: whether its input's ``tuser`` does.
        rows: of a pool, rows per frame that it gives, each as fast as its last image row comes;
            0 where a row is a single pixel.
        overlaps: of a pool, whether its windows may overlap.
        plays: whether it may give the beats of a window several times over.
        ahead: beats per frame that must come before it gives its first; None where it needs no
            FIFO for these.
        holds: of an image, what it keeps, in a word or two; empty for other units.
        path_ns: its longest way through logic from register to register, in nanoseconds, measured
            on netlists for 7-series parts; routing is left out.
    """

    name: str
    about: str
    features: Callable[[Params], list[float]]
    points: tuple[dict[str, int], ...]
    twin: Twin | None = None
    timing: tuple[Timing, ...] = ()
    bram36: Callable[[Params], float] = no_blocks
    dsp: Callable[[Params], int] = no_blocks
    uram: Callable[[Params], int] = no_blocks
    style: str = ""
    styles: tuple[int, ...] = (LUTS, BLOCK)
    multiplies: bool = False
    joins: bool = False
    merges: bool = False
    scales: bool = False
    forks: bool = False
    splits: bool = False
    counts: tuple[str, ...] = ()
    sums: bool = False
    reads_memory: bool = False
    marks_padding: bool = False
    reads_marks: bool = False
    rows: Callable[[Params], int] | None = None
    overlaps: bool = False
    plays: bool = False
    ahead: Callable[[Params], int] | None = None
    holds: str = ""
    path_ns: float = 0.0

    @property
    def meets(self) -> bool:
        """Whether two paths of the dataflow end in it."""
        return self.joins or self.merges or self.scales

    @property
    def parts(self) -> bool:
        """Whether two paths of the dataflow begin in it."""
        return self.forks or self.splits


def in_luts(p: Params) -> bool:
    """Whether a memory that RAM_STYLE places lies in LUTs."""
    return p["RAM_STYLE"] not in (BLOCK, ULTRA)


def named(names: str, *rows: tuple[int, ...], **same: int) -> tuple[dict[str, int], ...]:
    """Points whose parameters ``names`` take the values of each row."""
    return tuple(dict(zip(names.split(), row, strict=True)) | same for row in rows)


def passes_through(latency: int) -> Timing:
    """Each beat goes out ``latency`` cycles after it came."""

    def timing(p: Params, beats: int) -> UnitTiming:
        del p
        index = np.arange(beats)
        return UnitTiming(index, index - latency, latency, 0)

    return timing


def repeated(timing: UnitTiming, times: int) -> UnitTiming:
    """``times`` frames of a unit, one behind the other, as one."""
    frame = np.arange(times)[:, None]
    needs = np.where(timing.needs < 0, -1, timing.needs + frame * timing.beats_in)
    frees = timing.frees + frame * timing.beats_out
    return UnitTiming(needs.reshape(-1), frees.reshape(-1), timing.latency, timing.free_delay)
