"""A design that several tests of planning look at."""

from __future__ import annotations

import pytest

from bnnhw.hardware.board import load_board
from bnnhw.hardware.folding import FoldingRequest
from bnnhw.planning.fit import lower_fitting
from bnnhw.planning.network import Network
from bnnhw.planning.search import FoldingSearch
from bnnhw.planning.target import Target
from graphs import residual


@pytest.fixture(scope="session")
def residual_design():
    """Makes the design of a small residual network for a board, the PYNQ-Z2 unless told."""

    def made(board=None):
        search = FoldingSearch(
            Network(residual().graph()), board or load_board("pynq-z2"), FoldingRequest()
        )
        return lower_fitting(search, Target(2_400), 100.0)[0]

    return made
