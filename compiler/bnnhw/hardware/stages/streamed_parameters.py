"""Element-wise units of a loop whose parameters come from memory, a word for each tile.

The memory of such a unit on the chip holds the parameters of all passes, and a tile uses one word
of it for all pixels.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.hardware.cost.memory import rom_luts
from bnnhw.hardware.stages.layer_facts import BUS_BITS
from bnnhw.hardware.units.elements import (
    AFFINE,
    STREAM_AFFINE,
    STREAM_THRESHOLD,
    THRESHOLD,
    affine_word,
    threshold_word,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.hardware.design import Memory
    from bnnhw.hardware.stages.stage import UnitParams

# The LUTs of a reader and of what makes its words: memories that take fewer stay on the chip.
_READER_LUTS = 400


def streamed_parameters(kind: str, params: Mapping[str, int]) -> UnitParams | None:
    """The unit that reads its parameters from a stream instead; None where that does not pay.

    Its words are whole bus words, WORD_BITS wide, as many as FOLDS of the unit that is given.
    """
    if kind == AFFINE.name:
        streamed, word = STREAM_AFFINE.name, affine_word(params)
    elif kind == THRESHOLD.name:
        streamed, word = STREAM_THRESHOLD.name, threshold_word(params)
    else:
        return None
    if rom_luts(word, params["FOLDS"]) < _READER_LUTS:
        return None
    kept = {name: value for name, value in params.items() if name not in ("FOLDS", "STYLE")}
    return streamed, kept | {"WORD_BITS": -(-word // BUS_BITS) * BUS_BITS}


def in_bus_words(memory: Memory, width: int) -> Memory:
    """The image with words of ``width`` bits, filled up with zeros."""
    return replace(memory, bits=np.pad(memory.bits, ((0, 0), (0, width - memory.width))))
