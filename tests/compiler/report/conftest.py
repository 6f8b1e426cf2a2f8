"""Reports of small designs."""

from __future__ import annotations

import pytest
from report_designs import make

import graphs
from bnnhw.passes import run
from bnnhw.planning.token_model import Prediction
from residual import bireal


@pytest.fixture(scope="module")
def fresh():
    """The report of a fresh build: nothing simulated, nothing synthesised."""
    return make(graphs.digits().graph(), 1024, Prediction(1030, 1500))


@pytest.fixture(scope="module")
def looped():
    """The report of a network whose four residual blocks are one loop of four passes."""
    builder = graphs.residual_blocks(4, width=8)
    return make(builder.graph(), 8_192, Prediction(9, 9), looped=True)


@pytest.fixture(scope="module")
def branched():
    """The report of a residual network, each of its shortcuts with a FIFO."""
    report = make(run(bireal(stem="cifar", width=8, image=12).graph()), 16384, Prediction(9, 9))
    readers = [unit["sources"] for unit in report["units"] if unit["kind"] == "bnn_add"]
    for stream in report["streams"]:
        if any(stream["name"] in names for names in readers):
            stream["depth"] = 1234
    return report
