"""The order in which flattened images stream: (H, W, C), where their vectors are in (C, H, W)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from bnnhw.errors import ModelError
from bnnhw.ir.ops import BinaryDense, Bools, Concat, Flatten, IntegerDense, Ints

if TYPE_CHECKING:
    from bnnhw.ir.graph import Graph, Node

Image = tuple[int, int, int]
Values = TypeVar("Values", Ints, Bools)


def flattened_images(graph: Graph) -> dict[str, Image]:
    """By tensor: (C, H, W) of the image that a vector is, and in whose order it streams.

    Flattening moves nothing, and neither do element-wise operations behind it.

    Raises:
        ModelError: an operation reads vectors that stream in different orders, or gives one in
            another order than (C, H, W) as scores; names it.
    """
    images: dict[str, Image] = {}
    for node in graph.nodes:
        shape = graph.tensors[node.inputs[0]].shape
        if isinstance(node.op, Flatten) and len(shape) == 3:
            images[node.output] = (shape[0], shape[1], shape[2])
        elif not isinstance(node.op, (BinaryDense, IntegerDense)):
            image = _common(graph, node, images)
            if image is not None:
                images[node.output] = image
    return images


def _common(graph: Graph, node: Node, images: dict[str, Image]) -> Image | None:
    found = {images.get(name) for name in node.inputs}
    moved = [image for image in found if image is not None and image[1:] != (1, 1)]
    if moved and isinstance(node.op, Concat):
        raise ModelError(
            "concatenates flattened images: they stream in another order",
            where=node.where,
            fix="concatenate the images' channels before they are flattened",
        )
    last = node.output == graph.output and not isinstance(node.op, Flatten)
    if moved and (len(found) > 1 or last):
        raise ModelError(
            "gives a flattened image as scores"
            if last
            else "reads a flattened image and a vector that is none: they stream in other orders",
            where=node.where,
            fix="put a fully connected layer behind the flattened image",
        )
    return next(iter(moved), None)


def in_stream_order(values: Values, image: Image | None) -> Values:
    """Values [..., C * H * W] of a vector's elements in the order in which these stream."""
    if image is None or not values.size:
        return values
    by_image = values.reshape(*values.shape[:-1], *image)
    return np.ascontiguousarray(np.moveaxis(by_image, -3, -1).reshape(values.shape))


def in_vector_order(values: Ints, image: Image | None) -> Ints:
    """Undoes ``in_stream_order``."""
    if image is None:
        return values
    channels, height, width = image
    by_pixel = values.reshape(*values.shape[:-1], height, width, channels)
    return np.ascontiguousarray(np.moveaxis(by_pixel, -1, -3).reshape(values.shape))
