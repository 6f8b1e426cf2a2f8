"""`bnnhw simulate`: what it prints, in which order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from builds import report_of

from bnnhw.backend.build import Build
from bnnhw.interpret.interpreter import interpret

pytest.importorskip("cocotb")


@pytest.mark.parametrize("top_k", [0, 2])
def test_simulate_begins_with_the_verdict_and_the_classes(bnnhw, model, top_k: int) -> None:
    x = np.random.default_rng(1).integers(0, 256, (3, 3, 6, 6), np.uint8)
    np.save("x.npy", x)
    assert bnnhw("compile", model, "--board", "pynq-z2", "-o", "b", "--top-k", top_k).code == 0
    graph = Build.open(Path("b")).graph
    scores = interpret(graph, graph.input_format.encode(x))
    best = graph.output_map.apply(scores).reshape(3, -1).argmax(axis=1).tolist()
    lines = bnnhw("simulate", "b", "-i", "x.npy").out.splitlines()
    assert lines[0] == "verilog against interpreter: 3 frames, bit-exact"
    assert lines[1] == f"classes: {' '.join(map(str, best))}"
    assert not any("stalled" in line for line in lines)
    cycles = report_of(Path("b"))["cycles_per_frame"]["simulated"]
    assert any(f"{cycles:,}" in line for line in lines)
    shown = bnnhw("simulate", "b", "-i", "x.npy", "--streams").out
    assert "stalled: cycles with a beat offered and not taken" in shown
    found = json.loads(bnnhw("simulate", "b", "-i", "x.npy", "--json").out)
    assert found["best"] == best
    if not top_k:
        assert found["scores"] == scores.tolist()
