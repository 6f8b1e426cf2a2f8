"""The units that the cost model is fitted to: kind and parameters of each measured point."""

from __future__ import annotations

Point = tuple[str, dict[str, int]]

PADDED = {"PAD_TOP": 1, "PAD_BOTTOM": 1, "PAD_LEFT": 1, "PAD_RIGHT": 1}
BORDERS = {"BORDER_TOP": 1, "BORDER_BOTTOM": 1, "BORDER_LEFT": 1, "BORDER_RIGHT": 1}
LUT, BLOCK = 1, 2  # memory styles
BOOTH, DSP, PAIR, CHAIN = 1, 2, 3, 4  # multiply styles


def points() -> list[Point]:
    """Everything that is measured; what takes longest comes last."""
    return [
        *_streams(),
        *_pools(),
        *_elementwise(),
        *_ends(),
        *_memory(),
        *_windows(),
        *_parallel_windows(),
        *_mac_arrays(),
        *_stream_arrays(),
        *_int_arrays(),
        *_pe_arrays(),
    ]


def _named(kind: str, names: str, *rows: tuple[int, ...], **same: int) -> list[Point]:
    """Points of a kind whose parameters ``names`` take the values of each row."""
    return [(kind, dict(zip(names.split(), row, strict=True)) | same) for row in rows]


def _streams() -> list[Point]:
    fifo = ((8, 2), (64, 16), (16, 20), (64, 63), (128, 31), (64, 126))
    deep = (
        (32, 200), (12, 300), (48, 150), (11, 500), (24, 306), (40, 600), (12, 830), (12, 1500),
    )  # fmt: skip
    block = (
        (9, 500), (12, 512), (16, 900), (18, 1025), (24, 1500), (9, 2500), (72, 513), (64, 64),
        (12, 4224),
    )  # fmt: skip
    packed = (
        (12, 4224, 3, 0), (12, 3904, 3, 0), (12, 6656, 3, 0), (24, 12593, 3, 305), (18, 900, 2, 0),
        (9, 600, 4, 0), (16, 2000, 2, 0), (18, 3000, 4, 0), (6, 1000, 6, 0), (12, 2000, 6, 0),
        (8, 1200, 4, 0), (36, 1000, 2, 0), (40, 900, 2, 0), (4, 5000, 8, 0), (12, 600, 3, 84),
        (16, 1040, 2, 14), (12, 1048, 1, 24), (12, 4608, 3, 0), (24, 3000, 6, 0), (10, 2500, 7, 0),
        (5, 1800, 7, 0), (48, 3100, 3, 0), (12, 2500, 5, 0), (12, 4224, 1, 127),
        (12, 3904, 3, 832), (12, 6656, 3, 512), (24, 400, 3, 64), (12, 50000, 3, 0),
        (16, 30000, 4, 0), (24, 25000, 3, 0), (12, 12593, 3, 0),
    )  # fmt: skip
    return [
        *_named("bnn_fifo", "WIDTH DEPTH", *fifo, *deep, RAM_STYLE=LUT),
        *_named("bnn_fifo", "WIDTH DEPTH", *block, RAM_STYLE=BLOCK),
        *_named("bnn_fifo", "WIDTH DEPTH PACK TAIL", *packed, RAM_STYLE=BLOCK),
        *_named(
            "bnn_width_converter", "ELEM_BITS IN_LANES OUT_LANES",
            *((1, 8, 64), (1, 16, 32), (1, 4, 128), (8, 1, 3), (11, 2, 4)),
            *((1, 64, 8), (1, 128, 32), (11, 10, 1)),
            *((1, 64, 48), (1, 24, 64), (1, 32, 10)),
        ),
        *_named("bnn_fork", "WIDTH", (1,), (8,), (16,), (64,), (128,), (256,)),
    ]  # fmt: skip


def _pools() -> list[Point]:
    return [
        *_named(
            "bnn_max_pool", "CHANNELS LANES HEIGHT WIDTH",
            *((64, 64, 28, 28), (64, 16, 28, 28), (64, 8, 28, 28), (128, 16, 10, 10)),
            (32, 4, 8, 8),
            POOL_H=2, POOL_W=2,
        ),
        *_named(
            "bnn_pool_reduce", "LANES FOLDS", (64, 1), (16, 4), (8, 16),
            TAPS=9,
        ),
        *_named(
            "bnn_int_pool",
            "OPERATION ELEM_BITS OUT_BITS CHANNELS LANES HEIGHT WIDTH POOL_H POOL_W",
            *((0, 8, 8, 64, 4, 16, 16, 2, 2), (0, 12, 12, 32, 2, 8, 8, 2, 2)),
            *((1, 12, 14, 64, 4, 56, 56, 2, 2), (1, 16, 22, 512, 1, 7, 7, 7, 7)),
            *((1, 16, 22, 512, 8, 7, 7, 7, 7), (1, 12, 18, 256, 4, 8, 8, 8, 8)),
            *((1, 16, 22, 4, 4, 128, 49, 1, 49), (1, 12, 16, 8, 8, 64, 16, 1, 16)),
            *((0, 16, 16, 128, 16, 14, 14, 2, 2), (1, 9, 13, 64, 1, 4, 4, 4, 4)),
            SIGNED=1,
        ),
        *_overlapping_pools(),
        *_named(
            "bnn_int_pool_reduce", "OPERATION ELEM_BITS SIGNED OUT_BITS LANES FOLDS TAPS",
            *((0, 8, 1, 8, 4, 16, 9), (0, 16, 1, 16, 1, 64, 9), (0, 12, 0, 12, 8, 8, 9)),
            *((0, 16, 1, 16, 16, 4, 9), (1, 12, 1, 16, 4, 8, 9), (1, 8, 0, 14, 2, 4, 49)),
        ),
    ]  # fmt: skip


def _overlapping_pools() -> list[Point]:
    """Square images, kernels and strides; padding on all sides."""
    result = []
    for operation, bits, out, channels, lanes, size, kernel, stride, pad, style in (
        (0, 12, 12, 64, 1, 112, 3, 2, 1, BLOCK), (0, 12, 12, 64, 2, 112, 3, 2, 1, BLOCK),
        (0, 16, 16, 64, 4, 56, 3, 2, 1, BLOCK), (1, 12, 16, 128, 2, 28, 3, 2, 1, BLOCK),
        (0, 12, 12, 32, 8, 16, 3, 2, 1, LUT), (1, 8, 12, 16, 4, 12, 3, 2, 1, LUT),
        (0, 16, 16, 64, 2, 28, 4, 2, 1, BLOCK), (1, 16, 21, 32, 1, 20, 5, 3, 2, BLOCK),
        (0, 10, 10, 16, 16, 32, 3, 2, 0, LUT), (0, 8, 8, 64, 1, 24, 2, 1, 0, LUT),
        (0, 9, 9, 128, 16, 14, 3, 2, 1, BLOCK), (1, 12, 14, 256, 8, 8, 2, 2, 1, LUT),
        (0, 13, 13, 48, 3, 31, 3, 2, 1, BLOCK), (0, 12, 12, 8, 4, 10, 5, 3, 2, LUT),
        (0, 12, 12, 64, 1, 112, 3, 2, 1, LUT), (0, 12, 12, 64, 4, 56, 3, 2, 1, LUT),
    ):  # fmt: skip
        names = "OPERATION ELEM_BITS OUT_BITS CHANNELS LANES HEIGHT WIDTH RAM_STYLE"
        row = (operation, bits, out, channels, lanes, size, size, style)
        shape = {f"{name}_{axis}": value for axis in "HW"
                 for name, value in (("KERNEL", kernel), ("STRIDE", stride))}  # fmt: skip
        pads = dict.fromkeys(PADDED, pad)
        result += _named("bnn_int_pool_overlap", names, row, SIGNED=1, **shape, **pads)
    return result


def _elementwise() -> list[Point]:
    names = (
        "IN_BITS OUT_BITS LANES FOLDS SHIFT MULTIPLIER_BITS OFFSET_BITS SEGMENTS STYLE "
        "MULTIPLY_STYLE"
    )
    return [
        *_named("bnn_add", "IN_BITS OUT_BITS LANES", (8, 8, 1), (12, 12, 4), (16, 16, 2),
                (16, 16, 8), (12, 13, 4), (10, 8, 3), (16, 16, 1)),
        *_named(
            "bnn_affine", names,
            *((16, 16, 1, 64, 10, 12, 28, 1, LUT, DSP), (16, 16, 4, 16, 10, 12, 28, 1, LUT, DSP)),
            *((16, 16, 8, 8, 12, 16, 32, 1, LUT, DSP), (13, 12, 2, 32, 9, 12, 26, 2, LUT, DSP)),
            *((22, 16, 1, 512, 14, 17, 36, 1, BLOCK, DSP), (16, 16, 4, 128, 12, 16, 32, 1, 2, 2)),
            *((16, 12, 8, 64, 12, 14, 30, 2, BLOCK, DSP), (16, 16, 2, 256, 12, 15, 31, 2, 2, 2)),
            *((12, 16, 4, 16, 4, 0, 18, 1, LUT, DSP), (16, 16, 8, 8, 0, 0, 17, 1, LUT, DSP)),
            *((12, 12, 4, 16, 8, 11, 23, 1, LUT, BOOTH), (16, 16, 2, 32, 10, 12, 28, 2, 1, 1)),
            *((12, 12, 1, 1, 8, 12, 26, 1, LUT, DSP), (11, 9, 16, 4, 8, 10, 20, 1, LUT, DSP)),
            *((16, 16, 4, 16, 0, 0, 17, 2, LUT, DSP), (16, 12, 2, 1024, 10, 12, 28, 1, BLOCK, DSP)),
            IN_SIGNED=1, OUT_SIGNED=1,
        ),
        *_named(
            "bnn_threshold", "IN_BITS IN_SIGNED LANES FOLDS",
            *((8, 0, 1, 8), (11, 1, 64, 1), (8, 0, 8, 4), (16, 1, 4, 16)),
            *((16, 1, 8, 8), (16, 1, 4, 128), (16, 1, 1, 64), (16, 1, 2, 512)),
        ),
        *_named(
            "bnn_table", "OUT_BITS LANES IN_BITS", (8, 1, 8), (8, 3, 8), (1, 8, 8), (4, 4, 8),
        ),
    ]  # fmt: skip


def _ends() -> list[Point]:
    return [
        *_named(
            "bnn_input", "BYTES ELEM_BITS LANES FRAME_ELEMS",
            *((8, 8, 3, 3072), (8, 8, 1, 64), (8, 8, 27, 3456), (2, 1, 49, 784)),
            *((8, 1, 64, 1024), (4, 8, 3, 3072), (4, 8, 16, 3072), (1, 8, 1, 64)),
        ),
        *_named(
            "bnn_output", "LANES FIELD_BITS FRAME_BEATS ELEM_BITS",
            *((1, 16, 10, 11), (2, 32, 5, 11), (4, 16, 16, 11), (1, 32, 1000, 18)),
        ),
        *_named(
            "bnn_top_k", "SCORE_BITS CLASSES K",
            *((11, 10, 1), (11, 10, 5), (16, 1000, 5)),
        ),
        ("bnn_registers", {}),
        ("bnn_reset_control", {}),
    ]  # fmt: skip


def _memory() -> list[Point]:
    frame = "CHANNELS HEIGHT SIMD IN_LANES RAM_STYLE KERNEL_H PASSES TILE_MAJOR"
    shapes = (
        (512, 7, 64, 64, BLOCK, 3, 32, 0), (512, 7, 128, 64, BLOCK, 3, 32, 1),
        (256, 14, 64, 32, BLOCK, 3, 16, 1), (256, 14, 32, 32, LUT, 3, 16, 0),
        (512, 7, 512, 64, LUT, 3, 64, 1), (512, 7, 128, 128, LUT, 3, 32, 0),
        (256, 4, 64, 64, LUT, 3, 32, 0), (512, 4, 256, 64, BLOCK, 3, 64, 1),
        (64, 4, 16, 4, LUT, 3, 8, 1),
    )  # fmt: skip
    result = []
    for kind, params in _named("bnn_frame_window", frame, *shapes):
        params |= {"WIDTH": params["HEIGHT"], "KERNEL_W": params["KERNEL_H"], "ELEM_BITS": 1}
        result.append((kind, params | PADDED))
    flat = {"HEIGHT": 1, "WIDTH": 1, "KERNEL_H": 1, "KERNEL_W": 1} | dict.fromkeys(PADDED, 0)
    result += _named(
        "bnn_frame_window", "CHANNELS SIMD IN_LANES RAM_STYLE PASSES ELEM_BITS",
        *((512, 4, 4, LUT, 100, 16), (512, 2, 2, BLOCK, 1000, 16), (256, 8, 8, LUT, 10, 12)),
        **flat,
    )  # fmt: skip
    return [
        *result,
        *_named(
            "bnn_weight_buffer", "WORD_BITS FOLDS PIXELS DEPTH",
            *((64, 9, 49, 18), (256, 18, 49, 36), (512, 72, 49, 144), (128, 36, 16, 72)),
            *((1024, 9, 49, 18), (72, 4, 16, 8), (512, 32, 16, 64), (64, 1, 49, 2)),
            RAM_STYLE=LUT,
        ),
        *_named(
            "bnn_axi_reader", "DATA_BITS WORDS OUTSTANDING DEPTH ADDR_BITS",
            *((64, 36864, 4, 64, 32), (64, 36864, 14, 256, 40), (64, 147456, 27, 512, 40)),
            *((64, 1024, 2, 32, 40), (128, 36864, 8, 128, 40), (32, 4096, 4, 64, 32)),
            BURST=16,
        ),
        *_named("bnn_read_arbiter", "PORTS", *((n,) for n in (1, 2, 3, 4, 6, 8)), ADDR_BITS=40),
        *_named(
            "bnn_tile_gather", "ELEM_BITS PIXELS IN_LANES OUT_LANES",
            *((1, 49, 4, 64), (1, 16, 8, 64), (1, 196, 4, 32), (16, 49, 1, 4), (1, 49, 16, 64)),
            *((1, 49, 1, 64), (12, 16, 2, 8)),
        ),
    ]  # fmt: skip


def _window(channels: int, size: int, kernel: int, simd: int, **other: int) -> dict[str, int]:
    """Parameters of a window generator on a square image, stride 1, no padding."""
    return {
        "ELEM_BITS": 1, "CHANNELS": channels, "HEIGHT": size, "WIDTH": size, "KERNEL_H": kernel,
        "KERNEL_W": kernel, "STRIDE_H": 1, "STRIDE_W": 1, "PAD_TOP": 0, "PAD_BOTTOM": 0,
        "PAD_LEFT": 0, "PAD_RIGHT": 0, "SIMD": simd, "REPEATS": 2, "RAM_STYLE": LUT,
    } | other  # fmt: skip


def _windows() -> list[Point]:
    result = []
    for channels, size, kernel, simd, depth, style in (
        (64, 30, 3, 64, 126, LUT), (64, 30, 3, 32, 252, LUT), (128, 12, 3, 64, 108, LUT),
        (256, 3, 3, 32, 120, LUT),
        (3, 32, 3, 3, 132, LUT),
        (512, 1, 1, 8, 128, LUT), (512, 1, 1, 64, 16, LUT),
        (64, 30, 3, 64, 126, BLOCK),
    ):  # fmt: skip
        other = {"CHANNEL_OUTER": 0, "DEPTH": depth, "RAM_STYLE": style}
        result.append(("bnn_window", _window(channels, size, kernel, simd, **other)))
    for channels, size, simd, depth, bits, style in (
        (64, 14, 64, 62, 1, LUT), (1, 8, 1, 30, 8, LUT),
        (3, 32, 3, 132, 8, LUT), (64, 56, 4, 1900, 16, BLOCK), (128, 28, 64, 118, 1, BLOCK),
    ):  # fmt: skip
        other = {"CHANNEL_OUTER": 0, "DEPTH": depth, "ELEM_BITS": bits, "RAM_STYLE": style}
        result.append(("bnn_window", _window(channels, size, 3, simd, **other, **PADDED)))
    return result


def _parallel_windows() -> list[Point]:
    result = []
    for channels, size, simd, bits, style in (
        (3, 32, 27, 8, LUT), (1, 8, 9, 8, LUT), (64, 30, 576, 1, LUT),
        (64, 14, 288, 1, BLOCK),
        (16, 12, 36, 1, LUT),
    ):  # fmt: skip
        other = {"ELEM_BITS": bits, "RAM_STYLE": style}
        result.append(("bnn_window_parallel", _window(channels, size, 3, simd, **other)))
    for channels, simd, bits in ((64, 288, 1),):
        other = _window(channels, 14, 3, simd, ELEM_BITS=bits, **PADDED)
        result.append(("bnn_window_parallel", other))
    return result


def _array(pe: int, simd: int, folds: int, tiles: int, **other: int) -> dict[str, int]:
    """Parameters of a PE array; without padding unless ``other`` says so."""
    return {
        "PE": pe, "SIMD": simd, "FOLDS": folds, "TILES": tiles, "ACC_BITS": 11,
        "OUT_H": 8, "OUT_W": 8, "BORDER_TOP": 0, "BORDER_BOTTOM": 0,
        "BORDER_LEFT": 0, "BORDER_RIGHT": 0, "WEIGHTS_STYLE": BLOCK, "INIT_STYLE": LUT,
    } | other  # fmt: skip


def _mac_arrays() -> list[Point]:
    result = []
    for pe, simd, folds, tiles, bits, weight, weights, multiply in (
        (1, 1, 9, 1, 8, 8, LUT, DSP), (4, 3, 9, 4, 8, 8, LUT, DSP),
        (4, 3, 49, 16, 8, 8, BLOCK, PAIR), (8, 7, 21, 8, 8, 8, BLOCK, PAIR),
        (2, 7, 21, 32, 8, 8, BLOCK, PAIR), (4, 4, 16, 16, 16, 8, BLOCK, DSP),
        (1, 8, 64, 10, 16, 8, BLOCK, DSP), (4, 16, 4, 32, 12, 8, LUT, DSP),
        (4, 3, 9, 4, 8, 8, BLOCK, BOOTH), (8, 3, 9, 8, 8, 8, LUT, BOOTH),
        (2, 8, 16, 64, 12, 8, BLOCK, BOOTH), (4, 4, 16, 16, 16, 6, LUT, BOOTH),
        (2, 7, 21, 32, 8, 4, BLOCK, BOOTH), (16, 3, 49, 4, 8, 8, BLOCK, DSP),
        (2, 147, 1, 32, 8, 8, LUT, CHAIN), (2, 8, 8, 64, 8, 8, BLOCK, CHAIN),
        (4, 16, 8, 16, 8, 8, BLOCK, CHAIN), (4, 9, 3, 16, 8, 8, LUT, CHAIN),
    ):  # fmt: skip
        other = {"IN_BITS": bits, "IN_SIGNED": int(bits > 8), "WEIGHT_BITS": weight}
        other |= {"ACC_BITS": bits + weight + 6, "WEIGHTS_STYLE": weights}
        other |= {"MULTIPLY_STYLE": multiply}
        result.append(("bnn_mac_pe_array", _array(pe, simd, folds, tiles, **other)))
    return result


def _stream_arrays() -> list[Point]:
    return [
        *_named(
            "bnn_stream_pe_array", "PE SIMD FOLDS TILES PIXELS ACC_BITS BINARY_OUT PAD_HALF",
            *((4, 64, 72, 128, 49, 13, 0, 1), (8, 64, 72, 64, 49, 13, 0, 1)),
            *((16, 32, 36, 16, 16, 12, 0, 1), (2, 128, 36, 256, 49, 13, 0, 1)),
            *((4, 256, 18, 64, 16, 13, 0, 1), (8, 128, 4, 32, 1, 11, 1, 0)),
            *((1, 64, 36, 256, 16, 12, 0, 1), (16, 64, 36, 32, 196, 13, 0, 1)),
            ACC_SHIFT=0, INIT_STYLE=LUT,
        ),
        *_named(
            "bnn_stream_mac_pe_array",
            "PE SIMD FOLDS TILES PIXELS IN_BITS WEIGHT_BITS ACC_BITS MULTIPLY_STYLE",
            *((1, 8, 64, 1000, 1, 16, 8, 30, DSP), (2, 8, 32, 100, 1, 8, 8, 24, PAIR)),
            *((4, 4, 64, 64, 49, 12, 8, 28, DSP), (1, 8, 64, 10, 1, 12, 8, 28, BOOTH)),
            *((2, 4, 64, 128, 49, 16, 8, 30, BOOTH), (8, 2, 16, 16, 16, 8, 8, 22, PAIR)),
            *((4, 8, 32, 32, 16, 8, 4, 20, BOOTH), (1, 16, 32, 1000, 1, 12, 8, 28, DSP)),
            *((4, 3, 48, 16, 16, 8, 8, 22, DSP), (4, 2, 16, 32, 49, 12, 8, 26, BOOTH)),
            *((2, 8, 32, 256, 49, 8, 8, 24, CHAIN), (4, 8, 16, 64, 16, 8, 8, 24, CHAIN)),
            *((2, 16, 16, 64, 16, 8, 8, 24, PAIR), (1, 2, 128, 256, 16, 16, 6, 28, DSP)),
            IN_SIGNED=1, INIT_STYLE=LUT,
        ),
    ]  # fmt: skip


def _int_arrays() -> list[Point]:
    result = []
    for pe, simd, folds, tiles, bits, style in (
        (16, 3, 9, 4, 8, LUT), (64, 3, 9, 1, 8, LUT), (16, 27, 1, 4, 8, LUT),
        (4, 27, 1, 16, 8, LUT), (32, 9, 1, 1, 8, LUT), (2, 27, 1, 32, 8, LUT),
        (8, 9, 3, 8, 8, LUT), (32, 9, 3, 2, 8, LUT), (16, 1, 9, 2, 8, LUT), (8, 9, 3, 8, 4, LUT),
        (8, 3, 9, 8, 8, BLOCK), (16, 9, 1, 2, 8, LUT),
    ):  # fmt: skip
        other = {"ACC_BITS": 6 + bits, "IN_BITS": bits, "IN_SIGNED": 0, "WEIGHTS_STYLE": style}
        other |= {"ACC_SHIFT": 0, "BINARY_OUT": 1}
        result.append(("bnn_int_pe_array", _array(pe, simd, folds, tiles, **other)))
    return result


def _pe_arrays() -> list[Point]:
    kind, sign, score = (
        "bnn_pe_array", {"ACC_SHIFT": 0, "BINARY_OUT": 1}, {"ACC_SHIFT": 1, "BINARY_OUT": 0},
    )  # fmt: skip
    block = (
        (1, 8), (1, 32), (4, 4), (4, 16), (8, 32), (8, 64), (16, 64), (4, 128), (8, 36), (4, 144),
        (2, 288), (1, 576),
    )  # fmt: skip
    lut = (
        (8, 64, 9, 4), (16, 32, 18, 2), (8, 36, 16, 8), (4, 72, 8, 32), (16, 27, 1, 4),
        (8, 64, 1, 1), (4, 64, 36, 16),
        (8, 192, 3, 1),
    )  # fmt: skip
    real = {"ACC_SHIFT": 0, "BINARY_OUT": 0, "ACC_BITS": 12}
    return [
        *((kind, _array(*size, 9, 8, **sign)) for size in block),
        *((kind, _array(*size, WEIGHTS_STYLE=LUT, **sign)) for size in lut),
        (kind, _array(8, 64, 9, 8, **sign, **BORDERS)),
        (kind, _array(4, 32, 18, 32, **sign, **BORDERS)),
        (kind, _array(16, 64, 9, 2, ACC_BITS=13, **sign, **BORDERS)),
        (kind, _array(1, 16, 32, 10, **score)),
        (kind, _array(10, 4, 128, 1, **score)),
        (kind, _array(5, 32, 16, 2, **score)),
        (kind, _array(2, 64, 36, 128, **real, **BORDERS)),
        (kind, _array(2, 144, 16, 128, **real, **BORDERS)),
        (kind, _array(4, 72, 16, 32, **real, **BORDERS)),
    ]
