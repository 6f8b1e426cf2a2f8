"""Model inputs to bytes of the input stream, and bytes of the output stream to scores.

Both follow the manifest alone, and give what the compiler's own interpreter reads and gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw_host.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from bnnhw_host.manifest import InputPort, OutputPort

    Array = NDArray[Any]

_BLOCK = 1 << 16  # elements at a time, so that what is between input and bytes stays in the cache
_FLOAT32_REACH = 1 << 12  # integers up to here are exact enough in float32 to be told apart


class Packer:
    """Packs model inputs as the accelerator's stream takes them.

    Args:
        port: the input's format.
    """

    def __init__(self, port: InputPort) -> None:
        self.port = port
        self._scale = self._spread(port.scale)
        self._offset = self._spread(port.offset)
        self._narrow = self._scale.astype(np.float32), self._offset.astype(np.float32)
        self._block = max(1, _BLOCK // int(np.prod(port.grid)))  # frames
        self._scales = bool(np.any(self._scale != 1))
        self._shifts = bool(np.any(self._offset != 0))
        floats = np.dtype(port.dtype).kind == "f"
        plain = floats or not (self._scales or self._shifts)
        # Whether uint8 stand for themselves: raw pixels, or integers that the model takes.
        self._takes_pixels = plain and (port.low, port.high) == (0, 255)
        self._fits_float32 = max(-port.low, port.high) <= _FLOAT32_REACH
        self._whole: np.dtype[Any] | None = None  # numbers of the stream that numpy has too
        if port.element != "bit" and port.elem_bits in (8, 16, 32):
            self._whole = np.dtype(f"<{'i' if port.low < 0 else 'u'}{port.elem_bits // 8}")

    def check(self, images: ArrayLike) -> Array:
        """Images as an array [N, *shape] of a type that can be packed; one image becomes N = 1.

        Raises:
            InputError: the shape or the type is another than the model's.
        """
        port = self.port
        try:
            images = np.asarray(images)
        except ValueError as error:
            raise InputError(f"images are no array: {error}", fix="give [N, *shape]") from error
        if images.shape == port.shape:
            images = images[None]
        if images.ndim != len(port.shape) + 1 or images.shape[1:] != port.shape:
            wanted = ", ".join(map(str, port.shape))
            raise InputError(
                f"images have shape {images.shape}, the model takes (N, {wanted})",
                fix="give an array of the model's own input shape",
            )
        if images.dtype.kind not in "biuf":
            raise InputError(
                f"images are of type {images.dtype}, the model takes {port.dtype}",
                fix="give an array of numbers",
            )
        return images

    def pack(self, images: Array, out: Array) -> None:
        """Packs images [N, *shape] into bytes [N, frame_bytes] of ``out``.

        Raises:
            InputError: a value is none that the model's input type can hold.
        """
        for first in range(0, len(images), self._block):
            last = first + self._block
            self._pack_block(images[first:last], out[first:last])

    def _pack_block(self, images: Array, out: Array) -> None:
        port = self.port
        if port.element == "bit":
            bits = self._raster(self._bits(images))
            packed = np.packbits(bits.reshape(len(bits), -1), axis=1, bitorder="little")
            out[:] = packed
            return
        integers = self._raster(self._integers(images))
        flat = integers.reshape(len(integers), -1)
        if self._whole is not None:
            out.view(self._whole)[:] = flat
            return
        if port.elem_bits in (2, 4):
            fields = flat.astype(np.uint8) & ((1 << port.elem_bits) - 1)
            parts = fields.reshape(len(flat), port.frame_bytes, 8 // port.elem_bits)
            packed = parts[:, :, 0].copy()
            for place in range(1, parts.shape[2]):
                packed |= parts[:, :, place] << place * port.elem_bits
            out[:] = packed
            return
        if port.elem_bits < 8:
            each = flat.astype(np.uint8)[:, :, None]
            bits = np.unpackbits(each, axis=2, count=port.elem_bits, bitorder="little")
        else:
            spread = flat.astype(np.int64)[:, :, None] >> np.arange(port.elem_bits)
            bits = (spread & 1).astype(np.uint8)
        out[:] = np.packbits(bits.reshape(len(flat), -1), axis=1, bitorder="little")

    def _integers(self, images: Array) -> Array:
        """Integers of the model's own shape."""
        port = self.port
        if self._takes_pixels and images.dtype == np.uint8:
            return images
        exact: Array
        if self._fits_float32 and images.dtype == np.float32 and port.rounding is None:
            exact, (scale, offset) = images.astype(np.float32), self._narrow
        else:
            exact, scale, offset = images.astype(np.float64), self._scale, self._offset
        if self._shifts:
            exact -= offset
        if self._scales:
            exact /= scale
        integers = np.rint(exact)
        if port.rounding is not None:
            if np.isnan(integers).any():
                raise self._refusal(images)
            return np.clip(integers, port.low, port.high).astype(np.int32)
        exact -= integers
        tolerance = self._tolerance(images)
        near = -tolerance <= exact.min() and exact.max() <= tolerance
        if not near or not (port.low <= integers.min() and integers.max() <= port.high):
            raise self._refusal(images)
        return integers.astype(np.uint8 if port.low == 0 and port.high <= 255 else np.int32)

    def _bits(self, images: Array) -> Array:
        """Whether each value is bit 1, of the model's own shape."""
        port, rounding = self.port, self.port.rounding
        if rounding is not None:
            point = rounding["point"]
            if point is not None:
                values = images.astype(np.float64)
            else:
                values, point = (
                    (images.astype(np.float64) - self._offset) / self._scale,
                    rounding["middle"],
                )
            if rounding["falls"]:
                return values <= point if rounding["ties_high"] else values < point
            return values >= point if rounding["ties_high"] else values > point
        exact = (images.astype(np.float64) - self._offset) / self._scale
        integers = np.rint(exact)
        near = np.abs(exact - integers).max(initial=0) <= self._tolerance(images)
        if not near or not np.all((integers == port.low) | (integers == port.high)):
            raise self._refusal(images)
        return integers == port.high

    def _raster(self, values: Array) -> Array:
        """Values of the model's own shape in the stream's order: height, width, channel."""
        port = self.port
        if port.channels_last:
            return values
        if len(port.grid) == 3:
            values = values.reshape(len(values), *port.grid).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(values)

    def _refusal(self, images: Array) -> InputError:
        port = self.port
        what = f"{port.elem_bits}-bit integers {port.low} to {port.high}"
        if port.element == "bit":
            what = f"bits {port.low} and {port.high}"
        return InputError(
            f"images hold values, {_range(images)}, that are none of "
            f"the model's input: {what}, times {port.scale}, plus {port.offset}",
            fix="give what the model takes"
            + (", or raw pixels as uint8" if self._takes_pixels else ""),
        )

    def _tolerance(self, images: Array) -> float:
        """How far from integers inputs may be, in steps: what storing them has rounded."""
        if self.port.dtype != "float16":
            return 1e-3
        largest = float(np.abs(images.astype(np.float64)).max(initial=0))
        finest = float(np.abs(np.asarray(self.port.scale)).min())
        return min(0.4, 1e-3 + 2.0**-11 * largest / finest)

    def _spread(self, values: float | list[float]) -> Array:
        """Numbers per channel, or one for all, so that they broadcast over model inputs."""
        array = np.asarray(values, np.float64)
        if self.port.channels_last or array.ndim == 0:
            return array
        return array.reshape(-1, *(1,) * (len(self.port.shape) - 1))


def _range(values: Array) -> str:
    if not np.isfinite(values).all():
        return "some of them no numbers"
    return f"{values.min():g} to {values.max():g}"


def unpack(port: OutputPort, data: Array) -> Array:
    """Scores of bytes [N, frame_bytes]: int64 [N, *grid], or [N, K, 2] of class and score."""
    fields = data.view(f"<i{port.field_bits // 8}")
    fields = fields.reshape(len(data), port.frame_bytes * 8 // port.field_bits)
    if port.top_k:
        pairs = fields.reshape(len(data), port.top_k, 2)[:, :, ::-1].astype(np.int64, "C")
        pairs[:, :, 0] &= (1 << port.field_bits) - 1  # class numbers are unsigned
        return pairs
    if len(port.grid) == 3:
        channels, height, width = port.grid
        fields = fields.reshape(len(data), height, width, channels).transpose(0, 3, 1, 2)
        return fields.astype(np.int64, "C")
    return fields.astype(np.int64).reshape(len(data), *port.grid)


def outputs(port: OutputPort, scores: Array) -> Array:
    """The model's own outputs [N, *shape] of scores [N, *grid]: scale * score + bias."""
    extra = (1,) * (scores.ndim - 2)
    scale = np.asarray(port.scale).reshape(1, -1, *extra)
    bias = np.asarray(port.bias).reshape(1, -1, *extra)
    return np.asarray((scores * scale + bias).reshape(len(scores), *port.shape), np.float64)
