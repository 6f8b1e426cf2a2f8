"""Runs many instances of the HLS twins in one program, under g++."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bnnhw.assets import asset_folder
from bnnhw.backend.hls import STAND_IN
from bnnhw.hardware.units import KINDS
from bnnhw.verify.hls_run import ap_types_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bnnhw.hardware.units.kind import Twin

HERE = Path(__file__).parent

TWINS = {name for name, kind in KINDS.items() if kind.twin}
#: Parameters that only a twin has: one call is one frame, so it must know how long a frame is.
STREAM_PARAMETERS = {"BEATS", "OUT_BITS"}


def twin_of(kind: str) -> Twin:
    """The HLS function of a unit."""
    twin = KINDS[kind].twin
    assert twin is not None
    return twin


@dataclass(frozen=True, eq=False)
class Case:
    """One instance of a twin with its frames.

    Attributes:
        name: what the test calls it.
        kind: the unit.
        params: its template parameters.
        in_bits: bits of an input beat; of each input where they differ.
        out_bits: bits of an output beat.
        beats: input beats of all frames; (data, last) pairs where ``axis_in``. Where a twin has
            several inputs: of the first, then of the next, equally many where ``shares`` does not
            say otherwise. The words of a memory that it reads.
        expected: output beats of all frames; (data, last) pairs where ``axis_out``. Where a twin
            has several outputs: of the first, then equally many of the next.
        frames: number of frames, so of calls.
        memories: by argument order, the fields [depth][fields] (or [depth]) and their bits.
        axis_in: whether the input is the AXI4-Stream of the design.
        axis_out: whether the output is the AXI4-Stream of the design.
        errors: expected error flag of each frame, for units that have one.
        shares: beats of each input, in proportion.
        out_shares: beats of each output, in proportion.
    """

    name: str
    kind: str
    params: Mapping[str, int]
    in_bits: int | tuple[int, ...]
    out_bits: int
    beats: Sequence[int] | Sequence[tuple[int, int]]
    expected: Sequence[int] | Sequence[tuple[int, int]]
    frames: int = 1
    memories: Sequence[tuple[Sequence[int] | Sequence[Sequence[int]], int]] = ()
    axis_in: bool = False
    axis_out: bool = False
    errors: tuple[int, ...] = field(default=())
    shares: tuple[int, ...] = ()
    out_shares: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.name

    @property
    def input_bits(self) -> tuple[int, ...]:
        """Bits of a beat of each input."""
        if isinstance(self.in_bits, tuple):
            return self.in_bits
        return (self.in_bits,) * len(twin_of(self.kind).inputs)

    @property
    def counts(self) -> list[int]:
        """Beats of each input, of all frames."""
        shares = self.shares or (1,) * len(self.input_bits)
        return [len(self.beats) * share // sum(shares) for share in shares]


@dataclass(frozen=True)
class Outcome:
    """What an instance did: beats left unread, beats written, error flag of each frame."""

    unread: int
    beats: list[int] | list[tuple[int, int]]
    errors: tuple[int, ...] = ()


def in_one_call(case: Case) -> Case:
    """The case with all its frames in a single call, as where each is a tile of channels."""
    params = dict(case.params) | {"BEATS": case.params["BEATS"] * case.frames}
    return replace(case, name=f"{case.name}_in_one_call", params=params, frames=1)


def with_words(case: Case, kind: str) -> Case:
    """The case with its memory's words from a stream, one for the HOLD beats of each tile."""
    ((words, bits),) = case.memories
    params, hold = dict(case.params), case.params["HOLD"]
    width = -(-params["LANES"] * bits // 64) * 64
    folds = params.pop("FOLDS")
    frame = params["BEATS"] // hold
    image = [sum(int(f) << (bits * i) for i, f in enumerate(word)) for word in words]
    beats = [*case.beats, *(image * (frame // folds) * case.frames)]
    assert isinstance(case.in_bits, int)
    return replace(
        case, name=f"{case.name}_from_memory", kind=kind, memories=(), beats=beats,
        params=params | {"WORD_BITS": width, "BEATS": frame}, in_bits=(case.in_bits, width),
        shares=(hold, 1),
    )  # fmt: skip


def run_cases(cases: Sequence[Case], folder: Path, *defines: str) -> dict[str, Outcome]:
    """Compiles one program with an instance a case, runs it, and returns outcomes by name."""
    source, program = folder / "cases.cpp", folder / "cases"
    source.write_text(_program(cases))
    command = ["g++", "-std=c++14", "-O0", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas"]
    command += ["-Wno-maybe-uninitialized"]  # ap_types: a default value masks itself
    command += [f"-D{define}" for define in defines]
    command += ["-I", str(asset_folder("hls")), "-I", str(HERE)]
    # The headers of ap_types are not warning-free.
    command += ["-isystem", str(asset_folder("hls") / STAND_IN)]
    command += ["-isystem", str(ap_types_folder()), "-o", str(program), str(source)]
    subprocess.run(command, check=True)
    (folder / "in.bin").write_bytes(b"".join(map(_stimulus, cases)))
    done = subprocess.run(
        [program, folder / "in.bin", folder / "out.bin"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "", done.stdout  # warnings of hls::stream: read while empty
    return _outcomes(cases, (folder / "out.bin").read_bytes())


def _program(cases: Sequence[Case]) -> str:
    kinds = sorted({case.kind for case in cases})
    lines = ['#include "harness.h"', *(f'#include "{kind}.h"' for kind in kinds), ""]
    for number, case in enumerate(cases):
        lines += [f"static void case_{number}(std::FILE* in, std::FILE* out) {{"]
        twin = twin_of(case.kind)
        arguments = [*twin.inputs, *twin.outputs]
        for index, (words, bits) in enumerate(case.memories):
            shape = f"[{len(words)}]"
            if not isinstance(words[0], int):
                shape += f"[{len(words[0])}]"
            lines += [f"  static ap_uint<{bits}> memory_{index}{shape};"]
            lines += [f"  harness::load(in, memory_{index});"]
            arguments.append(f"memory_{index}")
        sink = f"{'bnnhw::AxisBeat' if case.axis_out else 'ap_uint'}<{case.out_bits}>"
        for name, bits, beats in zip(twin.inputs, case.input_bits, case.counts, strict=True):
            source = f"{'bnnhw::AxisBeat' if case.axis_in else 'ap_uint'}<{bits}>"
            if name in _streams(twin):
                lines += [f'  hls::stream<{source}> {name}("{name}");']
                lines += [f"  harness::fill(in, {name}, {beats});"]
            else:
                lines += [f"  static {source} {name}[{beats}];", f"  harness::load(in, {name});"]
        lines += [f'  hls::stream<{sink}> {name}("{name}");' for name in twin.outputs]
        if twin.error:
            lines += ["  ap_uint<2> error;"]
            arguments.append("error")
        values = ", ".join(str(case.params[name]) for name in twin.parameters)
        lines += [f"  for (int frame = 0; frame < {case.frames}; ++frame) {{"]
        lines += [f"    bnnhw::{case.kind}<{values}>({', '.join(arguments)});"]
        lines += ["    harness::put(out, error);"] if twin.error else []
        lines += ["  }"]
        lines += [f"  harness::report_unread(out, {name});" for name in _streams(twin)]
        lines += [f"  harness::report_beats(out, {name});" for name in twin.outputs]
        lines += ["}", ""]
    lines += ["int main(int, char** argv) {"]
    lines += ['  std::FILE* in = std::fopen(argv[1], "rb");']
    lines += ['  std::FILE* out = std::fopen(argv[2], "wb");']
    lines += [f"  case_{number}(in, out);" for number in range(len(cases))]
    lines += ["  return std::fclose(in) | std::fclose(out);", "}", ""]
    return "\n".join(lines)


def _streams(twin: Twin) -> list[str]:
    """The inputs that are streams; the others are memories."""
    return [name for name in twin.inputs if name.endswith("_axis")]


def _word(value: int, bits: int) -> bytes:
    return (value & ((1 << bits) - 1)).to_bytes((bits + 7) // 8, "little")


def _stimulus(case: Case) -> bytes:
    parts = []
    for words, bits in case.memories:
        for word in words:
            fields = [word] if isinstance(word, int) else word
            parts += [_word(int(value), bits) for value in fields]
    widths = [bits for bits, n in zip(case.input_bits, case.counts, strict=True) for _ in range(n)]
    for beat, bits in zip(case.beats, widths, strict=True):
        if isinstance(beat, tuple):
            parts += [_word(beat[0], bits), _word(beat[1], 1)]
        else:
            parts += [_word(int(beat), bits)]
    return b"".join(parts)


def _outcomes(cases: Sequence[Case], data: bytes) -> dict[str, Outcome]:
    outcomes = {}
    position = 0

    def take(size: int) -> int:
        nonlocal position
        position += size
        assert position <= len(data), "the program ended early"
        return int.from_bytes(data[position - size : position], "little")

    for case in cases:
        errors = tuple(take(1) for _ in range(case.frames if twin_of(case.kind).error else 0))
        unread = sum(take(4) for _ in _streams(twin_of(case.kind)))
        size = (case.out_bits + 7) // 8
        if case.axis_out:
            pairs = [(take(size), take(1)) for _ in range(take(4))]
            outcomes[case.name] = Outcome(unread, pairs, errors)
            continue
        counts, beats = [], []
        for _ in twin_of(case.kind).outputs:
            counts.append(take(4))
            beats += [take(size) for _ in range(counts[-1])]
        shares = case.out_shares or (1,) * len(counts)
        per_share = {count / share for count, share in zip(counts, shares, strict=True)}
        assert len(per_share) == 1, f"{case.name}: outputs of {counts} beats"
        outcomes[case.name] = Outcome(unread, beats, errors)
    assert position == len(data)
    return outcomes


def check(case: Case, outcomes: Mapping[str, Outcome]) -> None:
    """Fails unless the instance took all its input and gave exactly the expected beats."""
    outcome = outcomes[case.name]
    assert outcome.unread == 0
    assert len(outcome.beats) == len(case.expected)
    wrong = [i for i, (a, b) in enumerate(zip(outcome.beats, case.expected, strict=True)) if a != b]
    assert not wrong, f"{len(wrong)} of {len(case.expected)} beats differ, first {wrong[0]}"
    assert outcome.errors == case.errors
