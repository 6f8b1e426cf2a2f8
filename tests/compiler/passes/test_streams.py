"""Residual networks become integers: structure, types, exactness of each step, refusals."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from bnnhw.errors import ModelError
from bnnhw.interpret.interpreter import interpret, interpret_all
from bnnhw.interpret.real import interpret_real, interpret_real_all
from bnnhw.ir.exact import exact
from bnnhw.ir.graph import verify
from bnnhw.ir.ops import (
    INTEGER,
    Add,
    AveragePool,
    Binarize,
    Conv,
    FixedAdd,
    FixedAffine,
    IntegerConv,
    IntegerDense,
    IntegerTable,
    MaxPool,
    SumPool,
    Threshold,
    Window,
    clip,
    prelu,
    relu,
)
from bnnhw.ir.types import Integer
from bnnhw.passes import PIPELINE, run
from bnnhw.passes.calibrate import Range
from bnnhw.passes.options import STREAM_BITS, STREAM_ERROR
from bnnhw.passes.stream_types import StreamTypes
from bnnhw.verify.streams import check_streams
from residual import UINT8, Residual, bireal

VARIANTS = {
    "imagenet stem": {"stem": "imagenet"},
    "cifar stem": {"stem": "cifar", "width": 6, "image": 10},
    "rprelu": {"stem": "cifar", "prelu": True},
    "one channel": {"width": 1, "image": 24, "classes": 2},
}


def kinds(graph) -> list[str]:
    return [type(n.op).__name__ for n in graph.nodes]


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("images", [0, 3])
def test_every_integer_operation_is_the_real_one_up_to_its_rounding(name, images) -> None:
    builder = bireal(**VARIANTS[name])
    real = builder.graph()
    x = builder.inputs(6)
    graph = run(real, calibration=x[2 : 2 + images] if images else None)
    verify(graph, INTEGER)
    check = check_streams(real, graph, x)
    assert check.tensors >= 16
    assert 0.5 < check.largest <= 1
    assert sum(check.saturated.values()) < 0.01 * check.elements


def test_a_bireal_net_becomes_what_the_hardware_has() -> None:
    graph = run(bireal().graph())
    block = ["Threshold", "BinaryConv", "FixedAffine", "FixedAdd"]
    assert kinds(graph)[:11] == ["IntegerConv", "FixedAffine", "IntegerMaxPool", *block, *block]
    tail = ["SumPool", "Flatten", "FixedAffine", "IntegerDense", "FixedAffine"]
    assert kinds(graph)[-5:] == tail
    narrow = [graph.tensors[n.inputs[0]].dtype for n in graph.nodes
              if isinstance(n.op, (IntegerConv, IntegerDense))]  # fmt: skip
    assert all(t.bits <= 8 for t in narrow)
    for node in graph.nodes:
        if isinstance(node.op, FixedAdd):
            terms = [graph.tensors[i].dtype for i in node.inputs]
            assert {t.plain for t in terms} == {node.op.dtype.plain}
            assert sorted(t.halves for t in terms) == [0, 1], "no sum is 0: it has a sign"
            assert 6 <= node.op.dtype.bits <= 12
            assert node.op.dtype.signed
    assert graph.tensors[graph.output].dtype.bits == 16
    assert graph.output_map.scale.size == 1


def test_passes_leave_the_real_network_as_it_was_until_it_is_rounded() -> None:
    builder = bireal(prelu=True)
    graph = builder.graph()
    x = builder.inputs(3)
    want = interpret_real(graph, x)
    for step in PIPELINE:
        if step.name == "lower_streams":
            break
        graph = step.run(graph)
        np.testing.assert_allclose(interpret_real(graph, x), want, rtol=1e-9, atol=1e-9)
    rounded = PIPELINE[[s.name for s in PIPELINE].index("lower_streams")].run(graph)
    assert any(n.op.level == "real" for n in rounded.nodes)  # signs and binary layers
    got = interpret_real(rounded, x)
    final = run(builder.graph())
    np.testing.assert_array_equal(got, final.output_map.apply(interpret(final, x)))


def test_lowering_changes_nothing_twice() -> None:
    graph = run(bireal().graph())
    for step in PIPELINE:
        assert step.run(graph) is graph, step.name


def test_scores_rank_like_the_models() -> None:
    """With wide streams hardly a sign differs; the default widths cannot be far off."""
    builder = bireal(seed=2, stem="cifar", width=8, image=12)
    real = builder.graph()
    x = builder.inputs(30)
    want = interpret_real(real, x)
    graph = run(real)
    got = graph.output_map.apply(interpret(graph, x))
    assert np.corrcoef(got.ravel(), want.ravel())[0, 1] > 0.9
    assert not check_streams(real, graph, x[:2]).saturated.get(graph.output)


def test_thresholds_on_streams_are_exact_to_the_step() -> None:
    """bit = (q / 16 * a + b > 0) for every integer q of the input, ties included: a fork before
    the rounding, so that the sign sees none of it.
    """
    builder = Residual((4, 3, 3), Integer(8, True))
    builder.affine(1 / 16, 0.0)
    start = builder.end
    builder.affine([1.0, -2.0, 0.0, 3.0], [-0.25, 0.5, 1.0, 0.0]).add(Binarize())
    builder.binary(4).batch_norm()
    builder.add(Add(), builder.end, start)
    graph = run(builder.graph())
    (threshold,) = [n for n in graph.nodes if isinstance(n.op, Threshold)]
    assert threshold.inputs == (graph.input,)
    q = np.arange(-128, 128)
    a, b = np.array([1.0, -2.0, 0.0, 3.0]), np.array([-0.25, 0.5, 1.0, 0.0])
    want = q[:, None] / 16 * a + b > 0
    bits = (q[:, None] >= threshold.op.thresholds[0, 0]) ^ threshold.op.invert
    np.testing.assert_array_equal(bits, want)


def test_the_inputs_normalisation_goes_into_the_first_layer() -> None:
    graph = run(bireal().graph())
    first = graph.nodes[0]
    assert isinstance(first.op, IntegerConv)
    assert first.inputs == (graph.input,)
    assert np.abs(first.op.weight).max() == 127
    assert max(first.op.row_class) + 1 == first.op.offset.shape[0] > 1


def test_a_max_pool_of_the_input_or_of_a_stream_keeps_integers() -> None:
    pool = MaxPool(Window((2, 2), (2, 2)))
    for normalised, want in [(True, "IntegerMaxPool"), (False, "FixedAffine")]:
        builder = Residual((2, 6, 6), UINT8)
        builder.affine([0.1, 0.2] if normalised else [0.1, -0.2], -1.0)
        builder.add(pool).conv(3).batch_norm()
        start = builder.end
        builder.add(Binarize()).binary(3).batch_norm()
        real = builder.add(Add(), builder.end, start).graph()
        graph = run(real)
        assert kinds(graph)[0] == want
        check_streams(real, graph, builder.inputs(4))


def test_relu_and_clip_of_streams_are_segments() -> None:
    builder = Residual((3, 8, 8), UINT8, seed=4).normalise(128.0, 64.0)
    builder.conv(6).batch_norm().add(relu()).affine(2.0, -0.5)
    start = builder.end
    builder.add(Binarize()).binary(6).batch_norm().add(clip(-1.0, np.inf))
    real = builder.add(Add(), builder.end, start).classifier(4).graph()
    graph = run(real)
    segments = [n.op.multiplier.shape[0] for n in graph.nodes if isinstance(n.op, FixedAffine)]
    assert segments.count(2) == 2
    check_streams(real, graph, builder.inputs(5))


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 6.0), (-0.3, 0.7), (0.2, 0.9)])
@pytest.mark.parametrize("behind", [False, True])
def test_hardtanh_and_relu6_of_streams_take_two_operations(low, high, behind) -> None:
    builder = Residual((3, 8, 8), UINT8, seed=4).normalise(128.0, 64.0)
    start = builder.conv(6).batch_norm().end
    builder.add(Binarize()).binary(6).batch_norm().affine(2.0, 0.3).add(clip(low, high))
    if behind:
        builder.affine([1.5, -0.7, 0.0, 1.0, -2.0, 0.1], 0.25)
    real = builder.add(Add(), builder.end, start).classifier(4).graph()
    graph = run(real)
    affines = [n for n in graph.nodes if isinstance(n.op, FixedAffine)]
    limits = [n for n in affines if n.inputs[0] in {other.output for other in affines}]
    assert [n.op.multiplier.shape[0] for n in limits] == [2]
    check_streams(real, graph, builder.inputs(5))


@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_bits_are_numbers_where_they_are_added_and_averaged(scale: float) -> None:
    builder = Residual((3, 8, 8), UINT8).normalise(128.0, 64.0).conv(4).batch_norm()
    start = builder.end
    builder.add(Binarize(low=0.0)).affine(scale, 0.0)
    builder.add(Add(), builder.end, start)
    builder.add(Binarize()).add(AveragePool(Window((3, 3), (2, 2), (1, 1, 0, 0))))
    real = builder.affine([1, -1, 2, 1], 0.2).add(Binarize()).classifier(4).graph()
    graph = run(real)
    check_streams(real, graph, builder.inputs(5))
    tables = [n.op.dtype for n in graph.nodes if isinstance(n.op, IntegerTable)]
    assert tables == [Integer(1, False), Integer(2, True), Integer(2, True)]
    assert SumPool in {type(n.op) for n in graph.nodes}


def test_padded_average_pools_of_streams_that_signs_read_are_exact_at_borders() -> None:
    """As FTBNN's shortcuts have them; padding counts as 0, not as the middle of a step."""
    builder = Residual((3, 9, 9), UINT8, seed=1).normalise(120.0, 60.0).conv(6).batch_norm()
    start = builder.end
    builder.add(Binarize()).binary(6).batch_norm().add(Add(), builder.end, start)
    start = builder.end
    half = Window((3, 3), (2, 2), (1, 1, 1, 1))
    builder.add(Binarize()).binary(6, half).batch_norm()
    branch = builder.end
    builder.add(AveragePool(half), start).add(Add(), builder.end, branch)
    real = builder.add(Binarize()).binary(6).batch_norm().classifier(4).graph()
    graph = run(real)
    assert any(n.op.dtype.halves for n in graph.nodes if isinstance(n.op, FixedAdd))
    check_streams(real, graph, builder.inputs(4))


def test_bits_at_the_end_are_refused() -> None:
    builder = bireal()
    with pytest.raises(ModelError, match="ends the network with bits"):
        run(builder.add(Binarize()).graph())


def test_real_weights_on_bits_are_refused_in_residual_networks_too() -> None:
    builder = Residual((3, 8, 8), UINT8).normalise(128.0, 64.0).conv(4).batch_norm()
    start = builder.end
    builder.add(Binarize()).conv(4)
    with pytest.raises(ModelError, match=r"neither \+-1 nor \+-alpha"):
        run(builder.add(Add(), builder.end, start).classifier(3).graph())


SLOPES = [-0.5, -0.003, 0.0, 1e-6, 0.003, 0.25, 1.0, 5.0]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("forked", [False, True])
@pytest.mark.parametrize("shift", [0.1, 0.0, -0.1])
def test_signs_behind_prelus_of_any_slope_are_the_real_ones(
    shift: float, forked: bool, strict: bool
) -> None:
    """Also of slopes that a stream's steps cannot tell from 0, and where bits turn twice."""
    builder = Residual((3, 8, 8), UINT8, seed=3).normalise(128.0, 64.0).conv(8).batch_norm()
    start = builder.end
    builder.affine(1.0, 0.3).add(prelu(exact(np.array(SLOPES))))
    start = builder.end if forked else start
    builder.affine([1, -1, 2, 1, 1, -1, 1, 1], shift).add(Binarize(strict=strict))
    sign = builder.end
    builder.binary(8).batch_norm()
    real = builder.add(Add(), builder.end, start).graph()
    graph, x = run(real), builder.inputs(3)
    check_streams(real, graph, x)
    bits, want = interpret_all(graph, x)[sign], interpret_real_all(real, x)[sign]
    assert (bits != want).mean() < 0.01, "only the weights of the first layer are rounded"


def test_channels_of_small_values_use_all_bits_of_a_layers_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """8 bits of one step for all channels would leave the small ones none."""
    sizes = np.array([1.0, 1.0, 0.01, 0.01])
    builder = Residual((3, 8, 8), UINT8, seed=2).normalise(128.0, 64.0).conv(4)
    builder.batch_norm(spread=0.0, negative=False).affine(sizes, 0.0)
    start = builder.end
    builder.add(Binarize()).binary(4).batch_norm().affine(sizes, 0.0)
    builder.add(Add(), builder.end, start)
    weight = np.random.default_rng(1).normal(size=(6, 4, 1, 1)) / sizes.reshape(1, 4, 1, 1)
    builder.add(Conv(weight, Window((1, 1))), name="wide")
    last = builder.end
    real, x = builder.classifier(3).graph(), builder.inputs(4)
    graph = run(real)
    op = next(n.op for n in graph.nodes if isinstance(n.op, FixedAffine) and n.op.exponents.size)
    np.testing.assert_array_equal(op.exponents >= 5, sizes < 1)
    check_streams(real, graph, x)
    monkeypatch.setattr(StreamTypes, "exponents", lambda *_: np.zeros(0, np.int64))
    want = interpret_real_all(real, x)[last]
    folding_key = []
    for made in (graph, run(real)):
        layer = next(n for n in made.nodes if n.name == "wide")
        got = interpret_all(made, x)[layer.output]
        pairs = [(got[:, f].ravel(), want[:, f].ravel()) for f in range(6)]
        folding_key.append(min(np.corrcoef(*pair)[0, 1] for pair in pairs))
    assert folding_key[0] > 0.9 > folding_key[1] + 0.2


@pytest.mark.parametrize("before", ["add", "conv"])
def test_a_stream_that_is_always_0_compiles(before: str) -> None:
    builder = Residual((3, 8, 8), UINT8, seed=2).normalise(128.0, 64.0).conv(4).batch_norm()
    start = builder.end
    builder.add(Binarize()).binary(4).batch_norm().add(Add(), builder.end, start)
    builder.affine(0.0, 0.0)
    if before == "conv":
        builder.conv(4).add(relu())
    real, x = builder.classifier(3).graph(), builder.inputs(4)
    graph = run(real)
    check_streams(real, graph, x)
    want = real.output_map.apply(interpret_real(real, x))
    np.testing.assert_allclose(graph.output_map.apply(interpret(graph, x)), want, atol=1e-3)


# ---------------------------------------------------------------------------------- precision


def test_precision_sets_weights_by_layer_and_streams_by_group() -> None:
    real = bireal().graph()
    adds = [n for n in real.nodes if isinstance(n.op, Add)]
    graph = run(real, precision={"stem": 4, adds[0].name: 10, "fc": 6})
    ops = {n.name: n.op for n in graph.nodes}
    assert ops["stem"].weight_bits == 4
    assert np.abs(ops["stem"].weight).max() == 7
    assert ops["fc"].weight_bits == 6
    assert ops[adds[0].name].dtype.bits == ops[adds[1].name].dtype.bits == 10
    chosen = {n.name: n.op for n in run(real).nodes}[adds[-1].name]
    assert ops[adds[-1].name].dtype == chosen.dtype
    check_streams(real, graph, bireal().inputs(2))


@pytest.mark.parametrize(
    ("precision", "message"),
    [
        ({"nowhere": 8}, "no layer or tensor 'nowhere'"),
        ({"stem": 1}, "1 bits for 'stem'"),
        ({"stem": 17}, "17 bits for the weights"),
        ({"conv_5": 8}, "neither integer weights nor a stream"),
        ({"add_7": 10, "add_11": 12}, "added to a stream of 10"),
    ],
)
def test_impossible_precision_is_refused(precision, message) -> None:
    with pytest.raises(ModelError, match=message):
        run(bireal().graph(), precision=precision)


def test_streams_are_as_narrow_as_keeps_their_error_a_small_share_of_what_they_carry() -> None:
    builder = bireal(stem="cifar", width=16, image=16, seed=3)
    real = builder.graph()
    graph = run(real)
    values = interpret_real_all(real, builder.inputs(builder.samples))
    for node in graph.nodes:
        if not isinstance(node.op, FixedAdd):
            continue
        dtype, x = node.op.dtype, values[node.output]
        error = {}
        for bits in (dtype.bits - 2, dtype.bits):
            top = 1 << (bits - 1)
            # A narrower type of the same range.
            step = 2.0 ** (dtype.bits - bits - dtype.frac)
            error[bits] = np.abs(np.clip(np.rint(x / step), -top, top - 1) * step - x).mean()
        deviation = np.sqrt(x.var(axis=(0, 2, 3)).mean())
        assert error[dtype.bits] < 2 * STREAM_ERROR * deviation, node.name
        assert error[dtype.bits - 2] > STREAM_ERROR * deviation / 2, node.name
        assert dtype.bits < STREAM_BITS


def test_precision_of_a_plain_network_is_refused() -> None:
    builder = Residual((3, 6, 6), UINT8).binary(4).affine(1.0, 0.5).add(Binarize()).binary(2)
    assert run(builder.graph()).tensors[f"{builder.nodes[-1].name}_y"].dtype.bits > 1
    with pytest.raises(ModelError, match="nothing whose width"):
        run(builder.graph(), precision={builder.nodes[0].name: 4})


def test_a_note_says_what_was_rounded_and_from_what_the_ranges_come() -> None:
    builder = bireal()
    (note,) = run(builder.graph(), precision={"stem": 6}).notes
    assert re.search(r"to [0-9 and]+ bits, the weights of 3 layers to 6 and 8;", note)
    assert "BatchNorm statistics and synthetic images" in note
    (note,) = run(builder.graph(), calibration=builder.inputs(2)).notes
    assert "from 2 calibration images" in note
    (note,) = run(replace(builder.graph(), statistics={})).notes
    assert "synthetic images" in note


def test_a_rounded_zero_of_a_stream_is_no_tie_of_the_models_sign() -> None:
    graph = bireal().graph()
    nodes = [
        replace(n, op=replace(n.op, zero_is_zero=True)) if isinstance(n.op, Binarize) else n
        for n in graph.nodes
    ]
    assert len(run(graph.with_nodes(nodes)).notes) == 1


def test_given_ranges_decide_the_binary_point() -> None:
    real = bireal().graph()
    add = [n for n in real.nodes if isinstance(n.op, Add)][-1]
    wide = {n.output: Range(-100.0, 100.0) for n in real.nodes}
    graph = run(real, calibration=wide)
    assert graph.tensors[add.output].dtype.plain == Integer(12, True, 4)


# ---------------------------------------------------------------------- the check finds faults
