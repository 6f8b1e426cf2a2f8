"""The list of what ``--precision`` may name is right: each name is taken, others are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bnnhw.errors import ModelError
from bnnhw.frontend import load
from bnnhw.passes import run
from bnnhw.passes.widths import widths
from bnnhw.zoo.shipped import shipped_model
from residual import bireal
from sketch import small_cnn

if TYPE_CHECKING:
    from pathlib import Path

RESIDUAL = {
    "digits": lambda: load(shipped_model("birealnet8-digits").path),
    "bireal": lambda: bireal(seed=3).graph(),
}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("network", RESIDUAL)
def test_each_name_sets_its_width_and_no_other_name_is_taken(network: str) -> None:
    graph = RESIDUAL[network]()
    found = widths(graph)
    assert {width.what for width in found} == {"weights", "stream"}
    named = [name for width in found for name in (width.name, *width.others)]
    assert len(named) == len(set(named))
    assert [width.what for width in found if width.scores] == ["stream"]
    for width in found:
        for name in (width.name, *width.others[:1]):
            narrower = {w.name: w.bits for w in widths(graph, {name: 6})}
            assert narrower.pop(width.name) == 6
            run(graph, precision={name: 6})
    for node in graph.nodes:
        if node.name not in named:
            with pytest.raises(ModelError, match="option --precision"):
                run(graph, precision={node.name: 6})


def test_more_bits_than_layers_read_are_refused_not_left_aside() -> None:
    graph = RESIDUAL["digits"]()
    pools = [w for w in widths(graph) if w.name.endswith("_averagepool")]
    assert pools
    for width in pools:
        assert width.bits == width.most == 8
        with pytest.raises(ModelError, match="only layers with integer weights read it"):
            run(graph, precision={width.name: 9})


def test_a_network_of_bits_has_none(tmp_path: Path) -> None:
    assert widths(load(small_cnn().save(tmp_path / "m.onnx"))) == ()
