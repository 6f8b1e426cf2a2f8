"""Windows in the padding: some may be, and a layer that has no others is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bnnhw.errors import ModelError
from bnnhw.frontend import LoadOptions, load
from bnnhw.ir.ops import Conv
from sketch import Sketch

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.ir.graph import Graph


def loaded(
    folder: Path,
    size: tuple[int, int],
    kernel: tuple[int, int],
    pads: list[int],
    strides: list[int],
    *,
    apart: bool = False,
) -> Graph:
    """A model of one convolution, its padding in a node of its own where ``apart``."""
    sketch = Sketch(["N", 8, *size], np.float32)
    if apart:
        sketch.op("Pad", sketch.constant(np.array([0, 0, *pads[:2], 0, 0, *pads[2:]], np.int64)))
        pads = [0] * 4
    sketch.conv(8, 4, weight=sketch.signs(4, 8, *kernel), pads=pads, strides=strides)
    path = sketch.sign().flatten().save(folder / "m.onnx")
    return load(path, LoadOptions(input_type="bipolar"))


ALONE = [
    ((1, 4), (1, 1), [1, 0, 0, 0], [2, 1]),
    ((4, 1), (1, 1), [0, 1, 0, 0], [1, 2]),
    ((2, 5), (2, 3), [2, 1, 2, 1], [4, 1]),
    ((5, 5), (3, 3), [0, 3, 0, 0], [1, 6]),
]


@pytest.mark.parametrize(
    ("size", "kernel", "pads", "strides", "apart"),
    [*((*one, False) for one in ALONE), *((*one, True) for one in ALONE[2:])],
)
def test_windows_in_the_padding_alone_are_refused(
    tmp_path: Path, size, kernel, pads, strides, apart: bool
) -> None:
    with pytest.raises(ModelError, match="all of its windows lie in the padding") as caught:
        loaded(tmp_path, size, kernel, pads, strides, apart=apart)
    assert "(Conv)" in str(caught.value.where)


SOME = [
    ((1, 4), (1, 1), [1, 0, 0, 0], [1, 1]),
    ((2, 5), (2, 3), [2, 1, 2, 1], [3, 1]),
    ((5, 5), (3, 3), [0, 3, 0, 3], [1, 6]),
    ((5, 5), (3, 3), [3, 3, 3, 3], [3, 3]),
]


@pytest.mark.parametrize(("size", "kernel", "pads", "strides"), SOME)
def test_some_windows_in_the_padding_are_none_the_worse(
    tmp_path: Path, size, kernel, pads, strides
) -> None:
    graph = loaded(tmp_path, size, kernel, pads, strides)
    assert any(isinstance(node.op, Conv) for node in graph.nodes)
