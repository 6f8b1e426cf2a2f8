"""Kernel, stride and padding attributes of ONNX convolutions and pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.errors import ModelError
from bnnhw.frontend.limits import MAX_WINDOW
from bnnhw.ir.ops import Window

if TYPE_CHECKING:
    from bnnhw.frontend.model_file import OnnxNode

Pads = tuple[int, int, int, int]


def window_of(node: OnnxNode, kernel: tuple[int, int], image: tuple[int, int]) -> Window:
    """The window of a Conv or pool node, ``auto_pad`` resolved."""
    for key in ("dilations", "strides"):
        value = tuple(int(v) for v in node.attributes.get(key, (1, 1)))
        if len(value) != 2 or not all(1 <= v <= MAX_WINDOW for v in value):
            raise ModelError(
                f"has {key} {value}",
                where=node.where,
                fix=f"give two positive ones of at most {MAX_WINDOW}",
            )
    dilations = tuple(node.attributes.get("dilations", (1, 1)))
    if any(d != 1 for d in dilations):
        raise ModelError(
            f"has dilations {dilations}; dilated windows are not supported",
            where=node.where,
            fix="use dilation 1",
        )
    stride = tuple(int(s) for s in node.attributes.get("strides", (1, 1)))
    pads = _pads(node, kernel, (stride[0], stride[1]), image)
    window = Window(kernel, (stride[0], stride[1]), pads)
    if any(p < 0 for p in pads):
        raise ModelError(f"has negative pads {pads}", where=node.where, fix="crop beforehand")
    if max(*pads, *kernel) > MAX_WINDOW:
        raise ModelError(
            f"has a kernel {kernel} and pads {pads}; the limit is {MAX_WINDOW}",
            where=node.where,
            fix="the file is damaged; export the model again",
        )
    try:
        window.output_size(*image)
    except ModelError as error:
        raise ModelError(
            error.what, where=node.where, fix="the image shrinks too far: use a smaller kernel"
        ) from error
    return window


def pool_window(node: OnnxNode, image: tuple[int, int], *, ceil: bool = True) -> Window:
    """The window of a pool; ``ceil_mode``, if heeded, becomes padding at the bottom and right."""
    kernel = tuple(int(k) for k in node.attributes.get("kernel_shape", ()))
    if len(kernel) != 2 or any(k < 1 for k in kernel):
        raise ModelError(
            f"has the kernel {kernel}", where=node.where, fix="only 2-D pools are supported"
        )
    window = window_of(node, (kernel[0], kernel[1]), image)
    if any(p >= k for p, k in zip(window.pads, kernel * 2, strict=True)):
        raise ModelError(
            f"pads {window.pads} of a kernel {kernel}: a window would hold padding only",
            where=node.where,
            fix="pad less than the kernel's size",
        )
    if not ceil or not node.attributes.get("ceil_mode", 0):
        return window
    extra = [0, 0]
    for axis in (0, 1):
        before, after = window.pads[axis], window.pads[axis + 2]
        span = image[axis] + before + after - kernel[axis]
        steps = -(-span // window.stride[axis])
        if steps * window.stride[axis] >= image[axis] + before:
            steps -= 1
        extra[axis] = max(0, steps * window.stride[axis] - span)
    top, left, bottom, right = window.pads
    return Window(window.kernel, window.stride, (top, left, bottom + extra[0], right + extra[1]))


def _pads(
    node: OnnxNode, kernel: tuple[int, int], stride: tuple[int, int], image: tuple[int, int]
) -> Pads:
    auto = str(node.attributes.get("auto_pad", "NOTSET"))
    if auto == "NOTSET":
        pads = tuple(int(p) for p in node.attributes.get("pads", (0, 0, 0, 0)))
        if len(pads) != 4:
            raise ModelError(f"has pads {pads}", where=node.where, fix="give four")
        return (pads[0], pads[1], pads[2], pads[3])
    if auto == "VALID":
        return (0, 0, 0, 0)
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        raise ModelError(f"has auto_pad {auto}", where=node.where, fix="give explicit pads")
    sides = []
    for size, k, s in zip(image, kernel, stride, strict=True):
        total = max(0, (-(-size // s) - 1) * s + k - size)
        half = total // 2
        sides.append((half, total - half) if auto == "SAME_UPPER" else (total - half, half))
    return (sides[0][0], sides[1][0], sides[0][1], sides[1][1])
