"""When the beats of a unit's streams can move, as a function of its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.window_sizes import output_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from bnnhw.hardware.design import Design, Stream, Unit

    Index = NDArray[np.int64]
    Timing = Callable[[Mapping[str, int], Design, Unit], "UnitTiming"]


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
        beats_in: input beats a frame.
        beats_out: output beats a frame.
    """

    needs: Index
    frees: Index
    latency: int
    free_delay: int

    @property
    def beats_in(self) -> int:
        """Input beats a frame."""
        return len(self.frees)

    @property
    def beats_out(self) -> int:
        """Output beats a frame."""
        return len(self.needs)


def fifo_timing(stream: Stream) -> UnitTiming:
    """The FIFO on ``stream``."""
    index, shape = np.arange(stream.beats), stream.shape
    return UnitTiming(index, index - stream.depth, shape.latency(stream.depth), shape.free_delay)


def _regroup(elements: int, lanes_in: int, lanes_out: int) -> UnitTiming:
    """A width converter or gearbox: holds the elements of one beat of its wider side."""
    index_out = np.arange(elements // lanes_out)
    index_in = np.arange(elements // lanes_in)
    needs = ((index_out + 1) * lanes_out - 1) // lanes_in
    if lanes_in == lanes_out:
        return UnitTiming(needs, index_in - 1, 1, 0)
    # A beat is taken when all that was complete without it has left or is leaving.
    frees = (index_in * lanes_in) // lanes_out - 1
    return UnitTiming(needs, frees, 1, 0)


def _input(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
    del design, unit
    bits = p["FRAME_ELEMS"] * p["ELEM_BITS"]
    return _regroup(bits, 8 * p["BYTES"], p["LANES"] * p["ELEM_BITS"])


def _converter(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
    return _regroup(_elements_in(design, unit), p["IN_LANES"], p["OUT_LANES"])


def _elements_in(design: Design, unit: Unit) -> int:
    stream = design.streams[unit.sources[0]]
    return stream.beats * stream.lanes


def _pass_through(latency: int) -> Timing:
    def timing(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
        del p
        index = np.arange(design.streams[unit.sources[0]].beats)
        return UnitTiming(index, index - latency, latency, 0)

    return timing


def _popcount_latency(p: Mapping[str, int]) -> int:
    return 3 + max(0, (p["SIMD"] - 1).bit_length() - 2) // 2


def _pe_array(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
    del design, unit
    return _folded(p, _popcount_latency(p))


def mac_latency(p: Mapping[str, int]) -> int:
    """Latency of bnn_mac_pe_array (hw/README.md): the adder tree, and Booth rows in LUTs."""
    levels = (p["SIMD"] - 1).bit_length()
    return levels + (3 + -(-p["WEIGHT_BITS"] // 4) if p["MULTIPLY_STYLE"] == 1 else 5)


def affine_latency(p: Mapping[str, int]) -> int:
    """Latency of bnn_affine (hw/README.md)."""
    bits = p["MULTIPLIER_BITS"]
    if bits and p["MULTIPLY_STYLE"] != 1:
        return 5
    return 3 if bits == 0 and p["SEGMENTS"] == 1 else 3 + max(1, -(-bits // 4))


def _mac_pe_array(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
    del design, unit
    return _folded(p, mac_latency(p))


def _frame_window(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
    """Two frames of room: reading begins when a frame is in, and frees its place at its end."""
    del design, unit
    out_h, out_w = (len(positions) for positions in _tap_positions(p))
    kernel = p["KERNEL_H"] * p["KERNEL_W"]
    beats_in = p["HEIGHT"] * p["WIDTH"] * p["CHANNELS"] // p["IN_LANES"]
    beats_out = p["PASSES"] * out_h * out_w * kernel * p["CHANNELS"] // p["SIMD"]
    return UnitTiming(np.full(beats_out, beats_in - 1), np.full(beats_in, -beats_out - 1), 2, 1)


def _tile_gather(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
    """All but the last of the tiles that become one wait in a memory of one tile's pixels."""
    pixels, ratio = p["PIXELS"], p["OUT_LANES"] // p["IN_LANES"]
    beats_in = design.streams[unit.sources[0]].beats
    wide, pixel = np.divmod(np.arange(beats_in // ratio), pixels)
    needs = ((wide + 1) * ratio - 1) * pixels + pixel
    tile, pixel = np.divmod(np.arange(beats_in), pixels)
    last = tile % ratio == ratio - 1
    frees = np.where(last, tile // ratio * pixels + pixel - 1, (tile // ratio - 1) * pixels + pixel)
    return UnitTiming(needs, frees, 1, 0)


def _stream_array(latency: Callable[[Mapping[str, int]], int]) -> Timing:
    def timing(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
        del design, unit
        return _folded({**p, "OUT_H": p["PIXELS"], "OUT_W": 1}, latency(p))

    return timing


def _affine(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
    return _pass_through(affine_latency(p))(p, design, unit)


def _int_pe_array(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
    del design, unit
    return _folded(p, 4 + (-(-p["SIMD"] // 3) - 1).bit_length())


def _folded(p: Mapping[str, int], latency: int) -> UnitTiming:
    """A PE array: one output beat every FOLDS input beats; a blocked output stops the pipeline."""
    beats = p["OUT_H"] * p["OUT_W"] * p["TILES"]
    index_in = np.arange(beats * p["FOLDS"])
    needs = (np.arange(beats) + 1) * p["FOLDS"] - 1
    frees = (index_in - latency + 1) // p["FOLDS"] - 1
    return UnitTiming(needs, frees, latency, 0)


def _window(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
    """The circular buffer of bnn_window: a tap needs its beat; a window's end frees what is old.

    Exact where windows only ever move forward in raster order; a padding of more than half the
    kernel moves them back at the end of a row, and there input may come a little later.
    """
    del design, unit
    folds = p["CHANNELS"] // p["SIMD"]
    rows, columns = _tap_positions(p)
    inside = (rows[:, :, None, None] >= 0) & (rows[:, :, None, None] < p["HEIGHT"])
    inside = inside & (columns[None, None] >= 0) & (columns[None, None] < p["WIDTH"])
    pixel = rows[:, :, None, None] * p["WIDTH"] + columns[None, None]
    beat = pixel[..., None] * folds + np.arange(folds)  # [OH, KH, OW, KW, folds]
    beat = np.where(inside[..., None], beat, -1).transpose(0, 2, 1, 3, 4)
    if p["CHANNEL_OUTER"]:
        beat = beat.transpose(0, 1, 4, 2, 3)
    pixels = beat.shape[0] * beat.shape[1]
    windows = beat.reshape(pixels, 1, -1)
    taps = windows.shape[2]
    needs = np.broadcast_to(windows, (pixels, p["REPEATS"], taps))
    # The first beat still kept after each output beat: it moves on as a window ends, and beat by
    # beat where a window is one pixel.
    total = p["HEIGHT"] * p["WIDTH"] * folds
    starts = rows[:, 0][:, None] * p["WIDTH"] + columns[:, 0][None, :]
    if rows[-1, 0] >= p["HEIGHT"]:  # what its beats would be are the next frame's
        starts[-1] = starts[-1, 0]
    first = starts.reshape(-1) * folds
    keep = np.broadcast_to(first[:, None, None], needs.shape).copy()
    if p["KERNEL_H"] == p["KERNEL_W"] == 1 and inside.all():
        keep[:, -1] += np.arange(1, taps + 1)
    keep[:, -1, -1] = np.append(first[1:], total + first[0])
    # Input beat i has room once what is kept lies above i - DEPTH. The frame before stands ahead
    # of this one, so that frames may overlap. Room that was given may be taken at once.
    flat = keep.reshape(-1)
    history = np.maximum.accumulate(np.concatenate([flat - total, flat]))
    frees = np.searchsorted(history, np.arange(total) - p["DEPTH"], side="right") - len(flat)
    return UnitTiming(needs.reshape(-1), frees, 2, 1)


def _window_columns(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
    """First half of bnn_window_parallel: LINES lines, read column by column."""
    del design, unit
    rows, columns, emits = _column_passes(p)
    width = p["WIDTH"]
    used = min(int(columns[-1, -1]) + 1, width)
    x = np.arange(len(emits))
    bottom = np.minimum(rows[:, -1], p["HEIGHT"] - 1)
    needs = np.where(x < used, bottom[:, None] * width + x, -1)
    keep = rows[:, 0][:, None] * width + np.minimum(x + 1, used)
    total = p["HEIGHT"] * width
    keep[:, -1] = np.append(rows[1:, 0], p["HEIGHT"] + rows[0, 0]) * width
    flat = keep.reshape(-1)
    history = np.concatenate([flat - total, flat])
    depth = p["LINES"] * width
    frees = np.searchsorted(history, np.arange(total) - depth, side="right") - len(flat)
    return UnitTiming(needs.reshape(-1), frees, 1, 1)


def _window_shift(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
    """Second half of bnn_window_parallel: the shift window and the register that is folded out."""
    del design, unit
    rows, _, emits = _column_passes(p)
    beats = p["REPEATS"] * p["KERNEL_H"] * p["KERNEL_W"] * p["CHANNELS"] // p["SIMD"]
    emitting = np.tile(emits, len(rows))
    complete = np.flatnonzero(emitting)
    needs = np.repeat(complete, beats)
    # A column is read while the one before enters the shift window, which must not hold a window
    # that is still to be taken: those complete before the column two back.
    before = np.concatenate([[0], (np.cumsum(emitting) - emitting)[:-1]])
    if beats == 1:
        return UnitTiming(needs, before - 1, 2, 0)
    return UnitTiming(needs, (before - 1) * beats - 1, 3, 0)


def _column_passes(p: Mapping[str, int]) -> tuple[Index, Index, NDArray[np.bool_]]:
    """Tap rows [OH, KH], tap columns [OW, KW], and which columns of a pass complete a window."""
    rows, columns = _tap_positions(p)
    last = int(columns[-1, -1])
    length = max(last + 1, min(last + 1, p["WIDTH"]) + p["PAD_LEFT"])
    emits = np.zeros(length, bool)
    # Column x of a pass completes the window whose last tap it is, padding on the left aside.
    ends = p["KERNEL_W"] - 1 - p["PAD_LEFT"] + np.arange(len(columns)) * p["STRIDE_W"]
    emits[ends] = True
    return rows, columns, emits


def _tap_positions(p: Mapping[str, int]) -> tuple[Index, Index]:
    """Input rows [OH, KH] and columns [OW, KW] of every tap, padding included."""
    out_h, out_w = output_size(p)
    rows = np.arange(out_h)[:, None] * p["STRIDE_H"] - p["PAD_TOP"] + np.arange(p["KERNEL_H"])
    columns = np.arange(out_w)[:, None] * p["STRIDE_W"] - p["PAD_LEFT"] + np.arange(p["KERNEL_W"])
    return rows, columns


def _max_pool(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
    del design, unit
    folds = p["CHANNELS"] // p["LANES"]
    out_h, out_w = p["HEIGHT"] // p["POOL_H"], p["WIDTH"] // p["POOL_W"]
    rows = np.arange(out_h) * p["POOL_H"] + p["POOL_H"] - 1
    columns = np.arange(out_w) * p["POOL_W"] + p["POOL_W"] - 1
    pixel = rows[:, None] * p["WIDTH"] + columns[None, :]
    needs = (pixel[..., None] * folds + np.arange(folds)).reshape(-1)
    index_in = np.arange(p["HEIGHT"] * p["WIDTH"] * folds)
    frees = np.searchsorted(needs, index_in, side="left") - 1
    return UnitTiming(needs, frees, 1, 0)


def _pool_columns(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
    """First half of bnn_int_pool_overlap: each row of pixels along x."""
    del design, unit
    _, columns = _tap_positions(p)
    return _pool_axis(columns, p["WIDTH"], p["CHANNELS"] // p["LANES"], p["HEIGHT"])


def _pool_rows(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
    """Second half of bnn_int_pool_overlap: what rows gave, along y."""
    del design, unit
    rows, columns = _tap_positions(p)
    return _pool_axis(rows, p["HEIGHT"], len(columns) * p["CHANNELS"] // p["LANES"], 1)


def _pool_axis(taps: Index, size: int, inner: int, repeats: int) -> UnitTiming:
    """Windows [O, K] over positions of ``inner`` beats: each goes out as its last position comes.

    ``repeats`` times a frame, ``size`` positions are pooled.
    """
    ends = np.minimum(taps[:, -1], size - 1)
    position = np.arange(repeats)[:, None] * size + ends
    needs = (position[..., None] * inner + np.arange(inner)).reshape(-1)
    frees = np.searchsorted(needs, np.arange(repeats * size * inner), side="left") - 1
    return UnitTiming(needs, frees, 1, 0)


def _pool_reduce(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
    beats = design.streams[unit.sources[0]].beats
    needs = (np.arange(beats // p["TAPS"]) + 1) * p["TAPS"] - 1
    frees = np.searchsorted(needs, np.arange(beats), side="left") - 1
    return UnitTiming(needs, frees, 1, 0)


def _top_k(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
    del design, unit
    needs = np.full(p["K"], p["CLASSES"] - 1)
    frees = np.full(p["CLASSES"], -1)
    return UnitTiming(needs, frees, 2, 1)


def _output(p: Mapping[str, int], design: Design, unit: Unit) -> UnitTiming:
    del design, unit
    index = np.arange(p["FRAME_BEATS"])
    return UnitTiming(index, index - 1, 1, 0)


#: The parts of each unit, in stream order; a fork's part stands for each of its outputs.
TIMINGS: dict[str, tuple[Timing, ...]] = {
    "bnn_input": (_input,),
    "bnn_width_converter": (_converter,),
    "bnn_window": (_window,),
    "bnn_window_parallel": (_window_columns, _window_shift),
    "bnn_pe_array": (_pe_array,),
    "bnn_int_pe_array": (_int_pe_array,),
    "bnn_mac_pe_array": (_mac_pe_array,),
    "bnn_frame_window": (_frame_window,),
    "bnn_tile_gather": (_tile_gather,),
    "bnn_stream_pe_array": (_stream_array(_popcount_latency),),
    "bnn_stream_mac_pe_array": (_stream_array(mac_latency),),
    "bnn_affine": (_affine,),
    "bnn_fork": (_pass_through(1),),
    "bnn_add": (_pass_through(1),),
    "bnn_int_pool": (_max_pool,),
    "bnn_int_pool_overlap": (_pool_columns, _pool_rows),
    "bnn_int_pool_reduce": (_pool_reduce,),
    "bnn_max_pool": (_max_pool,),
    "bnn_pool_reduce": (_pool_reduce,),
    "bnn_threshold": (_pass_through(2),),
    "bnn_table": (_pass_through(1),),
    "bnn_top_k": (_top_k,),
    "bnn_output": (_output,),
}
