"""Comparison of internal streams of a simulation with the interpreter's tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import BnnhwError
from bnnhw.hardware.design import Stream
from bnnhw.hardware.stages.stream_order import flattened_images, in_vector_order
from bnnhw.ir.types import Bit, Integer
from bnnhw.verify.verification import Verification

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bnnhw.backend.build import Build
    from bnnhw.ir.graph import Graph
    from bnnhw.ir.ops import Ints


@dataclass(frozen=True)
class Probe:
    """Where the result of a layer or other node streams.

    Attributes:
        name: the layer or node.
        stream: the stream.
        tensor: what it carries.
        passed: passes of a frame before this one, in a loop.
    """

    name: str
    stream: str
    tensor: str
    passed: int = 0


def probes_of(build: Build, layers: Sequence[str]) -> list[Probe]:
    """Where the results of ``layers`` stream, in stream order.

    Args:
        build: the build.
        layers: names of layers or other nodes as the report shows them; "all" for every one.

    Raises:
        BnnhwError: a layer has no stream of its own; names those that have.
    """
    found: list[Probe] = []
    for stream in build.report["streams"]:
        if stream.get("tensor") and stream["name"] != "input_out":
            first = (layer_name(stream["name"]), stream["tensor"])
            found += [
                Probe(name, stream["name"], tensor, passed)
                for passed, (name, tensor) in enumerate((first, *stream.get("later", ())))
            ]
    if "all" in layers:
        return found
    names = [probe.name for probe in found]
    for layer in layers:
        if layer not in names:
            raise BnnhwError(
                f"no stream carries the result of '{layer}'",
                where="option --probe",
                fix=f"choose all or one of {', '.join(names)}",
            )
    return [probe for probe in found if probe.name in layers]


def layer_name(stream: str) -> str:
    """The layer or other node whose result a stream carries."""
    return stream.removesuffix("_out")


def probed_values(build: Build, probe: Probe, beats: NDArray[np.uint8]) -> Ints:
    """The values [N, C, ...], whole frames, that the beats of a probe's stream carried."""
    stream = next(s for s in build.report["streams"] if s["name"] == probe.stream)
    return stream_values(beats, Stream(**stream), build.graph, probe.passed)


def compare_stream(layer: str, values: Ints, expected: Ints, origin: str) -> Verification:
    """Compares a stream's values with a tensor [N, C, ...]; names the first difference."""
    got = values[: len(expected)]
    wrong = got != expected[: len(got)]
    frames = int(wrong.reshape(len(got), -1).any(axis=1).sum())
    note = origin
    if frames:
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        note = (
            f"{origin}; first difference in frame {at[0]} at (channel, row, column) {at[1:]}: "
            f"{int(got[at])}, not {int(expected[at])}"
        )
    what = f"verilog stream of '{layer}'"
    return Verification(what, "interpreter", len(got), frames, note, probe=layer)


def stream_values(beats: NDArray[np.uint8], stream: Stream, graph: Graph, passed: int = 0) -> Ints:
    """The tensor's values [N, *shape], whole frames, of the beats [beats, bits] that carry it.

    In a loop, those that it has after ``passed`` passes.
    """
    tensor = graph.tensors[stream.tensor]
    bits, lanes = stream.elem_bits, stream.lanes
    fields = beats[:, : bits * lanes].reshape(-1, bits).astype(np.int64)
    values = fields @ (1 << np.arange(bits, dtype=np.int64))
    if isinstance(tensor.dtype, Bit):
        values = np.where(values == 1, 1, tensor.dtype.low)
    elif isinstance(tensor.dtype, Integer) and (tensor.dtype.signed or bits > tensor.dtype.bits):
        values -= (values >> (bits - 1)) << bits
    size = int(np.prod(tensor.shape))
    frames = values[: len(values) // size * size]
    passes = 1 + len(stream.later)
    frames = frames.reshape(-1, size)[passed::passes].reshape(-1)
    if stream.tiles:
        channels, height, width = tensor.shape
        by_tile = frames.reshape(-1, channels // lanes, height * width, lanes)
        return by_tile.transpose(0, 1, 3, 2).reshape(-1, channels, height, width)
    if len(tensor.shape) == 3:
        channels, height, width = tensor.shape
        return frames.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)
    image = flattened_images(graph).get(stream.tensor)
    return in_vector_order(frames.reshape(-1, *tensor.shape), image)
