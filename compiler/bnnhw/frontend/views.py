"""How the axes of an ONNX tensor map to the axes of a graph tensor.

ONNX models transpose and reshape freely (channels last, flatten, squeeze). A graph tensor is always
(C, H, W) or (C,). The importer tracks every ONNX tensor as a view of a graph tensor: for each ONNX
dimension, the graph axes that are merged there. Transposes, reshapes and squeezes only change the
view; a fully connected layer after them folds the permutation into its weights.

A constant may vary along a dimension of size 1, as the levels of a thermometer code do. The graph
then copies the channels, all of them one after the other, and the copies are an axis of their own:
"R32" is one of 32 copies, outside of "C". So are the groups of a channel shuffle, and there the two
are merged the other way: ("C", "R32"). "P2,0,1" are the channels in another order, that of a
Gather. What treats each channel by itself keeps such an order, and a convolution folds it into its
weights.
"""

from __future__ import annotations

import contextlib
import math
import operator
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from bnnhw.ir.ops import Ints, Shape

BATCH = "N"
GRAPH_AXES = ("C", "H", "W")
_COPIES = "R"
_PICKED = "P"
RESHAPE_FIX = "reshape only to flatten, to squeeze, or to (N, C, H, W); keep the batch first"
DYNAMIC_BATCH = 1_000_003
"""Stands for a dynamic batch in shape arithmetic: a prime that no other size equals."""


@dataclass(frozen=True)
class View:
    """An ONNX tensor as a view of a graph tensor.

    Attributes:
        tensor: name of the graph tensor.
        dims: for each ONNX dimension, the axes merged there, outermost first; "N" is the batch.
            Graph axes of size 1 appear nowhere.
    """

    tensor: str
    dims: tuple[tuple[str, ...], ...]

    @property
    def order(self) -> tuple[str, ...]:
        """All axes in the order of the ONNX tensor, the batch left out."""
        return tuple(axis for dim in self.dims for axis in dim if axis != BATCH)

    @property
    def batch_first(self) -> bool:
        """Whether the batch is the first dimension, alone."""
        return bool(self.dims) and self.dims[0] == (BATCH,) and BATCH not in self.order


def shape_text(shape: Sequence[int]) -> str:
    """A shape as messages show it: N for the dynamic batch."""
    names = ["N" if size == DYNAMIC_BATCH else str(size) for size in shape]
    return f"({', '.join(names)})"


def axis_sizes(shape: Shape, batch: int, order: Sequence[str] = ()) -> dict[str, int]:
    """Sizes of the axes of a graph tensor of this shape, which a view has in this order."""
    sizes = {BATCH: batch, **dict(zip(GRAPH_AXES, shape, strict=False))}
    for axis in order:
        if axis.startswith(_COPIES):
            sizes[axis] = int(axis.removeprefix(_COPIES))
            sizes["C"] //= sizes[axis]
        elif axis.startswith(_PICKED):
            sizes[axis] = sizes["C"]
    return sizes


def copies_axis(count: int) -> str:
    """The axis of ``count`` copies of all channels."""
    return f"{_COPIES}{count}"


def picked_axis(channels: Sequence[int]) -> str:
    """The axis of all channels in this order."""
    if list(channels) == list(range(len(channels))):
        return "C"
    return _PICKED + ",".join(map(str, channels))


def reorders_channels(view: View) -> bool:
    """Whether the channels come in another order than the graph's, or apart in groups."""
    return any(axis.startswith((_COPIES, _PICKED)) for axis in view.order)


def channel_order(dim: Sequence[str], sizes: Mapping[str, int]) -> Ints | None:
    """For each element of a dimension the graph's channel; None where it is not all channels."""
    if len(dim) == 1 and dim[0].startswith(_PICKED):
        return np.array(dim[0].removeprefix(_PICKED).split(","), np.int64)
    axes = [axis for axis in sizes if axis == "C" or axis.startswith(_COPIES)]
    if not dim or sorted(dim) != sorted(axes):
        return None
    whole = [axis for axis in graph_axes(sizes) if axis in dim]
    numbers = np.arange(math.prod(sizes[axis] for axis in whole))
    apart = numbers.reshape([sizes[axis] for axis in whole])
    return apart.transpose([whole.index(axis) for axis in dim]).reshape(-1)


def graph_axes(sizes: Mapping[str, int]) -> list[str]:
    """The axes of a graph tensor, outermost first."""
    copies = [axis for axis in sizes if axis.startswith(_COPIES)]
    return [*copies, *(axis for axis in GRAPH_AXES if axis in sizes)]


def channels_whole(view: View, sizes: Mapping[str, int]) -> View:
    """The view with copies and channels as one axis, where they lie together in graph order."""
    copies = next((axis for axis in sizes if axis.startswith(_COPIES)), None)
    if copies is None:
        return view
    alone = sizes["C"] == 1
    dims = []
    for dim in view.dims:
        joined = list(dim)
        if copies in joined:
            at = joined.index(copies)
            if alone:
                joined[at] = "C"
            elif joined[at + 1 : at + 2] == ["C"]:
                del joined[at]
        dims.append(tuple(joined))
    return View(view.tensor, tuple(dims))


def natural_view(tensor: str, shape: Shape) -> View:
    """The ONNX tensor (N, C, H, W) or (N, C)."""
    axes = [((axis,) if size > 1 else ()) for axis, size in zip(GRAPH_AXES, shape, strict=False)]
    return View(tensor, ((BATCH,), *axes))


def view_shape(view: View, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The ONNX tensor's shape."""
    return tuple(math.prod(sizes[axis] for axis in dim) for dim in view.dims)


def reshape(view: View, target: Sequence[int], sizes: Mapping[str, int]) -> View:
    """The view after Reshape to ``target`` (0 and -1 resolved already).

    Raises:
        ModelError: a dimension would be split, or the batch mixed with features.
    """
    flat = [axis for dim in view.dims for axis in dim if sizes[axis] > 1]
    own = shape_text(view_shape(view, sizes))
    dims: list[tuple[str, ...]] = []
    for size in target:
        group: list[str] = []
        product = 1
        while product < size and flat:
            group.append(flat.pop(0))
            product *= sizes[group[-1]]
        if product != size:
            raise ModelError(
                f"reshapes {own} to {shape_text(target)}, which splits an axis", fix=RESHAPE_FIX
            )
        dims.append(tuple(group))
    if flat:
        raise ModelError(f"reshapes {own} to {shape_text(target)}: sizes differ", fix=RESHAPE_FIX)
    if sizes[BATCH] == 1 and dims and not dims[0]:
        dims[0] = (BATCH,)
    if any(BATCH in dim and len(dim) > 1 for dim in dims):
        raise ModelError("mixes the batch with other dimensions", fix=RESHAPE_FIX)
    return channels_whole(View(view.tensor, tuple(dims)), sizes)


def grouped(view: View, target: Sequence[int], sizes: Mapping[str, int]) -> View | None:
    """The view after a Reshape that puts the channels into groups; None where it does not.

    The channels are split once, the groups outside: (N, C, H, W) to (N, G, C / G, H, W).
    """
    channels = GRAPH_AXES[0]
    if channels not in view.order or reorders_channels(view):
        return None
    before = math.prod(sizes[a] for a in view.order[: view.order.index(channels)])
    for product in accumulate(target[1:], operator.mul):
        groups, rest = divmod(product, before)
        if not rest and 1 < groups < sizes[channels] and sizes[channels] % groups == 0:
            axis = copies_axis(groups)
            split = {**sizes, axis: groups, channels: sizes[channels] // groups}
            apart = View(view.tensor, tuple(_beside(dim, channels, axis) for dim in view.dims))
            with contextlib.suppress(ModelError):
                return reshape(apart, target, split)
    return None


def _beside(dim: tuple[str, ...], axis: str, outer: str) -> tuple[str, ...]:
    """A dimension with another axis in front of one."""
    return tuple(b for a in dim for b in ((outer, a) if a == axis else (a,)))


def picked(
    view: View, axis: int, indices: NDArray[np.integer], sizes: Mapping[str, int]
) -> View | None:
    """The view after Gather of the channels, all of them and each once; None of anything else."""
    if not 0 <= axis < len(view.dims) or indices.ndim != 1:
        return None
    channels = channel_order(view.dims[axis], sizes)
    if channels is None or sorted(indices % len(channels)) != list(range(len(channels))):
        return None
    if (indices < -len(channels)).any() or (indices >= len(channels)).any():
        return None
    dims = list(view.dims)
    dims[axis] = (picked_axis(channels[indices]),)
    return View(view.tensor, tuple(dims))


def gathered(view: View, indices: NDArray[np.integer], sizes: Mapping[str, int]) -> View | None:
    """The view after Gather of a flattened tensor by constant indices; None if it reorders pixels.

    PyTorch's exporter writes ``as_strided`` so: element i, j, .. is the one at i * s + j * t + ..,
    where each stride is that of an axis, or of several merged.
    """
    axes = [axis for axis in view.order if sizes[axis] > 1]
    count = math.prod(sizes[axis] for axis in axes)
    if len(view.dims) != 1 or BATCH in view.dims[0] or indices.size != count:
        return None
    ends = {math.prod(sizes[a] for a in axes[i + 1 :]): i for i in range(len(axes))}
    dims: list[tuple[str, ...]] = []
    first = indices.reshape(-1)[:1].reshape((1,) * indices.ndim)
    expected = first * 0
    for dim, size in enumerate(indices.shape):
        group: list[str] = []
        if size > 1:
            stride = int((indices.take([1], dim) - indices.take([0], dim)).flat[0])
            at = ends.get(stride, -1)
            while at >= 0 and math.prod(sizes[a] for a in group) < size:
                group.insert(0, axes[at])
                at -= 1
            if math.prod(sizes[a] for a in group) != size:
                return None
            steps = np.arange(size).reshape([size if d == dim else 1 for d in range(indices.ndim)])
            expected = expected + steps * stride
        dims.append(tuple(group))
    used = [axis for dim in dims for axis in dim]
    if sorted(used) != sorted(axes) or not np.array_equal(expected, indices):
        return None
    if dims and not dims[0]:
        dims[0] = (BATCH,)
    return View(view.tensor, tuple(dims))


def resolve_target(
    target: Sequence[int], source: Sequence[int], *, allow_zero: bool
) -> tuple[int, ...]:
    """Reshape's target with 0 (copy) and -1 (the rest) replaced."""
    if target.count(-1) > 1 or any(size < -1 for size in target):
        raise ModelError(f"has the target shape {shape_text(target)}", fix=RESHAPE_FIX)
    sizes = list(target)
    for i, size in enumerate(sizes):
        if size == 0 and not allow_zero:
            if i >= len(source):
                raise ModelError(
                    f"copies dimension {i} of a tensor of {len(source)}", fix=RESHAPE_FIX
                )
            sizes[i] = source[i]
    if -1 in sizes:
        rest = math.prod(size for size in sizes if size != -1)
        if rest == 0 or math.prod(source) % rest:
            raise ModelError(
                f"cannot reshape {shape_text(source)} to {shape_text(target)}", fix=RESHAPE_FIX
            )
        sizes[sizes.index(-1)] = math.prod(source) // rest
    if math.prod(sizes) != math.prod(source):
        raise ModelError(
            f"cannot reshape {shape_text(source)} to {shape_text(target)}", fix=RESHAPE_FIX
        )
    return tuple(sizes)


def in_graph_order(
    view: View, values: NDArray[np.generic], sizes: Mapping[str, int]
) -> NDArray[np.generic]:
    """A constant that broadcasts against the ONNX tensor, as [C, H, W] or [C] of the graph's.

    Axes along which it does not vary have size 1.

    Raises:
        ModelError: it does not broadcast, or it varies over the batch.
    """
    shape = view_shape(view, sizes)
    own = (1,) * (len(shape) - values.ndim) + values.shape
    apart: list[int] = []
    for dim, size, mine in zip(view.dims, shape, own, strict=False):
        if mine not in (1, size) or (BATCH in dim and mine != 1):
            own = ()
            break
        apart += [1 if mine == 1 else sizes[axis] for axis in dim if axis != BATCH]
    if len(own) != len(shape) or len(apart) != len(view.order):
        raise ModelError(
            f"a constant of shape {values.shape} does not broadcast to "
            f"{shape_text(shape[1:])} a sample",
            fix="check the shape",
        )
    order, picked = _in_place(view, sizes)
    axes = graph_axes(sizes)
    present = [axis for axis in axes if axis in order]
    split = values.reshape(apart)
    moved = split.transpose([order.index(axis) for axis in present])
    varying = dict(zip(present, moved.shape, strict=True))
    placed = moved.reshape([varying.get(axis, 1) for axis in axes])
    if picked is not None and len(placed) > 1:
        placed = placed[picked]
    if axes[0] == GRAPH_AXES[0]:
        return placed
    shape, rest = (sizes[axes[0]], sizes[axes[1]]), placed.shape[2:]
    if placed.shape[:2] == (1, 1):
        return placed.reshape(1, *rest)
    return np.broadcast_to(placed, (*shape, *rest)).reshape(-1, *rest)


def weights_in_graph_order(
    view: View, matrix: NDArray[np.float64], sizes: Mapping[str, int]
) -> NDArray[np.float64]:
    """Weights [out, K] over the merged axes of ``view``, K put into C, H, W order."""
    order, picked = _in_place(view, sizes)
    apart = matrix.reshape(len(matrix), *(sizes[axis] for axis in order))
    present = [axis for axis in graph_axes(sizes) if axis in order]
    moved = apart.transpose(0, *(1 + order.index(axis) for axis in present))
    if picked is not None:
        moved = moved[:, picked]
    return moved.reshape(len(matrix), -1)


def samples_in_graph_order(
    view: View, values: NDArray[np.generic], sizes: Mapping[str, int]
) -> NDArray[np.generic]:
    """An ONNX tensor's values [N, ...] as samples [N, C, H, W] or [N, C] of the graph's."""
    order, picked = _in_place(view, sizes)
    apart = values.reshape(len(values), *(sizes[axis] for axis in order))
    axes = graph_axes(sizes)
    present = [axis for axis in axes if axis in order]
    moved = apart.transpose(0, *(1 + order.index(axis) for axis in present))
    if picked is not None:
        moved = moved[:, picked]
    return moved.reshape(len(values), *(sizes[axis] for axis in axes))


def _in_place(view: View, sizes: Mapping[str, int]) -> tuple[tuple[str, ...], Ints | None]:
    """The order of axes with picked channels as "C", and what brings these into graph order."""
    picked = [axis for axis in view.order if axis.startswith(_PICKED)]
    if not picked:
        return view.order, None
    channels = channel_order(picked, sizes)
    assert channels is not None
    order = tuple("C" if axis in picked else axis for axis in view.order)
    return order, np.argsort(channels)
