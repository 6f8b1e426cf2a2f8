"""Runs of equal blocks in a network, each of which can be one block that a frame passes often.

A block is a run of stages that reads one tensor and gives one. Two blocks are equal where one set
of units can stand for both: the same kinds of stages, wired alike, on images and types of the same
size. Names play no part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bnnhw.errors import FoldingError, did_you_mean
from bnnhw.hardware.folding import spelled
from bnnhw.hardware.stages import Layer
from bnnhw.hardware.stages.loops import LoopEnd, LoopStart, loop_key, rolled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.hardware.folding import FoldingRequest
    from bnnhw.hardware.stages import Stage

# Stages of a block at most: two layers with all that stands around them.
_LONGEST_BLOCK = 16


@dataclass(frozen=True)
class Loop:
    """A run of equal blocks.

    Attributes:
        first: index of its first stage.
        length: stages of a block.
        passes: number of blocks.
        name: of the first layer of weights.
    """

    first: int
    length: int
    passes: int
    name: str

    @property
    def end(self) -> int:
        """Index of the first stage behind it."""
        return self.first + self.length * self.passes

    def blocks(self, stages: Sequence[Stage]) -> list[Sequence[Stage]]:
        """Its blocks among the network's stages, in the order of passes."""
        starts = range(self.first, self.end, self.length)
        return [stages[at : at + self.length] for at in starts]


def find_loops(stages: Sequence[Stage], *, widths: bool = True) -> list[Loop]:
    """The runs of two and more equal blocks, the longest where they overlap, in stream order.

    Without ``widths``, streams of blocks that count as equal may have other widths.
    """
    keys = [loop_key(stage, widths=widths) for stage in stages]
    found: list[Loop] = []
    first = 0
    while first < len(stages):
        runs = [_run(stages, keys, first, length) for length in range(1, _LONGEST_BLOCK + 1)]
        longest = max(runs, key=lambda run: (run.passes > 1, run.end, -run.length))
        if longest.passes > 1:
            found.append(longest)
            first = longest.end
        else:
            first += 1
    return found


def chosen_loops(loops: Sequence[Loop], request: FoldingRequest) -> tuple[Loop, ...]:
    """The loops that a folding file names by their first layers.

    Raises:
        FoldingError: a name is not that of a loop's first layer.
    """
    known = {loop.name: loop for loop in loops}
    named = [spelled(name, known) for name in request.loops or ()]
    for name in named:
        if name not in known:
            raise FoldingError(
                f"no loop begins with layer '{name}'",
                where=request.source,
                fix=did_you_mean(
                    name,
                    list(known),
                    f"runs of equal blocks begin with {', '.join(known) or 'no layer'}",
                ),
            )
    return tuple(loop for loop in loops if loop.name in named)


def roll(stages: Sequence[Stage], loops: Sequence[Loop]) -> list[Stage]:
    """The stages with each loop's blocks as one, between one that starts it and one that ends it.

    Those are named after the loop's first layer.
    """
    made: list[Stage] = []
    done = 0
    for loop in loops:
        made += [*stages[done : loop.first], *_looped(stages, loop)]
        done = loop.end
    return [*made, *stages[done:]]


def _looped(stages: Sequence[Stage], loop: Loop) -> list[Stage]:
    blocks = loop.blocks(stages)
    entry, last = entry_of(blocks[0]), blocks[0][-1]
    around, back = f"{entry}:loop", f"{entry}:back"
    layer = next(stage for stage in reversed(blocks[0]) if isinstance(stage, Layer))
    name = f"{loop.name}_loop"  # no stage is called so beside that layer
    end = f"{name}_end"
    begin = next(stage for stage in blocks[0] if entry in stage.inputs)
    start = LoopStart(
        name=name, where=layer.where, inputs=(entry, back), output=around,
        image=begin.image, element=begin.element, count=loop.passes, end=end, layer=layer.name,
    )  # fmt: skip
    body = [
        replace(stage, inputs=tuple(around if name == entry else name for name in stage.inputs))
        for stage in (rolled(same) for same in zip(*blocks, strict=True))
    ]
    finish = LoopEnd(
        name=end, where=layer.where, inputs=(last.output,), output=blocks[-1][-1].output,
        image=begin.image, element=begin.element, count=loop.passes, back=back,
    )  # fmt: skip
    return [start, *body, finish]


def _run(stages: Sequence[Stage], keys: Sequence[object], first: int, length: int) -> Loop:
    """The equal blocks of ``length`` stages from ``first`` on; one pass where there are none."""
    key = _block_key(stages, keys, first, length)
    passes = 1
    while key is not None:
        at = first + passes * length
        if _block_key(stages, keys, at, length) != key:
            break
        entry = entry_of(stages[at : at + length])
        alone = all(entry not in stage.inputs for stage in stages[at + length :])
        if entry != stages[at - 1].output or not alone:
            break
        passes += 1
    block = stages[first : first + length]
    name = next((stage.name for stage in block if isinstance(stage, Layer)), "")
    return Loop(first, length, passes, name)


def _block_key(
    stages: Sequence[Stage], keys: Sequence[object], first: int, length: int
) -> object | None:
    """What equal blocks have in common; None where these stages are no block."""
    block = stages[first : first + length]
    if len(block) < length:
        return None
    own_keys = keys[first : first + length]
    if None in own_keys or not any(isinstance(stage, Layer) for stage in block):
        return None
    last = block[-1]
    if isinstance(last, Layer) and last.threshold is None:
        return None  # its sums may be wider than what enters
    own = [stage.output for stage in block]
    if own[-1] not in {name for stage in stages for name in stage.inputs}:
        return None  # the network's scores: they leave as they come
    outside = {name for stage in block for name in stage.inputs if name not in own}
    entry = next(iter(outside))
    read_later = {name for stage in stages[first + length :] for name in stage.inputs}
    inner = {*own[:-1], entry}
    if len(outside) != 1 or (inner - {entry}) & read_later:
        return None
    wires = [tuple(_source(name, own) for name in stage.inputs) for stage in block]
    return tuple(zip(own_keys, wires, strict=True))


def _source(name: str, own: list[str]) -> int:
    """The stage of a block that gives a tensor; -1 for the one that enters."""
    return own.index(name) if name in own else -1


def entry_of(block: Sequence[Stage]) -> str:
    """The tensor that a block reads from outside."""
    own = {stage.output for stage in block}
    return next(name for stage in block for name in stage.inputs if name not in own)
