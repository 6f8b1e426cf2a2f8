"""HLS back end: the top function, memory images, testbench, and the twins that it calls."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.assets import asset_folder
from bnnhw.backend.loops import Loop, loops_of, within
from bnnhw.backend.manifest import MEMORY_FILE
from bnnhw.backend.memory_port import region_of, regions
from bnnhw.backend.render import render
from bnnhw.errors import BnnhwError
from bnnhw.hardware.folding import WIDEST_WORD
from bnnhw.hardware.overlay import VENDOR
from bnnhw.hardware.units import KINDS
from bnnhw.hardware.units.kind import ULTRA
from bnnhw.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bnnhw.hardware.design import Design, Memory, Stream, Unit
    from bnnhw.hardware.units.kind import MemoryArgument, Twin

LOOP_HEADER = "bnn_loop.h"
STAND_IN = "stand_in"  # the folder of headers that the public ap_types lack
_SHORT_WORD = 64  # bits that an integer literal holds
_SHORT_ADDRESS = 32  # bits
_STYLES = {1: "lutram", 2: "bram"}
_COLUMNS = 100


def emit_hls(design: Design) -> dict[str, str]:
    """Files of the HLS build, by path below the build folder.

    ``hls/`` holds the top function ``<name>_top``, the twins it calls, a header a memory image, a
    testbench for g++ and for C simulation in Vitis, a Makefile, and ``run_hls.tcl`` for Vitis HLS.

    Args:
        design: the accelerator.

    Raises:
        BnnhwError: a word is wider than Vitis HLS takes.
    """
    _check_widths(design)
    top = design.top
    source, sink = design.input_port, design.output_port
    values: dict[str, object] = {
        "top": top,
        "network": design.name,
        "version": __version__,
        "input_bits": 8 * source.beat_bytes,
        "output_bits": 8 * sink.beat_bytes,
        "input_bytes": source.beat_bytes,
        "output_bytes": sink.beat_bytes,
        "input_beats": source.beats,
        "output_beats": sink.beats,
        "part": tcl_word(design.board.part),
        "period_ns": f"{1000 / design.clock_mhz:.3f}",
        "regions": [
            _region(design, unit) for unit in design.units if KINDS[unit.kind].reads_memory
        ],
        "weights_file": MEMORY_FILE,
        "vendor": VENDOR,
        "wide_addresses": "true" if _address_bits(design) > _SHORT_ADDRESS else "false",
    }
    loops, hidden = [_loop(design, loop) for loop in loops_of(design)], within(design)
    headers = sorted({f"{unit.kind}.h" for unit in _called(design)} | {LOOP_HEADER for _ in loops})
    arguments = list(_arguments(design))
    code = render(
        "hls_top.cpp.j2",
        **values,
        headers=headers,
        memories=[memory.name for _, _, memory in arguments],
        streams=[_stream(s) for s in design.streams.values() if s.name not in hidden],
        pragmas=[line for item in arguments for line in _pragmas(*item) if not item[0].loop],
        loops=loops,
        calls=_calls(design, loops),
    )
    files = {
        f"hls/{top}.h": render("hls_top.h.j2", **values, guard=f"{top.upper()}_H_"),
        f"hls/{top}.cpp": code,
        "hls/testbench.cpp": render("hls_testbench.cpp.j2", **values),
        "hls/Makefile": render("hls_makefile.j2", **values),
        "hls/run_hls.tcl": render("hls_run.tcl.j2", **values),
    }
    for unit, argument, memory in arguments:
        files[f"hls/weights/{memory.name}.h"] = _memory_header(
            memory, _fields(unit, argument), _is_array(argument), unit.passes
        )
    files |= {
        f"hls/{path.name}": path.read_text() for path in sorted(asset_folder("hls").glob("bnn_*.h"))
    }
    # In a folder of its own, which only g++ is told of: Vitis must find the genuine header.
    stand_in = f"{STAND_IN}/ap_axi_sdata.h"
    files[f"hls/{stand_in}"] = (asset_folder("hls") / stand_in).read_text()
    return files


def hls_readers(design: Design) -> list[str]:
    """The buses of the core that Vitis HLS makes by which it reads weights, one a region."""
    return [f"m_axi_{_bundle(index)}" for index, _ in enumerate(regions(design))]


def _bundle(index: int) -> str:
    return f"gmem{index}"


def tcl_word(text: str) -> str:
    """One word of Tcl whose value is the text, whatever it holds."""
    special = {"\n": "\\n", "\r": "\\r", "\t": "\\t"} | {c: f"\\{c}" for c in '\\"$[]{}'}
    return '"' + "".join(special.get(c, c) for c in text) + '"'


def _called(design: Design) -> list[Unit]:
    """The units that become calls; a FIFO is the depth of its stream."""
    unknown = [unit for unit in design.units if KINDS[unit.kind].twin is None]
    if unknown:
        raise BnnhwError(
            f"unit {unknown[0].kind} has no HLS twin",
            where=unknown[0].layer,
            fix="compile with --backend verilog only",
        )
    return list(design.units)


def _twin(unit: Unit) -> Twin:
    twin = KINDS[unit.kind].twin
    assert twin is not None, unit
    return twin


def _is_reader(unit: Unit) -> bool:
    return KINDS[unit.kind].reads_memory


def _address_bits(design: Design) -> int:
    return design.memory_port.address_bits if design.memory_port else 0


def _region(design: Design, unit: Unit) -> dict[str, object]:
    """The pointer to the words of a reader: an m_axi port of the top function."""
    region = region_of(design, unit)
    bits, words = unit.params["DATA_BITS"], unit.params["WORDS"]
    assert 8 * region.bytes == bits * words, region
    return {
        "name": region.memory,
        "bits": bits,
        "words": words,
        "offset": region.offset,
        "bundle": _bundle(regions(design).index(region)),
        "burst": unit.params["BURST"],
        "outstanding": unit.params["OUTSTANDING"],
    }


def _arguments(design: Design) -> Iterator[tuple[Unit, MemoryArgument, Memory]]:
    """All array arguments of all calls with their images."""
    for unit in _called(design):
        for argument in _twin(unit).memories:
            yield unit, argument, design.memories[unit.memories[argument.parameter]]


def _fields(unit: Unit, argument: MemoryArgument) -> int:
    return unit.params[argument.fields] if argument.fields else 1


def _is_array(argument: MemoryArgument) -> bool:
    return argument.fields is not None


def _check_widths(design: Design) -> None:
    for stream in design.streams.values():
        if stream.width + stream.user > WIDEST_WORD:
            raise BnnhwError(
                f"a beat of {stream.width + stream.user} bits is wider than the {WIDEST_WORD} "
                "bits that Vitis HLS takes",
                where=f"stream '{stream.name}'",
                fix="choose a smaller PE or SIMD for the layers at its ends",
            )
    for unit, argument, memory in _arguments(design):
        if memory.width // _fields(unit, argument) > WIDEST_WORD:
            raise BnnhwError(
                f"a memory word of {memory.width} bits is wider than the {WIDEST_WORD} bits that "
                "Vitis HLS takes",
                where=f"memory '{memory.name}'",
                fix="choose a smaller SIMD or fewer lanes",
            )


def _stream(stream: Stream) -> dict[str, object]:
    return {
        "name": stream.name,
        "bits": stream.width + stream.user,
        "depth": max(stream.depth, 2),
        "ultra": stream.depth > 0 and stream.shape.ram_style == ULTRA,
        "about": f"{stream.lanes} x {stream.elem_bits} bit, {stream.beats} beats per frame",
    }


def _pragmas(unit: Unit, argument: MemoryArgument, memory: Memory) -> list[str]:
    """Where an image is kept: all fields of a word are read at once."""
    lines = []
    if _is_array(argument):
        # A word that is too wide for one memory becomes a memory a field.
        how = "ARRAY_RESHAPE" if memory.width <= WIDEST_WORD else "ARRAY_PARTITION"
        dim = 2 if unit.passes == 1 else 3
        lines.append(f"{how} variable={memory.name} type=complete dim={dim}")
    style = _STYLES.get(unit.params.get(argument.style or "", 0))
    if style and memory.depth > 1:  # a single word is a constant
        lines.append(f"BIND_STORAGE variable={memory.name} type=rom_1p impl={style}")
    return lines


def _call(design: Design, unit: Unit) -> dict[str, object]:
    twin = _twin(unit)
    derived = {}
    for name in unit.sources:
        derived["BEATS"] = design.streams[name].beats // unit.passes
    for name in unit.sinks:
        derived["OUT_BITS"] = design.streams[name].width + design.streams[name].user
    counts = KINDS[unit.kind].counts
    own = {n: v // unit.passes if n in counts else v for n, v in unit.params.items()}
    # A parameter of the unit itself wins: bnn_table's OUT_BITS is that of an element.
    values = derived | own
    parameters = ", ".join(f"/*{name}=*/{values[name]}" for name in twin.parameters)
    sources = unit.sources or ("s_axis",)
    if _is_reader(unit):
        sources = (region_of(design, unit).memory,)
    streams = [*sources, *(unit.sinks or ("m_axis",))]
    memories = [unit.memories[argument.parameter] for argument in twin.memories]
    if unit.passes > 1:
        memories = [f"{memory}[pass]" for memory in memories]
    error = ["error"] if twin.error else []
    return {
        "name": unit.name,
        "kind": unit.kind,
        "loop": False,
        "parameters": textwrap.wrap(parameters, _COLUMNS - 8, break_on_hyphens=False),
        "arguments": ", ".join(streams + memories + error),
    }


def _calls(design: Design, loops: list[dict[str, object]]) -> list[dict[str, object]]:
    """The calls of the top function in stream order; a loop is one call."""
    by_name = {loop["name"]: loop for loop in loops}
    made: list[dict[str, object]] = []
    for unit in _called(design):
        if not unit.loop:
            made.append(_call(design, unit))
        elif unit.loop in by_name:
            loop = by_name.pop(unit.loop)
            made.append({"name": unit.loop, "loop": True, "arguments": loop["arguments"]})
    return made


def _loop(design: Design, loop: Loop) -> dict[str, object]:
    """The functions of a loop: one that calls its units for a pass, one for all passes."""
    start, end = loop.start, loop.end
    arguments = [item for item in _arguments(design) if item[0] in loop.body]
    readers = [_region(design, unit) for unit in loop.body if _is_reader(unit)]
    entry, back, around = (design.streams[n] for n in (*start.sources, *start.sinks))
    returns, out = design.streams[end.sources[0]], design.streams[end.sinks[1]]
    inner = [design.streams[n] for unit in loop.body for n in unit.sinks if n != returns.name]
    frame = entry.beats
    assert frame == out.beats
    for region in readers:
        assert isinstance(region["words"], int)
        region["words"] //= loop.passes
    names = [entry.name, out.name, *(str(region["name"]) for region in readers)]
    return {
        "name": loop.name,
        "passes": loop.passes,
        "bits": entry.width,
        "frame": frame,
        "around": around.name,
        "returns": returns.name,
        "back": back.name,
        "streams": [_stream(stream) for stream in inner],
        "pragmas": [line for item in arguments for line in _pragmas(*item)],
        "regions": readers,
        "calls": [_call(design, unit) for unit in loop.body],
        "arguments": ", ".join(names),
    }


def _memory_header(memory: Memory, fields: int, array: bool, passes: int = 1) -> str:
    """An image as a constant array [depth][fields], or [depth] where it is no ``array``.

    In a loop there is one for each pass: [passes][depth][fields].
    """
    bits, depth = memory.width // fields, memory.depth // passes
    rows = _literals(memory, fields)
    lines: list[str] = []
    for index, row in enumerate(rows):
        text = ", ".join(row)
        text = f"{{{text}}}," if array else f"{text},"
        if passes > 1:
            first, last = index % depth == 0, index % depth == depth - 1
            text = f"{'{' if first else ''}{text}{'},' if last else ''}"
        # A literal is never cut, however long.
        lines += textwrap.wrap(text, _COLUMNS - 4, break_long_words=False, break_on_hyphens=False)
    shape, rom = f"[{depth}]", f"Rom<ap_uint<{bits}>, {depth}>"
    if array:
        shape, rom = f"{shape}[{fields}]", f"FieldRom<ap_uint<{bits}>, {depth}, {fields}>"
    if passes > 1:
        assert array, memory.name
        shape = f"[{passes}]{shape}"
        rom = f"PassRom<ap_uint<{bits}>, {passes}, {depth}, {fields}>"
    return render(
        "hls_memory.h.j2",
        guard=f"BNN_MEMORY_{memory.name}_H_",
        name=memory.name,
        bits=bits,
        depth=memory.depth,
        fields=fields,
        shape=shape,
        literal="unsigned long long" if bits <= _SHORT_WORD else "char* const",
        rom=rom,
        lines=lines,
    )


def _literals(memory: Memory, fields: int) -> list[list[str]]:
    """The C++ literals [depth][fields] of an image."""
    bits = memory.width // fields
    split = memory.bits.reshape(memory.depth, fields, bits)
    packed = np.packbits(split, axis=2, bitorder="little")[:, :, ::-1]
    size = packed.shape[2]
    digits = -(-bits // 4)
    form = "0x{}ULL" if bits <= _SHORT_WORD else f'BNNHW_WORD({bits}, "0x{{}}")'
    rows = []
    for word in packed:
        text = word.tobytes().hex()
        cuts = (text[2 * size * i : 2 * size * (i + 1)][-digits:] for i in range(fields))
        rows.append([form.format(cut) for cut in cuts])
    return rows
