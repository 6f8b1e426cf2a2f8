"""How the HLS C++ twins are called: their parameters, memories and the numbers Verilog lacks."""

from __future__ import annotations

from dataclasses import dataclass


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
        parameters: template parameters in order. BEATS, beats a frame at the input, and OUT_BITS,
            bits a beat at the output with ``tuser``, come from the streams; the others are the
            unit's own.
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


# Parameters that only a twin has: one call is one frame, so it must know how long a frame is.
STREAM_PARAMETERS = ("BEATS", "OUT_BITS")

_IMAGE = ("ELEM_BITS", "CHANNELS", "HEIGHT", "WIDTH")
_KERNEL = ("KERNEL_H", "KERNEL_W", "STRIDE_H", "STRIDE_W")
_PADS = ("PAD_TOP", "PAD_BOTTOM", "PAD_LEFT", "PAD_RIGHT")
_BORDERS = ("BORDER_TOP", "BORDER_BOTTOM", "BORDER_LEFT", "BORDER_RIGHT")
_FOLDING = ("PE", "SIMD", "FOLDS", "TILES")
_SUM = ("ACC_BITS", "ACC_SHIFT", "BINARY_OUT", "OUT_H", "OUT_W")
_PE_MEMORIES = (
    MemoryArgument("WEIGHTS_FILE", "PE", "WEIGHTS_STYLE"),
    MemoryArgument("INIT_FILE", "PE", "INIT_STYLE"),
)

TWINS = {
    "bnn_input": Twin(("BYTES", "ELEM_BITS", "LANES", "FRAME_ELEMS"), error=True),
    "bnn_width_converter": Twin(("ELEM_BITS", "IN_LANES", "OUT_LANES", "BEATS")),
    "bnn_window": Twin(
        (
            *(*_IMAGE, *_KERNEL, *_PADS, "SIMD", "REPEATS"),
            *("CHANNEL_OUTER", "PAD_VALUE", "DEPTH", "RAM_STYLE", "OUT_BITS"),
        )
    ),
    "bnn_window_parallel": Twin(
        (*_IMAGE, *_KERNEL, *_PADS, "SIMD", "REPEATS", "PAD_VALUE", "RAM_STYLE"),
        timing=("LINES",),
    ),
    "bnn_frame_window": Twin(
        (
            *(*_IMAGE, *_KERNEL, *_PADS, "SIMD", "PASSES", "IN_LANES", "TILE_MAJOR"),
            *("PAD_VALUE", "RAM_STYLE", "OUT_BITS"),
        )
    ),
    "bnn_tile_gather": Twin(("ELEM_BITS", "PIXELS", "IN_LANES", "OUT_LANES", "BEATS")),
    "bnn_axi_reader": Twin(
        ("DATA_BITS", "WORDS"),
        timing=("ADDR_BITS", "BURST", "OUTSTANDING", "DEPTH"),
        inputs=("memory",),
    ),
    "bnn_weight_buffer": Twin(
        ("WORD_BITS", "FOLDS", "PIXELS", "RAM_STYLE", "BEATS"), timing=("DEPTH",)
    ),
    "bnn_pe_array": Twin((*_FOLDING, *_SUM, *_BORDERS), _PE_MEMORIES),
    "bnn_int_pe_array": Twin((*_FOLDING, "IN_BITS", "IN_SIGNED", *_SUM, *_BORDERS), _PE_MEMORIES),
    "bnn_stream_pe_array": Twin(
        (*_FOLDING, "PIXELS", "ACC_BITS", "ACC_SHIFT", "BINARY_OUT", "PAD_HALF"),
        (MemoryArgument("INIT_FILE", "PE", "INIT_STYLE"),),
        inputs=("s_axis", "w_axis"),
    ),
    "bnn_stream_mac_pe_array": Twin(
        (
            *(*_FOLDING, "PIXELS", "IN_BITS", "IN_SIGNED", "WEIGHT_BITS", "ACC_BITS"),
            "MULTIPLY_STYLE",
        ),
        (MemoryArgument("INIT_FILE", "PE", "INIT_STYLE"),),
        inputs=("s_axis", "w_axis"),
    ),
    "bnn_mac_pe_array": Twin(
        (
            *(*_FOLDING, "IN_BITS", "IN_SIGNED", "WEIGHT_BITS", "ACC_BITS", "OUT_H", "OUT_W"),
            *(*_BORDERS, "MULTIPLY_STYLE"),
        ),
        _PE_MEMORIES,
    ),
    "bnn_affine": Twin(
        (
            *("IN_BITS", "IN_SIGNED", "OUT_BITS", "OUT_SIGNED", "LANES", "FOLDS", "HOLD"),
            *("SHIFT", "MULTIPLIER_BITS", "OFFSET_BITS", "SEGMENTS", "MULTIPLY_STYLE", "BEATS"),
        ),
        (MemoryArgument("PARAMETERS_FILE", "LANES", "STYLE"),),
    ),
    "bnn_max_pool": Twin(
        ("CHANNELS", "LANES", "HEIGHT", "WIDTH", "POOL_H", "POOL_W"),
        (MemoryArgument("MIN_FILE"),),
    ),
    "bnn_pool_reduce": Twin(("LANES", "FOLDS", "TAPS", "BEATS"), (MemoryArgument("MIN_FILE"),)),
    "bnn_int_pool": Twin(
        (
            *("OPERATION", "ELEM_BITS", "SIGNED", "OUT_BITS"),
            *("CHANNELS", "LANES", "HEIGHT", "WIDTH", "POOL_H", "POOL_W"),
        )
    ),
    "bnn_int_pool_overlap": Twin(
        (
            *("OPERATION", "ELEM_BITS", "SIGNED", "OUT_BITS", "CHANNELS", "LANES"),
            *("HEIGHT", "WIDTH", *_KERNEL, *_PADS, "RAM_STYLE"),
        )
    ),
    "bnn_int_pool_reduce": Twin(
        (
            *("OPERATION", "ELEM_BITS", "SIGNED", "OUT_BITS"),
            *("LANES", "FOLDS", "TAPS", "BEATS"),
        )
    ),
    "bnn_fork": Twin(("WIDTH", "BEATS"), outputs=("m0_axis", "m1_axis")),
    "bnn_add": Twin(("IN_BITS", "OUT_BITS", "LANES", "BEATS"), inputs=("s0_axis", "s1_axis")),
    "bnn_threshold": Twin(
        ("IN_BITS", "IN_SIGNED", "LANES", "FOLDS", "HOLD", "BEATS"),
        (MemoryArgument("THRESHOLDS_FILE", "LANES"),),
    ),
    "bnn_table": Twin(("IN_BITS", "OUT_BITS", "LANES", "BEATS"), (MemoryArgument("TABLE_FILE"),)),
    "bnn_top_k": Twin(("SCORE_BITS", "CLASSES", "K", "OUT_BITS")),
    "bnn_output": Twin(("ELEM_BITS", "LANES", "FIELD_BITS", "FRAME_BEATS")),
}
