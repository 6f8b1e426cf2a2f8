"""Frames with the scores that are due for them, for simulators that bnnhw does not drive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

VECTORS = "vectors.npz"

if TYPE_CHECKING:
    from bnnhw.hardware.design import Design


@dataclass(frozen=True)
class Vectors:
    """What goes over the streams.

    Attributes:
        frames: how many.
        stimulus: bytes of all frames, as ``InputPort.pack`` gives them.
        scores: bytes of all scores, as ``OutputPort.pack`` gives them.
        cycles: more than they can take; a design that takes longer has stopped.
    """

    frames: int
    stimulus: bytes
    scores: bytes
    cycles: int


def vector_files(design: Design, vectors: Vectors) -> dict[str, str]:
    """The vectors as ``$readmemh`` reads them, a beat per line, by name."""
    source, sink = design.input_port, design.output_port
    files = {
        "frames.mem": _beats(vectors.stimulus, source.beat_bytes),
        "scores.mem": _beats(vectors.scores, sink.beat_bytes),
    }
    assert files["frames.mem"].count("\n") == vectors.frames * source.beats
    assert files["scores.mem"].count("\n") == vectors.frames * sink.beats
    return files


def _beats(data: bytes, width: int) -> str:
    beats = (data[at : at + width][::-1].hex() for at in range(0, len(data), width))
    return "".join(f"{beat}\n" for beat in beats)
