"""Of each kind of operation, 200 random graphs are read as onnxruntime computes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bnnhw.errors import BnnhwError
from random_operations import KINDS, Small
from real_agreement import real_agrees

if TYPE_CHECKING:
    from pathlib import Path

COUNT, PARTS = 200, 8
CONSTANT = 0.1
"""Share of the graphs whose scores may be the same whatever the input."""


@pytest.mark.parametrize(
    "part", [pytest.param(part, marks=[pytest.mark.slow] * (part > 2)) for part in range(PARTS)]
)
@pytest.mark.parametrize("kind", KINDS)
def test_random_graphs_are_read_exactly(tmp_path: Path, kind: str, part: int) -> None:
    wrong, constant = {}, 0
    for seed in range(part, COUNT, PARTS):
        path = KINDS[kind](Small(seed)).save(tmp_path / f"{seed}.onnx")
        try:
            real_agrees(path, count=5)
        except (AssertionError, BnnhwError) as error:
            if "the model says nothing" in str(error):  # what it says agrees, as all do
                constant += 1
            else:
                wrong[seed] = error
    assert not wrong
    assert constant <= CONSTANT * COUNT / PARTS
