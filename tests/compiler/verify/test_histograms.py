"""Histograms of sums beside thresholds count what the interpreter gives."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.interpret.interpreter import interpret_all
from bnnhw.ir.ops import Threshold
from bnnhw.passes import run
from bnnhw.verify.histograms import BINS, inputs_for_histograms, threshold_histograms
from bnnhw.verify.model import random_inputs
from graphs import cnv, digits
from residual import bireal


@pytest.mark.parametrize(
    "make",
    [
        lambda: digits().graph(),
        lambda: cnv().graph(),
        lambda: run(bireal(stem="cifar", width=8, image=12).graph()),
    ],
    ids=["digits", "cnv", "residual"],
)
def test_every_integer_and_every_threshold_is_in_its_bin(make):
    graph = make()
    x = graph.input_format.encode(random_inputs(graph, 3, seed=2))
    values = interpret_all(graph, x)
    nodes = [node for node in graph.nodes if isinstance(node.op, Threshold)]
    found = threshold_histograms(graph, x)
    assert [row.name for row in found] == [node.name for node in nodes]
    for row, node in zip(found, nodes, strict=True):
        sums, bits = values[node.inputs[0]], values[node.output]
        assert sum(row.counts) == sums.size and row.inputs == 3
        assert len(row.counts) == len(row.thresholds) <= BINS
        assert sum(row.thresholds) == row.channels == bits.shape[1]
        assert row.low == sums.min() and row.high > sums.max()
        width = (row.high - row.low) // len(row.counts)
        for i, count in enumerate(row.counts):
            low = row.low + i * width
            assert count == ((sums >= low) & (sums < low + width)).sum()
        rows = np.moveaxis(bits, 1, 0).reshape(bits.shape[1], -1)
        assert row.constant == sum(len(np.unique(channel)) == 1 for channel in rows)


def test_large_networks_are_looked_at_with_fewer_inputs():
    assert inputs_for_histograms(digits().graph()) == 8
    wide = run(bireal(stem="imagenet", width=64, image=224).graph())
    assert inputs_for_histograms(wide) < 4
