"""Which unit a pool takes, and that the windows of each are what the unit can do."""

from __future__ import annotations

from itertools import product

import pytest

from bnnhw.hardware.stages.pool import Pool
from bnnhw.ir.ops import IntegerMaxPool, SumPool, Window
from bnnhw.ir.types import Bit, Integer
from bnnhw.planning.network import Network
from graphs import GraphBuilder

AXES = [
    (size, kernel, stride, (before, after))
    for size, kernel, stride in product(range(1, 8), range(1, 6), range(1, 4))
    for before, after in product(range(kernel), repeat=2)
    if size + before + after >= kernel
]


def pool_of(window: Window, size: tuple[int, int], *, bits: bool = False, total: bool = False):
    """The pool stage of a network of a pool and a layer."""
    builder = GraphBuilder((4, *size), Bit() if bits else Integer(8, True), name="pool")
    if bits:
        builder.pool("pool", window)
    else:
        builder.add("pool", SumPool(window) if total else IntegerMaxPool(window))
    network = Network(builder.dense("scores", 3).graph())
    return next(stage for stage in network.stages if isinstance(stage, Pool))


def windows(size: int, kernel: int, stride: int, pads: tuple[int, int]) -> list[set[int]]:
    """The positions inside the image of each window."""
    starts = range(-pads[0], size + pads[1] - kernel + 1, stride)
    return [{p for p in range(s, s + kernel) if 0 <= p < size} for s in starts]


@pytest.mark.parametrize("axis", [0, 1])
def test_pools_grow_where_two_windows_are_open_and_one_ends(axis: int) -> None:
    tried = {True: 0, False: 0}
    for size, kernel, stride, (before, after) in AXES:
        if (kernel, before, after) == (stride, 0, 0):
            continue
        pads = (before, 0, after, 0) if axis == 0 else (0, before, 0, after)
        pair = (lambda a, b: (a, b)) if axis == 0 else (lambda a, b: (b, a))
        window = Window(pair(kernel, 1), pair(stride, 1), pads)
        pool = pool_of(window, pair(size, 3))
        covered = windows(size, kernel, stride, (before, after))
        ends = [max(taps) for taps in covered]
        most = max(sum(p in taps for taps in covered) for p in range(size))
        grows = len(set(ends)) == len(ends) and kernel <= 2 * stride
        assert pool.needs_window is not grows
        assert not grows or (most <= 2 and all(covered))
        tried[grows] += 1
    assert min(tried.values()) > 100


@pytest.mark.parametrize(
    ("window", "unit"),
    [
        (Window((2, 2), (2, 2)), "bnn_int_pool"),
        (Window((3, 3), (2, 2), (1, 1, 1, 1)), "bnn_int_pool_overlap"),
        (Window((2, 2), (2, 2), (1, 1, 0, 0)), "bnn_int_pool_overlap"),
        (Window((3, 3), (1, 1), (1, 1, 1, 1)), "bnn_int_pool_reduce"),
        (Window((3, 3), (2, 1), (1, 1, 1, 1)), "bnn_int_pool_reduce"),
        (Window((3, 3), (2, 2), (1, 1, 2, 2)), "bnn_int_pool_reduce"),  # ends two rows at once
    ],
    ids=str,
)
@pytest.mark.parametrize("total", [False, True])
def test_a_pool_of_integers_takes_the_unit_without_a_window(
    window: Window, unit: str, total: bool
) -> None:
    kind, params = pool_of(window, (8, 8), total=total).unit(2)
    assert (kind, params["OPERATION"]) == (unit, int(total))


def test_bits_that_overlap_are_laid_out_as_windows() -> None:
    pool = pool_of(Window((3, 3), (2, 2), (1, 1, 1, 1)), (8, 8), bits=True)
    assert pool.needs_window
    assert pool.unit(2)[0] == "bnn_pool_reduce"


@pytest.mark.parametrize(("side", "style"), [(112, 2), (8, 1)])
def test_the_row_of_results_is_in_block_ram_where_it_fills_half_a_block(
    side: int, style: int
) -> None:
    window = Window((3, 3), (2, 2), (1, 1, 1, 1))
    assert pool_of(window, (side, side * 8)).unit(1)[1]["RAM_STYLE"] == style
