"""Kernel, stride and padding attributes of ONNX convolutions and pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.errors import ModelError
from bnnhw.frontend.limits import MAX_WINDOW
from bnnhw.ir.ops import Window

if TYPE_CHECKING:
    from bnnhw.frontend.frames import Frame
    from bnnhw.frontend.onnx_nodes import OnnxNode

_COUNT = {1: "one positive number", 2: "two positive ones"}


def window_of(node: OnnxNode, kernel: tuple[int, ...], frame: Frame) -> Window:
    """The window of a Conv or pool node, ``auto_pad`` resolved; ``kernel`` in ONNX's order."""
    rank = len(frame.axes)
    for key in ("dilations", "strides"):
        value = tuple(int(v) for v in node.attributes.get(key, (1,) * rank))
        if len(value) != rank or not all(1 <= v <= MAX_WINDOW for v in value):
            raise ModelError(
                f"has {key} {value}",
                where=node.where,
                fix=f"give {_COUNT[rank]}, at most {MAX_WINDOW}",
            )
    dilations = tuple(node.attributes.get("dilations", (1,) * rank))
    if any(d != 1 for d in dilations):
        raise ModelError(
            f"has dilations {dilations}; dilated windows are not supported",
            where=node.where,
            fix="use dilation 1",
        )
    stride = tuple(int(s) for s in node.attributes.get("strides", (1,) * rank))
    pads = _pads(node, kernel, stride, frame.sizes)
    if any(p < 0 for p in pads):
        raise ModelError(f"has negative pads {pads}", where=node.where, fix="crop beforehand")
    if max(*pads, *kernel) > MAX_WINDOW:
        raise ModelError(
            f"has a kernel {kernel} and pads {pads}; the limit is {MAX_WINDOW}",
            where=node.where,
            fix="the file is damaged; export the model again",
        )
    window = frame.window(kernel, stride, pads)
    try:
        window.output_size(*frame.shape[1:])
    except ModelError as error:
        raise ModelError(
            error.what, where=node.where, fix="the image shrinks too far: use a smaller kernel"
        ) from error
    return window


def check_padding(node: OnnxNode, window: Window, frame: Frame) -> None:
    """Refuses windows further in the padding than beside the image, and images none of which see.

    Pools need no such check: their padding is less than the kernel, so the first window sees some.
    """
    top, left, bottom, right = window.pads
    height, width = window.kernel
    if max(top, bottom) > height or max(left, right) > width:
        raise ModelError(
            f"is padded by {max(window.pads)}, more than its {height}x{width} kernel: whole "
            "windows see nothing but padding",
            where=node.where,
            fix="pad by at most the kernel; beyond that each window gives the same",
        )
    if not window.sees(*frame.shape[1:]):
        raise ModelError(
            "all of its windows lie in the padding: its result is the same whatever the input",
            where=node.where,
            fix="pad by less than the kernel, or use a smaller stride",
        )


def pool_window(node: OnnxNode, frame: Frame, *, ceil: bool = True) -> Window:
    """The window of a pool; ``ceil_mode``, if heeded, becomes padding at the bottom and right."""
    kernel = tuple(int(k) for k in node.attributes.get("kernel_shape", ()))
    if len(kernel) != len(frame.axes) or any(k < 1 for k in kernel):
        raise ModelError(
            f"has the kernel {kernel}",
            where=node.where,
            fix=f"give {_COUNT[len(frame.axes)]}: pools of images and of signals are supported",
        )
    window = window_of(node, kernel, frame)
    if any(p >= k for p, k in zip(window.pads, window.kernel * 2, strict=True)):
        raise ModelError(
            f"pads {window.pads} of a kernel {window.kernel}: a window would hold padding only",
            where=node.where,
            fix="pad less than the kernel's size",
        )
    if not ceil or not node.attributes.get("ceil_mode", 0):
        return window
    extra = [0, 0]
    for axis, size in enumerate(frame.shape[1:]):
        before, after = window.pads[axis], window.pads[axis + 2]
        span = size + before + after - window.kernel[axis]
        steps = -(-span // window.stride[axis])
        if steps * window.stride[axis] >= size + before:
            steps -= 1
        extra[axis] = max(0, steps * window.stride[axis] - span)
    top, left, bottom, right = window.pads
    return Window(window.kernel, window.stride, (top, left, bottom + extra[0], right + extra[1]))


def _pads(
    node: OnnxNode, kernel: tuple[int, ...], stride: tuple[int, ...], sizes: tuple[int, ...]
) -> tuple[int, ...]:
    """Padding before each dimension, then behind each, as ONNX gives it."""
    rank = len(kernel)
    auto = str(node.attributes.get("auto_pad", "NOTSET"))
    if auto == "NOTSET":
        pads = tuple(int(p) for p in node.attributes.get("pads", (0,) * (2 * rank)))
        if len(pads) != 2 * rank:
            raise ModelError(
                f"has pads {pads}", where=node.where, fix="give two for each dimension"
            )
        return pads
    if auto == "VALID":
        return (0,) * (2 * rank)
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        raise ModelError(f"has auto_pad {auto}", where=node.where, fix="give explicit pads")
    sides = []
    for size, k, s in zip(sizes, kernel, stride, strict=True):
        total = max(0, (-(-size // s) - 1) * s + k - size)
        half = total // 2
        sides.append((half, total - half) if auto == "SAME_UPPER" else (total - half, half))
    return (*(before for before, _ in sides), *(after for _, after in sides))
