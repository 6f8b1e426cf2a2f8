"""Runs of equal blocks are found by what they do, and become one block for all passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bnnhw.errors import FoldingError, MissedTargetError
from bnnhw.hardware.board import load_board
from bnnhw.hardware.folding import FoldingRequest, read_folding
from bnnhw.hardware.stages import Layer
from bnnhw.hardware.stages.elements import Compare, Rescale
from bnnhw.hardware.stages.loops import LoopEnd, LoopStart
from bnnhw.ir.ops import FixedAffine, Window
from bnnhw.planning import fit as planning_fit
from bnnhw.planning.fit import fit_network
from bnnhw.planning.loops import chosen_loops, find_loops
from bnnhw.planning.network import Network
from bnnhw.planning.target import Target
from graphs import (
    STREAM,
    GraphBuilder,
    birealnet18,
    looped_stem,
    pooled_head,
    residual_block,
    residual_blocks,
)

PYNQ = load_board("pynq-z2")
PADDED = Window((3, 3), (1, 1), (1, 1, 1, 1))


def blocks(count: int) -> GraphBuilder:
    """A run of blocks without an end."""
    b = looped_stem(16, 4)
    for number in range(count):
        residual_block(b, f"block{number}", 16)
    return b


def ended(b: GraphBuilder) -> Network:
    return Network(pooled_head(b).graph())


def looped(network: Network) -> Network:
    return replace(network, loops=tuple(find_loops(network.blocks)))


def test_each_resolution_of_birealnet18_has_a_run_of_equal_blocks():
    found = find_loops(Network(birealnet18().graph()).blocks)
    assert [loop.passes for loop in found] == [4, 3, 3, 3]
    assert [loop.name for loop in found] == ["l1_0_conv", "l2_1_conv", "l3_1_conv", "l4_1_conv"]


def test_blocks_that_read_each_other_but_differ_are_no_run():
    b = blocks(1)
    residual_block(b, "wide", 16, stream=STREAM)
    start = b.end
    b.threshold("sign").conv("conv", 16, Window((1, 1))).rescale("bn", STREAM)
    b.join("add", start, STREAM)
    assert [(loop.name, loop.passes) for loop in find_loops(ended(b).blocks)] == [
        ("block0_conv", 2)
    ]


def test_a_run_ends_where_something_else_reads_what_a_block_gives():
    b = blocks(2)
    middle = b.end
    residual_block(b, "block2", 16)
    residual_block(b, "block3", 16)
    b.join("around", middle, STREAM)
    assert [(loop.name, loop.passes) for loop in find_loops(ended(b).blocks)] == [
        ("block0_conv", 2),
        ("block2_conv", 2),
    ]


def test_one_stage_has_the_weights_and_parameters_of_all_passes_in_turn():
    network = ended(blocks(3))
    stages = {stage.name: stage for stage in looped(network).stages}
    single = {stage.name: stage for stage in network.blocks}
    conv, sign, affine = (stages[f"block0_{name}"] for name in ("conv", "sign", "bn"))
    assert isinstance(conv, Layer)
    assert isinstance(sign, Compare)
    assert isinstance(affine, Rescale)
    assert conv.passes == 3
    assert conv.later == (("block1_conv", "block1_conv_y"), ("block2_conv", "block2_conv_y"))
    for number in range(3):
        own = slice(16 * number, 16 * number + 16)
        assert np.array_equal(conv.weight[own], single[f"block{number}_conv"].weight)
        assert np.array_equal(sign.thresholds[own], single[f"block{number}_sign"].thresholds)
        assert np.array_equal(
            affine.op.multiplier[:, own], single[f"block{number}_bn"].op.multiplier
        )
    assert not {"block1_conv", "block2_add"} & stages.keys()


@pytest.mark.parametrize("shifts", [(3, 5), (0, 4)])
def test_affine_operations_of_other_shifts_give_the_same_numbers(shifts):
    rng = np.random.default_rng(0)
    b = GraphBuilder((16, 4, 4), STREAM, name="shifts")
    for number, shift in enumerate(shifts):
        start = b.end
        b.threshold(f"sign{number}").conv(f"conv{number}", 16, PADDED)
        multiplier, offset = rng.integers(-9, 10, (2, 1, 16))
        b.add(f"bn{number}", FixedAffine(multiplier, offset, shift, STREAM))
        b.join(f"add{number}", start, STREAM)
    network = looped(ended(b))
    op = next(s for s in network.stages if s.name == "bn0").op
    x = np.arange(-200, 200)[:, None]

    def value(op: FixedAffine) -> np.ndarray:
        half = (1 << op.shift) >> 1
        return (op.multiplier[0] * x + op.offset[0] + half) >> op.shift

    parts = [value(next(n.op for n in network.graph.nodes if n.name == f"bn{i}")) for i in (0, 1)]
    assert np.array_equal(value(op), np.concatenate(parts, axis=1))


def test_a_loop_takes_no_name_that_the_network_has():
    b = blocks(2)
    b.rescale("block0_conv_loop", STREAM, plain=True)
    stages = looped(ended(b)).stages
    names = [stage.name for stage in stages]
    assert len({*names}) == len(names)
    start = next(stage for stage in stages if isinstance(stage, LoopStart))
    end = next(stage for stage in stages if isinstance(stage, LoopEnd))
    assert (start.name, end.name) == ("block0_conv_loop", "block0_conv_loop_end")


def test_a_folding_file_names_loops_or_forbids_them(tmp_path):
    network = ended(blocks(3))
    found = find_loops(network.blocks)
    assert chosen_loops(found, FoldingRequest(loops=("block0_conv",))) == tuple(found)
    assert chosen_loops(found, FoldingRequest(loops=())) == ()
    with pytest.raises(FoldingError, match="no loop begins with layer 'block1_conv'") as error:
        chosen_loops(found, FoldingRequest(loops=("block1_conv",)))
    assert "block0_conv" in error.value.fix
    path = tmp_path / "f.json"
    path.write_text('{"loops": ["a", 3]}')
    with pytest.raises(FoldingError, match="no list of names"):
        read_folding(path)


def test_the_folding_that_a_compile_writes_gives_the_same_loops(tmp_path):
    network = ended(blocks(3))
    request = FoldingRequest(loops=("block0_conv",))
    fit = fit_network(network.graph, PYNQ, Target(20_000), request, 100.0)
    path = tmp_path / "folding.json"
    path.write_text(fit.folding.to_json())
    again = fit_network(network.graph, PYNQ, Target(20_000), read_folding(path), 100.0)
    assert again.design.build_hash() == fit.design.build_hash()
    assert any(unit.passes == 3 for unit in fit.design.units)


def test_a_network_that_is_too_large_without_loops_gets_them():
    """Twelve layers of 256 channels, whose weights alone overflow the part."""
    network = Network(residual_blocks(12, width=256, size=8).graph())
    fit = fit_network(network.graph, PYNQ, Target(400_000), FoldingRequest(), 100.0)
    assert {unit.passes for unit in fit.design.units} == {1, 12}


@pytest.mark.parametrize(
    ("strained", "layers", "loops"),
    [
        (0.0, {"scores": {"memory": "ddr"}}, ("block0_conv",)),
        (1.0, {"scores": {"memory": "ddr"}}, ()),
        (0.0, {}, ()),
    ],
)
def test_loops_are_tried_where_a_design_with_memory_is_hard_to_place(
    monkeypatch, strained, layers, loops
):
    """And taken where they need less; what needs no memory otherwise does not get any for them."""
    monkeypatch.setattr(planning_fit, "_STRAINED", strained)
    graph = residual_blocks(3, width=16, size=4).graph()
    fit = fit_network(graph, PYNQ, Target(20_000), FoldingRequest(layers), 100.0)
    assert fit.folding.loops == loops


def test_without_a_target_the_faster_design_is_taken(monkeypatch):
    monkeypatch.setattr(planning_fit, "_STRAINED", 0.0)
    graph = residual_blocks(3, width=16, size=4).graph()
    request = FoldingRequest({"scores": {"memory": "ddr", "pe": 1, "simd": 1}})
    cycles = {
        loops: fit_network(graph, PYNQ, Target(), replace(request, loops=loops), 100.0)
        for loops in (None, (), ("block0_conv",))
    }
    fastest = min(fit.prediction.cycles_per_frame for fit in cycles.values())
    assert cycles[None].prediction.cycles_per_frame == fastest


@pytest.mark.parametrize(
    ("layers", "what"),
    [
        ({"block0_conv": {"memory": "lut"}}, "'block0_conv' is in a loop"),
        ({"block0_conv": {"feed": 4}}, "its weights cannot come from memory"),
        ({"block1_conv": {"pe": 4}}, "'block1_conv' is a further pass of 'block0_conv'"),
    ],
)
def test_what_a_loop_cannot_be_is_refused(layers, what):
    graph = residual_blocks(3).graph()
    request = FoldingRequest(layers, loops=("block0_conv",))
    with pytest.raises(FoldingError, match=what):
        fit_network(graph, PYNQ, Target(20_000), request, 100.0)


def test_loops_that_a_folding_file_does_not_suit_are_not_tried():
    """The network is too slow without: that is what the message says."""
    request = FoldingRequest({"block1_conv": {"pe": 4}})
    with pytest.raises(MissedTargetError):
        fit_network(residual_blocks(3).graph(), PYNQ, Target(10), request, 100.0)


def test_a_loop_may_be_named_as_in_pytorch():
    loops = find_loops(ended(blocks(3)).blocks)
    assert chosen_loops(loops, FoldingRequest(loops=("block0.conv",))) == tuple(loops)
