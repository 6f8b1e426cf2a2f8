"""Kernels of machine code against numpy: the same integers, whatever the shapes and widths."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from bnnhw.interpret.fast import accelerate
from bnnhw.interpret.fast.cores import cores, one_after_the_other
from bnnhw.interpret.fast.plan import Plan
from bnnhw.interpret.fast.stage import KernelStage, PlainStage
from bnnhw.interpret.interpreter import interpret, interpret_all
from bnnhw.interpret.plain import interpret_plain
from bnnhw.ir.graph import Graph, Node
from bnnhw.ir.ops import (
    EDGE,
    REFLECT,
    BinaryConv,
    BinaryDense,
    BitMaxPool,
    FixedAdd,
    FixedAffine,
    Flatten,
    IntegerConv,
    IntegerDense,
    IntegerMaxPool,
    IntegerTable,
    Op,
    Pad,
    SumPool,
    Tensor,
    Threshold,
    Window,
)
from bnnhw.ir.types import Bit, Integer
from graphs import GraphBuilder, cnv, digits, residual

pytest.importorskip("numba")

BITS = [Bit(True), Bit(False)]
NUMBERS = [Integer(1, False), Integer(8, False), Integer(8, True), Integer(16, True)]
WINDOWS = [
    Window((1, 1)),
    Window((3, 3), (1, 1), (1, 1, 1, 1)),
    Window((5, 5), (3, 2), (2, 2, 2, 2)),
    Window((7, 7), (2, 2), (3, 3, 3, 3)),
    Window((3, 2), (2, 1), (2, 0, 1, 1)),
    Window((2, 4), (1, 3), (0, 3, 1, 2)),
]


@pytest.fixture(scope="module")
def kernels():
    found = accelerate.load_kernels()
    assert found is not None, "numba is installed, but the kernels do not work"
    return found


class Branches(GraphBuilder):
    """A graph whose nodes may read any tensor."""

    def node(self, name: str, op: Op, *inputs: str) -> Branches:
        self.nodes.append(Node(name, op, inputs, f"{name}_y"))
        self.tensors[f"{name}_y"] = op.infer(*(self.tensors[i] for i in inputs))
        self.end = f"{name}_y"
        return self


def assert_same(kernels, graph: Graph, x: np.ndarray) -> Plan:
    """Every tensor, with and without the others kept; the plan that keeps only the output."""
    want = interpret_plain(graph, x, lambda name: True)
    every = Plan(graph, lambda name: True, kernels).run(x, one_after_the_other)
    assert set(every) == set(want)
    for name, values in want.items():
        assert np.array_equal(every[name], values), name
    plan = Plan(graph, lambda name: False, kernels)
    assert np.array_equal(plan.run(x, one_after_the_other)[graph.output], want[graph.output])
    return plan


def random_affine(rng: np.random.Generator, tensor: Tensor, dtype: Integer) -> FixedAffine:
    """Fills ``dtype`` and saturates; zero and negative gains, one to three segments."""
    reach = max(abs(tensor.dtype.low), abs(tensor.dtype.high), 1)
    channels, bits = tensor.shape[0], int(rng.integers(1, min(26, 62 - reach.bit_length())))
    segments = int(rng.integers(1, 4))
    m = rng.integers(-(1 << bits - 1), 1 << bits - 1, (segments, channels), endpoint=True)
    m[:, ::5] = 0
    shift = max(0, (reach << bits).bit_length() - dtype.bits - int(rng.integers(0, 3)))
    b = rng.integers(-reach << bits, reach << bits, m.shape)
    knees = np.sort(rng.integers(-reach - 2, reach + 2, (segments - 1, channels)), axis=0)
    return FixedAffine(m, b, shift, dtype, knees if segments == 3 else knees.reshape(-1))


def random_threshold(rng: np.random.Generator, tensor: Tensor) -> Threshold:
    """Within the tensor's numbers and beyond; border classes now and then."""
    channels, *sides = tensor.shape
    count = int(rng.integers(1, 4)) if len(sides) == 2 else 1
    low, high = tensor.dtype.low, tensor.dtype.high
    table = rng.integers(low - 2, high + 3, (count, count, channels))
    table[..., ::7], table[..., 1::7] = -(1 << 40), 1 << 40
    rows, columns = (rng.integers(0, count, side).tolist() if count > 1 else () for side in
                     (sides if sides else (1, 1)))  # fmt: skip
    invert = rng.random(channels) < 0.5 if rng.random() < 0.5 else np.zeros(0, bool)
    return Threshold(table, tuple(rows), tuple(columns), invert, bool(rng.random() < 0.5))


def random_window(rng: np.random.Generator, height: int, width: int) -> Window:
    kernel = tuple(int(rng.integers(1, min(4, side) + 1)) for side in (height, width))
    pads = tuple(int(rng.integers(0, kernel[i % 2])) for i in range(4))
    return Window(kernel, (int(rng.integers(1, 3)), int(rng.integers(1, 3))), pads)


def random_weights(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.choice(np.array([-1, 1], np.int8), shape)


def next_op(rng: np.random.Generator, tensor: Tensor) -> Op | None:
    """Some operation that a tensor may take; None where the one drawn does not suit it."""
    kind, image = int(rng.integers(0, 9)), len(tensor.shape) == 3
    features = int(rng.choice([1, 2, 16, 17, 33, 64, 65, 130]))
    window = random_window(rng, *tensor.shape[1:]) if image else None
    if kind < 2:
        if window:
            weight = random_weights(rng, features, tensor.shape[0], *window.kernel)
            fill = int(rng.integers(-1, 2)) if tensor.dtype == Bit(bipolar=True) else 0
            return BinaryConv(weight, window, fill=fill)
        return BinaryDense(random_weights(rng, features, tensor.shape[0]))
    if kind == 2 and window:
        weight = rng.integers(-128, 128, (features, tensor.shape[0], *window.kernel))
        return IntegerConv(weight, window, 8, rng.integers(-99, 99, (1, 1, features)))
    if kind == 2:
        weight = rng.integers(-8, 8, (features, tensor.shape[0]))
        return IntegerDense(weight, 4, rng.integers(-99, 99, features))
    if isinstance(tensor.dtype, Bit):
        return BitMaxPool(window, rng.random(tensor.shape[0]) < 0.4) if window else None
    if kind == 3 and window:
        return IntegerMaxPool(window)
    if kind == 4 and window:
        return SumPool(window)
    if kind == 5 and image:
        return Flatten()
    if kind == 6:
        return random_threshold(rng, tensor)
    dtype = Integer(int(rng.choice([2, 9, 16, 24, 40])), True)
    return random_affine(rng, tensor, dtype)


def random_graph(seed: int) -> tuple[Graph, np.ndarray]:
    """Some operations after one another; what an affine one gives is added to some tensor."""
    rng = np.random.default_rng(seed)
    element = [*BITS, *NUMBERS, Integer(24, True)][seed % 7]
    shape = (int(rng.choice([1, 3, 17, 64, 70])), *map(int, rng.integers(1, 8, 2)))
    builder = Branches(shape, element, seed)
    for i in range(int(rng.integers(2, 9))):
        tensor = builder.tensors[builder.end]
        op = next_op(rng, tensor)
        too_wide = isinstance(tensor.dtype, Integer) and tensor.dtype.bits > 44
        if op is None or too_wide:
            continue
        builder.add(f"n{i}", op)
        if isinstance(op, FixedAffine):
            same = [name for name, t in builder.tensors.items()
                    if t.shape == tensor.shape and isinstance(t.dtype, Integer)]  # fmt: skip
            inputs = (builder.end, str(rng.choice(same)))
            builder.node(f"a{i}", FixedAdd(op.dtype), *(inputs[:: rng.choice([-1, 1])]))
    if not builder.nodes:
        builder.add("flat", Flatten())
    return builder.graph(), builder.inputs(3)


@pytest.mark.parametrize("mode", [REFLECT, EDGE])
def test_pads_before_and_behind_kernels(kernels, mode: str) -> None:
    builder = GraphBuilder((3, 6, 7), Integer(8, False), 4).add("p0", Pad(mode, (1, 2, 0, 3)))
    builder.layer("l", 33, Window((3, 3))).rescale("a", Integer(12, True))
    builder.add("p1", Pad(mode, (2, 0, 1, 1))).threshold("t").add("p2", Pad(mode, (0, 1, 1, 0)))
    builder.conv("c", 17, Window((3, 3))).dense("d", 5)
    assert_same(kernels, builder.graph(), builder.inputs(4))


@pytest.mark.parametrize("part", range(8))
def test_random_graphs_give_the_same_in_every_tensor(kernels, part):
    for seed in range(part, 160, 8):
        assert_same(kernels, *random_graph(seed))


@pytest.mark.parametrize("builder", [cnv(1), digits(2), residual(3), residual(4, width=70)])
def test_networks_give_the_same_in_every_tensor(kernels, builder):
    plan = assert_same(kernels, builder.graph(), builder.inputs(3))
    assert not any(isinstance(stage, PlainStage) for stage in plan._stages)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("element", [*BITS, *NUMBERS])
def test_convolutions_of_any_window_and_any_number_of_channels(kernels, element, window):
    for channels, features in ((1, 1), (5, 17), (64, 16), (65, 64), (130, 33)):
        builder = GraphBuilder((channels, 7, 6), element, channels).conv("conv", features, window)
        assert_same(kernels, builder.graph(), builder.inputs(2))


@pytest.mark.parametrize("element", [*BITS, Integer(8, True)])
def test_images_smaller_than_the_kernel(kernels, element):
    for height, width in ((1, 1), (1, 4), (2, 1)):
        window = Window((5, 5), (1, 1), (2, 2, 2, 2))
        builder = GraphBuilder((70, height, width), element).conv("conv", 20, window)
        assert_same(kernels, builder.graph(), builder.inputs(2))


def test_extreme_numbers_saturate_and_do_not_wrap(kernels):
    stream = Integer(24, True)
    top = (1 << 24) - 1
    for m, b, shift in ((top, 1 << 47, 20), (-top, -(1 << 47), 20), (top, -1, 0), (1, 0, 24)):
        op = FixedAffine(np.array([[m, -m, 0]]), np.array([[b, -b, b]]), shift, stream)
        builder = Branches((3, 1, 4), stream).node("y", op, "x")
        builder.node("sum", FixedAdd(stream), "y_y", "x").node("low", random_threshold(
            np.random.default_rng(0), builder.tensors["sum_y"]), "sum_y")  # fmt: skip
        ends = np.array([stream.low, -1, 0, stream.high])
        plan = assert_same(kernels, builder.graph(), np.tile(ends, (1, 3, 1, 1)))
        assert [type(stage) for stage in plan._stages] == [KernelStage]


def test_numbers_beyond_32_bits_are_left_to_numpy(kernels):
    wide = Integer(40, True)
    big = FixedAffine(np.array([[1 << 20, -(1 << 20)]]), np.array([[5, 5]]), 0, wide)
    small = FixedAffine(np.array([[1, 3]]), np.array([[0, 0]]), 30, Integer(16, True))
    builder = GraphBuilder((2, 2, 3), Integer(20, True)).add("big", big).add("small", small)
    plan = assert_same(kernels, builder.graph(), builder.inputs(3))
    assert [type(stage) for stage in plan._stages] == [PlainStage, PlainStage]


def test_an_affine_operation_whose_products_need_more_than_64_bits_is_left_to_numpy(kernels):
    op = FixedAffine(np.array([[1 << 40]]), np.array([[0]]), 50, Integer(24, True))
    builder = GraphBuilder((1,), Integer(30, True)).add("y", op)
    plan = Plan(builder.graph(), lambda name: False, kernels)
    assert [type(stage) for stage in plan._stages] == [PlainStage]


def test_a_block_is_one_stage_and_its_shortcut_may_come_from_either_side(kernels):
    stream = Integer(10, True)
    rng = np.random.default_rng(3)
    builder = Branches((40, 6, 5), stream)
    for i, order in enumerate([(0, 1), (1, 0)]):
        builder.node(f"bits{i}", random_threshold(rng, builder.tensors[builder.end]), builder.end)
        before = builder.nodes[-1].inputs[0]
        builder.conv(f"conv{i}", 40, Window((3, 3), (1, 1), (1, 1, 1, 1)))
        builder.add(f"scale{i}", random_affine(rng, builder.tensors[builder.end], stream))
        both = (before, f"scale{i}_y")
        builder.node(f"add{i}", FixedAdd(stream), *(both[j] for j in order))
    plan = assert_same(kernels, builder.graph(), builder.inputs(2))
    assert len(plan._stages) == 3


@pytest.mark.parametrize("element", BITS)
@pytest.mark.parametrize("binary", [True, False])
def test_fully_connected_layers_read_images_without_flattening_them(kernels, element, binary):
    for shape in ((5, 3, 4), (70, 1, 1), (64, 4, 4)):
        builder = GraphBuilder(shape, element)
        (builder.dense if binary else builder.classifier)("dense", 33)
        plan = assert_same(kernels, builder.graph(), builder.inputs(3))
        assert [type(stage) for stage in plan._stages] == [KernelStage]


def test_a_flattened_tensor_that_something_else_reads_keeps_its_order(kernels):
    rng = np.random.default_rng(1)
    builder = GraphBuilder((6, 3, 2), Integer(8, True)).add("flat", Flatten())
    builder.add("scale", random_affine(rng, builder.tensors["flat_y"], Integer(9, True)))
    builder.dense("dense", 7)
    assert_same(kernels, builder.graph(), builder.inputs(3))


@pytest.mark.parametrize("channels", [3, 64, 100])
def test_pools_of_bits_and_tables(kernels, channels):
    for window in (Window((2, 2), (2, 2)), Window((3, 3), (2, 2), (1, 1, 1, 1))):
        builder = GraphBuilder((channels, 5, 6), Bit(True)).pool("pool", window)
        table = IntegerTable(np.array([3, 0, -2]), Integer(4, True))
        builder.add("table", table).conv("conv", 9, Window((2, 2)))
        builder.threshold("bits", bipolar=False).pool("again", Window((1, 2), (1, 2)))
        assert_same(kernels, builder.graph(), builder.inputs(2))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_rows_and_samples_may_be_spread_over_cores(kernels, count, monkeypatch):
    graph, x = cnv().graph(), cnv().inputs(7)[:count]
    want = interpret_plain(graph, x, lambda name: False)[graph.output]
    monkeypatch.setattr("bnnhw.interpret.interpreter.accelerated", lambda graph, samples: kernels)
    monkeypatch.setattr("bnnhw.interpret.interpreter._WORTH_CORES", 0)
    monkeypatch.setattr("bnnhw.interpret.fast.stage._WORTH_A_THREAD", 0)
    for usable in (1, 2, 3):
        for module in ("interpreter", "fast.stage", "fast.cores"):
            monkeypatch.setattr(
                f"bnnhw.interpret.{module}.core_count", lambda usable=usable: usable
            )
        assert np.array_equal(interpret(graph, x), want)
        assert np.array_equal(interpret_all(graph, x)[graph.output], want)


def test_items_are_done_once_each_and_failures_reach_the_caller(monkeypatch):
    monkeypatch.setattr("bnnhw.interpret.fast.cores.core_count", lambda: 4)
    with cores(worthwhile=True) as spread:
        assert spread(lambda i: i * i, range(100)) == [i * i for i in range(100)]
        assert spread(lambda i: i, []) == []
        for bad in (0, 57):
            with pytest.raises(ZeroDivisionError):
                spread(lambda i, bad=bad: 1 // (i - bad), range(100))


def test_what_a_helper_does_not_finish_the_caller_does(monkeypatch):
    monkeypatch.setattr("bnnhw.interpret.fast.cores.core_count", lambda: 2)
    caller, stop, begun = threading.get_ident(), threading.Event(), threading.Event()

    def work(i: int) -> int:
        if threading.get_ident() != caller:
            begun.set()
            stop.wait(20)
        else:
            begun.wait(0.2)
        return i + 1

    with cores(worthwhile=True) as spread:
        assert spread(work, range(5)) == [1, 2, 3, 4, 5]
        assert begun.is_set() and not stop.is_set()
        stop.set()


def test_kept_tensors_are_those_asked_for(kernels, monkeypatch):
    monkeypatch.setattr("bnnhw.interpret.interpreter.accelerated", lambda graph, samples: kernels)
    graph, x = cnv().graph(), cnv().inputs(1)
    kept = interpret_all(graph, x, keep=lambda name: name == "sign0_y")
    assert set(kept) == {"sign0_y", graph.output}
    assert set(np.unique(kept["sign0_y"])) == {-1, 1}


def test_no_kernel_is_compiled_for_other_types_on_the_way(kernels):
    for seed in range(20):
        assert_same(kernels, *random_graph(seed))
    assert len(kernels.layer.signatures) == 2
    assert len(kernels.pool.signatures) == 1


def test_kernels_that_numba_cannot_keep_on_disk_are_compiled_all_the_same(monkeypatch):
    pytest.importorskip("numba")

    def njit(**options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: (function, options)

    from bnnhw.ir import machine_code

    monkeypatch.setattr(machine_code, "njit", njit)
    assert machine_code.compiled(len) == (len, {"nogil": True})
