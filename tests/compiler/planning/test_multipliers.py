"""Element-wise units take DSP blocks as long as the board has some."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from bnnhw.hardware.board import load_board
from bnnhw.hardware.cost.designs import design_resources
from bnnhw.hardware.cost.model import budget, total
from bnnhw.hardware.units import KINDS
from bnnhw.planning.multipliers import spare_dsp_blocks

PYNQ = load_board("pynq-z2")


@pytest.fixture(scope="module")
def design(residual_design):
    return residual_design()


def styles(design):
    return {
        unit.name: unit.params["MULTIPLY_STYLE"]
        for unit in design.units
        if KINDS[unit.kind].multiplies and unit.params["MULTIPLIER_BITS"]
    }


def test_with_enough_blocks_the_design_stays(design):
    assert spare_dsp_blocks(design, budget(PYNQ)) is design


def test_each_missing_block_moves_the_cheapest_unit_to_luts(design):
    before, every = total(design_resources(design)), styles(design)
    spared = []
    for dsp in range(int(before.dsp), -1, -1):
        limited = spare_dsp_blocks(design, replace(budget(PYNQ), dsp=float(dsp)))
        need = total(design_resources(limited))
        moved = {name for name, style in styles(limited).items() if style != every[name]}
        spared.append(moved)
        assert need.dsp <= dsp or moved == {n for n, style in every.items() if style == 2}
        assert need.lut >= before.lut
        for unit, other in zip(design.units, limited.units, strict=True):
            # Additions alone take no block, and stay as they are.
            assert unit.params == other.params or unit.name in every
    assert spared[0] == set() and all(np.diff([len(moved) for moved in spared]) >= 0)
    assert all(less <= more for less, more in pairwise(spared))
    assert len(spared[-1]) > 1


def test_a_board_without_blocks_gets_a_design_that_takes_none(residual_design):
    made = residual_design(replace(PYNQ, dsp=0))
    assert total(design_resources(made)).dsp == 0
