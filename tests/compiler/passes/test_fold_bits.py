"""Signs and other element-wise functions of bits fold away, with onnxruntime's scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agreement import agrees, compiled, passes_agree
from bnnhw.errors import ModelError
from bnnhw.frontend import LoadOptions, load
from bnnhw.ir.ops import BinaryConv, BitMaxPool, Threshold
from bnnhw.passes.fold_bits import fold_bits
from bnnhw.passes.stream_values import real_name
from bnnhw.verify.model import check_against_onnxruntime
from sketch import SIGNS, Sketch

if TYPE_CHECKING:
    from pathlib import Path

    from bnnhw.ir.graph import Graph

BIPOLAR = LoadOptions(input_type="bipolar")


def thresholds(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes if isinstance(node.op, Threshold)]


def sign_of_sign(*between: str, first: str = "greater", second: str = "greater") -> Sketch:
    """conv - BatchNorm - sign - ``between`` - sign - dense, on 4x4 images of bits."""
    sketch = Sketch(["N", 4, 4, 4], seed=len(between) + 3)
    sketch.conv(4, 6, pads=1).batch_norm(6)
    if first == "unipolar":
        sketch.op("Relu")
        sketch.op("Sign")
    else:
        sketch.sign(first)
    size, flat = 4, False
    for kind in between:
        channels = 96 if flat else 6
        if kind == "clip":
            sketch.op("Clip", sketch.constant(-0.5), sketch.constant(2))
        elif kind == "relu":
            sketch.op("Relu")
        elif kind == "leaky":
            sketch.op("LeakyRelu", alpha=0.1)
        elif kind == "scale":
            by_channel = sketch.rng.choice(
                [-2, -0.5, 0.25, 3], (channels, *(1, 1)[: 2 * (not flat)])
            )
            sketch.op("Mul", sketch.constant(by_channel))
        elif kind == "norm":
            gains = np.resize([-1.5, 0.0, 0.7, 2.0, -0.1], channels)
            sketch.batch_norm(channels, spread=0.4, gain=gains)
        elif kind == "pool":
            sketch.pool()
            size //= 2
        elif kind == "flatten":
            sketch.flatten()
            flat = True
    sketch.sign(second)
    if not flat:
        sketch.flatten()
    return sketch.dense(6 * size**2, 5)


@pytest.mark.parametrize("second", ["greater", "sign", "less_or_equal"])
@pytest.mark.parametrize("first", ["greater", "sign", "unipolar"])
@pytest.mark.parametrize(
    "between",
    [(), ("clip",), ("scale",), ("norm",), ("pool",), ("flatten",),
     ("scale", "leaky"), ("scale", "pool"), ("norm", "pool"), ("pool", "norm", "clip"),
     ("flatten", "scale"), ("flatten", "norm"), ("pool", "scale", "clip", "flatten")],
    ids="-".join,
)  # fmt: skip
def test_sign_of_a_sign_is_exact_and_gone(
    tmp_path: Path, first: str, second: str, between: tuple[str, ...]
) -> None:
    path = sign_of_sign(*between, first=first, second=second).save(tmp_path / "m.onnx")
    graph = agrees(path, BIPOLAR, count=16, varied=False)
    constant = {"norm", "scale"} if first == "unipolar" else {"norm"}
    by_pixel = between[:1] == ("flatten",) and bool(constant & {*between})
    assert len(thresholds(graph)) == (2 if by_pixel else 1)
    if "sign" not in (first, second) and first != "unipolar":
        passes_agree(path, BIPOLAR)


@pytest.mark.parametrize("kind", ["bipolar", "unipolar"])
@pytest.mark.parametrize("pool", [False, True])
def test_sign_of_an_input_of_bits_needs_no_threshold(tmp_path: Path, kind: str, pool: bool) -> None:
    sketch = Sketch(["N", 4, 4, 4], seed=5)
    sketch.op("Mul", sketch.constant([[[1]], [[-2]], [[3]], [[-1]]]))
    sketch.op("Add", sketch.constant(-0.4 if kind == "unipolar" else 0.5))
    if pool:
        sketch.pool()
    sketch.sign().conv(4, 6, pads=1).sign().flatten().dense(24 if pool else 96, 5)
    path = sketch.save(tmp_path / "m.onnx")
    options = LoadOptions(input_type=kind)
    graph = agrees(path, options)
    # Channels of unipolar bits that are always 0 behind the sign stay a sign of bits.
    assert len(thresholds(graph)) == (1 if kind == "bipolar" else 2)
    passes_agree(path, options)


@pytest.mark.sampled(8)
@pytest.mark.parametrize("seed", range(24))
def test_random_chains_of_signs_are_exact(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds = ("clip", "relu", "leaky", "scale", "norm")
    count = int(rng.integers(0, 4))
    between = [str(kind) for kind in rng.choice(kinds, count)]
    if rng.random() < 0.5:
        between.insert(int(rng.integers(0, count + 1)), "pool")
    sketch = sign_of_sign(*between, first=str(rng.choice(SIGNS)), second=str(rng.choice(SIGNS)))
    path = sketch.save(tmp_path / "m.onnx")
    try:
        graph = agrees(path, BIPOLAR, count=12, varied=False)
    except ModelError as error:
        assert "whatever the sign before it gives" in str(error)
        return
    assert len(thresholds(graph)) == 1


@pytest.mark.parametrize("turn", ["keep", "invert", "some", "constant"])
@pytest.mark.parametrize("forks", ["first", "second", "both"])
def test_signs_of_bits_that_several_layers_read(tmp_path: Path, turn: str, forks: str) -> None:
    """A residual block whose convolutions read a sign, or that sign's sign, or either."""
    sketch = Sketch(["N", 3, 6, 6], np.uint8, seed=9)
    sketch.op("Cast", to=1)
    sketch.conv(3, 6, pads=1).batch_norm(6, spread=200)
    sketch.sign("greater")
    bits = sketch.tensor
    gains = {
        "keep": np.ones(6),
        "invert": -np.ones(6),
        "some": np.resize([1, -1], 6),
        "constant": np.resize([1, -1, 0], 6),
    }[turn]
    sketch.batch_norm(6, gain=gains, bias=0.25, mean=0.0, variance=1.0).sign("greater_or_equal")
    again = sketch.tensor
    reads = {"first": (bits, bits, again), "second": (bits, again, again)}
    ends = []
    for source in reads.get(forks, (bits, again, again, bits)):
        sketch.tensor = source
        ends.append(sketch.conv(6, 4, pads=1).batch_norm(4).tensor)
    sketch.tensor = ends[0]
    for other in ends[1:]:
        sketch.op("Add", other)
    sketch.sign().flatten().dense(144, 5)
    path = sketch.save(tmp_path / "m.onnx")
    graph = compiled(path)
    result = check_against_onnxruntime(path, graph, random_count=6)
    assert result.mismatches == 0
    pointless = turn != "constant" and (turn == "keep" or forks == "first")
    assert len(thresholds(graph)) == (2 if pointless else 3)


@pytest.mark.parametrize("order", ["add pool conv", "conv add pool", "pool conv add"])
@pytest.mark.parametrize("root", ["input", "sign"])
def test_scaled_bits_that_several_streams_round_are_checked_as_one_tensor(
    tmp_path: Path, root: str, order: str
) -> None:
    """Each reader scales the bits itself, and rounds what it then reads."""
    sketch = Sketch(["N", 4, 4, 4], seed=3)
    if root == "sign":
        sketch.conv(4, 4, pads=1).batch_norm(4).sign()
    start = sketch.batch_norm(4).tensor
    ends = [sketch.sign().conv(4, 4, pads=1).batch_norm(4).tensor]
    for kind in order.split():
        sketch.tensor = start
        if kind == "add":
            sketch.op("Add", ends[-1])
        elif kind == "pool":
            sketch.op("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
            sketch.batch_norm(4)
        elif root == "input":
            sketch.conv(4, 4, weight=sketch.rng.normal(size=(4, 4, 3, 3)), pads=1).batch_norm(4)
        else:
            sketch.op("Add", ends[0])
        ends.append(sketch.tensor)
    for other in ends[:-1]:
        sketch.op("Add", other)
    weight = sketch.rng.normal(size=(64, 5))
    path = sketch.flatten().dense(64, 5, weight=weight).save(tmp_path / "m.onnx")
    graph = compiled(path, BIPOLAR)
    result = check_against_onnxruntime(path, graph, options=BIPOLAR, random_count=6)
    assert result.mismatches == 0
    assert result.accuracy.correlation > 0.95
    held = [node for node in graph.nodes if real_name(node.output) == start]
    assert len(held) == (2 if root == "input" else 3)


def test_what_folds_keeps_its_names_and_values(tmp_path: Path) -> None:
    path = sign_of_sign("norm", "pool", "clip").save(tmp_path / "m.onnx")
    graph = load(path, BIPOLAR)
    folded = fold_bits(graph)
    assert fold_bits(folded) is folded
    final = compiled(path, BIPOLAR)
    kinds = [type(node.op) for node in final.nodes]
    assert kinds[:3] == [BinaryConv, Threshold, BitMaxPool]
    pool = next(n for n in graph.nodes if n.name.endswith("maxpool"))
    assert final.nodes[2].name == pool.name


def test_sign_that_gives_three_values_is_named(tmp_path: Path) -> None:
    sketch = Sketch(["N", 4, 4, 4], seed=5)
    sketch.op("Add", sketch.constant([[[1]], [[0]], [[0]], [[-1]]]))
    sketch.op("Sign")
    path = sketch.conv(4, 6).sign().flatten().dense(24, 5).save(tmp_path / "m.onnx")
    graph = compiled(path, BIPOLAR)
    assert any("Sign of bits meets exactly 0 in 2 channels" in note for note in graph.notes)
