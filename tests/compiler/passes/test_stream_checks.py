"""The check of integer operations against real ones finds every fault, and counts saturation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bnnhw.errors import VerificationError
from bnnhw.interpret.interpreter import interpret_all
from bnnhw.interpret.real import interpret_real_all
from bnnhw.ir.ops import (
    Affine,
    AveragePool,
    BinaryConv,
    FixedAffine,
    IntegerConv,
    IntegerMaxPool,
    MaxPool,
    SumPool,
    Threshold,
    Window,
)
from bnnhw.passes import run
from bnnhw.passes.calibrate import Range
from bnnhw.verify.streams import check_streams
from residual import THREE, UINT8, Residual, bireal


def nudged(kind, change, which=-1):
    """Replaces one operation of a kind, the last by default."""

    def make(graph):
        node = [n for n in graph.nodes if isinstance(n.op, kind)][which]
        made = replace(node, op=change(node.op))
        return graph.with_nodes([made if n is node else n for n in graph.nodes])

    return make


def flipped(weight):
    weight = weight.copy()
    weight.flat[3] *= -1
    return weight


def floored(op):
    """Rounds down: half a step off, and half a step that the bound allows."""
    return replace(op, offset=op.offset - 3 * ((1 << op.shift) >> 1))


def one_more(op):
    weight = op.weight.copy()
    weight.flat[2] += 1
    return replace(op, weight=weight)


FAULTS = {
    "an offset off": nudged(
        FixedAffine, lambda op: replace(op, offset=op.offset + 2 * (1 << op.shift))
    ),
    "a rounding off": nudged(FixedAffine, floored),
    "a negated gain": nudged(FixedAffine, lambda op: replace(op, multiplier=-op.multiplier)),
    "a threshold off": nudged(Threshold, lambda op: replace(op, thresholds=op.thresholds + 20)),
    "a flipped bit": nudged(BinaryConv, lambda op: replace(op, weight=flipped(op.weight))),
    "an integer weight one off": nudged(IntegerConv, one_more),
    "a start off": nudged(IntegerConv, lambda op: replace(op, offset=op.offset + 999)),
    "a start without borders": nudged(
        IntegerConv,
        lambda op: replace(op, offset=op.offset[1:2, 1:2], row_class=(), column_class=()),
        which=0,
    ),
    "a sum of another window": nudged(SumPool, lambda op: SumPool(Window((1, 2), (2, 2))), which=0),
    "a pool of another window": nudged(
        IntegerMaxPool, lambda op: IntegerMaxPool(Window((3, 3), (2, 2), (1, 1, 1, 1)))
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_check_names_the_first_wrong_operation(name) -> None:
    builder = Residual((3, 12, 12), UINT8, seed=5).normalise(128.0, 64.0)
    builder.conv(4).batch_norm().add(MaxPool(Window((3, 3), (2, 2), (0, 0, 2, 2))))
    builder.block(4).block(4).block(8, 2)
    real = builder.classifier(3).graph()
    graph = run(real)
    x = builder.inputs(4)
    check_streams(real, graph, x)
    with pytest.raises(VerificationError, match="node '") as caught:
        check_streams(real, FAULTS[name](graph), x)
    assert "of the integer graph" in str(caught.value)


def test_saturation_is_counted_and_no_error() -> None:
    builder = bireal()
    real = builder.graph()
    narrow = {n.output: Range(-0.5, 0.5) for n in real.nodes}
    graph = run(real, calibration=narrow)
    x = builder.inputs(3)
    check = check_streams(real, graph, x)
    values = interpret_all(graph, x)
    for name, count in check.saturated.items():
        dtype = graph.tensors[name].dtype
        at_ends = ((values[name] == dtype.low) | (values[name] == dtype.high)).sum()
        assert 0 < count <= at_ends
    assert check.saturated


def test_both_ends_of_a_fork_read_the_same_stream() -> None:
    builder = bireal()
    graph = run(builder.graph())
    readers: dict[str, int] = {}
    for node in graph.nodes:
        for name in node.inputs:
            readers[name] = readers.get(name, 0) + 1
    forks = [name for name, count in readers.items() if count > 1]
    assert len(forks) == 4
    values, want = (
        interpret_all(graph, builder.inputs(2)),
        interpret_real_all(builder.graph(), builder.inputs(2)),
    )
    for name in forks:
        assert values[name].shape == want[name].shape
    assert THREE.kernel == (3, 3)
    assert isinstance(builder.nodes[0].op, Affine)
    assert any(isinstance(n.op, AveragePool) for n in builder.nodes)
