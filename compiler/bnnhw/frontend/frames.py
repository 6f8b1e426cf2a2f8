"""Images (N, C, H, W) and signals (N, C, L) of ONNX as graph tensors (C, H, W).

A signal is an image of height 1, or of width 1. Which axis of the graph lies behind a dimension of
ONNX follows from the view; an operation with windows is then read along these axes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.frontend import views
from bnnhw.frontend.regrid import regrid_input
from bnnhw.frontend.views import BATCH, View
from bnnhw.ir.ops import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bnnhw.frontend.context import Context
    from bnnhw.frontend.onnx_nodes import OnnxNode
    from bnnhw.ir.ops import Floats, Ints, Shape

_ORDERS = {2: (("H", "W"), ("W", "H")), 1: (("W",), ("H",))}


@dataclass(frozen=True)
class Frame:
    """What an operation with windows reads.

    Attributes:
        tensor: the graph tensor.
        shape: its (C, H, W).
        axes: the axis of the graph, "H" or "W", behind each dimension of ONNX but N and C.
        channels: ONNX's dimension of the channels, where they are not in the graph's order.
        order: for each of the graph's channels then that of ONNX; None where they are the same.
    """

    tensor: str
    shape: Shape
    axes: tuple[str, ...]
    channels: tuple[str, ...] = ()
    order: Ints | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of the dimensions of ONNX but N and C."""
        return tuple(self.shape[1 + "HW".index(axis)] for axis in self.axes)

    def padded(self, pads: Sequence[int]) -> Frame:
        """The same with an image grown by (top, left, bottom, right), as a Pad before it does."""
        if not pads:
            return self
        channels, height, width = self.shape
        top, left, bottom, right = pads
        return replace(self, shape=(channels, height + top + bottom, width + left + right))

    def window(self, kernel: Sequence[int], stride: Sequence[int], pads: Sequence[int]) -> Window:
        """A window given for ONNX's dimensions, its pads as ONNX orders them, for the graph's."""
        rank = len(self.axes)
        by_axis = {
            axis: (kernel[i], stride[i], pads[i], pads[rank + i])
            for i, axis in enumerate(self.axes)
        }
        high, wide = (by_axis.get(axis, (1, 1, 0, 0)) for axis in "HW")
        return Window((high[0], wide[0]), (high[1], wide[1]), (high[2], wide[2], high[3], wide[3]))

    def weights(self, weight: Floats, *, each: bool = False) -> Floats:
        """Weights [Cout, Cin, ...] in ONNX's order as [Cout, Cin, KH, KW].

        With ``each``, output channels are those of the frame, each made of its own alone.
        """
        size = dict(zip(self.axes, weight.shape[2:], strict=True))
        turned = weight.swapaxes(2, 3) if self.axes == ("W", "H") else weight
        if self.order is not None:
            turned = turned[self.order] if each else turned[:, self.order]
        return turned.reshape(*weight.shape[:2], size.get("H", 1), size.get("W", 1))

    def view(self, tensor: str, shape: Shape) -> View:
        """ONNX's view of a result, a graph tensor of ``shape``, with the axes of this frame."""
        sizes = dict(zip("CHW", shape, strict=True))
        dims = (((axis,) if sizes[axis] > 1 else ()) for axis in ("C", *self.axes))
        return View(tensor, ((BATCH,), *dims))

    def alike(self, tensor: str, shape: Shape) -> View:
        """The same of a result whose channels are those of the frame, each made of its own."""
        view = self.view(tensor, shape)
        if not self.channels:
            return view
        return View(tensor, (view.dims[0], self.channels, *view.dims[2:]))

    def per_channel(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Numbers of channels, so that they broadcast against the tensor of ONNX."""
        return values.reshape(1, -1, *(1,) * len(self.axes))


def frame_of(view: View, shape: Shape) -> Frame | None:
    """The frame behind a view of a graph tensor of ``shape``; None where its axes are others."""
    if len(shape) != 3:
        return None
    for axes in _ORDERS.get(len(view.dims) - 2, ()):
        frame = Frame(view.tensor, shape, axes)
        hidden = {"H": shape[1], "W": shape[2]}
        whole = all(size == 1 for axis, size in hidden.items() if axis not in axes)
        if whole and frame.view(view.tensor, shape).dims == view.dims:
            return frame
    return None


def _reordered(ctx: Context, view: View) -> Frame | None:
    """The frame behind a view whose channels come in another order; else None."""
    if len(view.dims) < 2:
        return None
    channels = views.channel_order(view.dims[1], ctx.sizes(view))
    plain = View(view.tensor, (view.dims[0], ("C",), *view.dims[2:]))
    found = frame_of(plain, ctx.tensors[view.tensor].shape)
    if found is None or channels is None:
        return None
    return replace(found, channels=view.dims[1], order=np.argsort(channels))


def frame(ctx: Context, node: OnnxNode) -> Frame:
    """The image or signal that an operation with windows reads.

    Its channels may come in another order than the graph's.

    Raises:
        ModelError: it reads something else.
        LayoutError: another layout of the model's input may mend it.
    """
    view = ctx.view(node)
    shape = ctx.shape(view)
    if len(shape) not in (3, 4):
        raise ModelError(
            f"works on a tensor of {len(shape)} dimensions",
            where=node.where,
            fix="images (N, C, H, W) and signals (N, C, L) are supported: reshape to one of them",
        )
    found = frame_of(view, ctx.tensors[view.tensor].shape)
    if found is None:
        regridded = regrid_input(ctx, view, shape)
        if regridded is not None:
            found = frame_of(regridded, ctx.tensors[view.tensor].shape)
    found = found or _reordered(ctx, view)
    if found is not None:
        return found
    expected = "(N, C, H, W)" if len(shape) == 4 else "(N, C, L)"
    axes = ["".join(dim) or "1" for dim in view.dims]
    raise ctx.layout_error(f"reads its input with the axes {axes} of {expected}", node, expected)
