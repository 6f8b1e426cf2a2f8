"""Images as model inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.errors import BnnhwError, ToolError
from bnnhw.ir.types import Integer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bnnhw.ir.graph import InputFormat

IMAGE_SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".bmp",
    ".ppm",
    ".pgm",
    ".gif",
    ".webp",
    ".tif",
    ".tiff",
)


@dataclass(frozen=True)
class ImageRules:
    """What may be done to an image that is not as the model takes it.

    Attributes:
        resize: scale it (bilinear) where it has another size.
        grey: turn it grey where it has colours and the model takes one channel.
    """

    resize: bool = False
    grey: bool = False


@dataclass
class Changes:
    """How many images were changed, and how."""

    resized: int = 0
    greyed: int = 0

    def notes(self, source: InputFormat) -> tuple[str, ...]:
        """The same in words."""
        height, width, _ = _image_shape(source) or (0, 0, 0)
        resized = f"images scaled to {width}x{height} pixels: {self.resized}"
        greyed = f"images turned grey: {self.greyed}"
        told = ((self.resized, resized), (self.greyed, greyed))
        return tuple(text for count, text in told if count)


def images_in(folder: Path) -> list[Path]:
    """The images that lie in a folder itself, by name."""
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)


def read_image(
    path: Path, source: InputFormat, rules: ImageRules, changes: Changes
) -> NDArray[np.generic]:
    """One image as a model input [*shape]: pixels 0..255 through the input's scale and offset.

    Raises:
        BnnhwError: it is no image that can be read, or not of the model's size and colour where
            ``rules`` do not allow to change that.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ToolError(
            "reading images needs the package pillow", fix="pip install 'bnnhw[images]'"
        ) from error
    if not (isinstance(source.element, Integer) and source.element == Integer(8, False)):
        raise BnnhwError(
            f"the model's input type is {source.element}, pixels are uint8",
            where=str(path),
            fix="give an .npy file in the model's own input format",
        )
    shape = _image_shape(source)
    if shape is None:
        raise BnnhwError(
            f"the model's input of shape {tuple(source.shape)} is no image",
            where=str(path),
            fix="give an .npy file in the model's own input format",
        )
    try:
        with Image.open(path) as image:
            image.load()
            pixels = _fitted(image, shape, path, rules, changes)
    except BnnhwError:
        raise
    except Exception as error:  # Pillow's decoders raise a dozen kinds for damaged files
        raise BnnhwError(
            f"is no readable image: {error}",
            where=str(path),
            fix="open it in a viewer: the file is damaged, or of another type than its name says",
        ) from error
    integers = pixels.astype(np.int64).transpose(2, 0, 1)[None]
    return source.decode(integers)[0]


def _image_shape(source: InputFormat) -> tuple[int, int, int] | None:
    """Height, width and channels of a model's input; None where it is no image."""
    shape = source.shape if source.channels_last else (*source.shape[1:], source.shape[0])
    if len(shape) != 3 or shape[2] not in (1, 3):
        return None
    return shape[0], shape[1], shape[2]


def _fitted(
    image: Any, shape: tuple[int, int, int], path: Path, rules: ImageRules, changes: Changes
) -> NDArray[np.uint8]:
    """The pixels [H, W, C] of a Pillow image."""
    from PIL import Image

    height, width, channels = shape
    if image.mode.startswith("I") or image.mode == "F":
        raise BnnhwError(
            "its pixels have more than 8 bits",
            where=str(path),
            fix="save it with 8 bits per channel, scaled as the training images were",
        )
    colours = image.convert("RGB")
    array = np.asarray(colours)
    if channels == 1 and (array != array[..., :1]).any():
        if not rules.grey:
            raise BnnhwError(
                "has colours, the model takes one channel",
                where=str(path),
                fix="give --grey to turn images grey, where the training did so",
            )
        changes.greyed += 1
        colours = colours.convert("L").convert("RGB")
    if image.size != (width, height):
        if not rules.resize:
            raise BnnhwError(
                f"has {image.width}x{image.height} pixels, the model takes {width}x{height}",
                where=str(path),
                fix="give --resize to scale images, or crop and scale them as the training did",
            )
        changes.resized += 1
        colours = colours.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(colours)[..., :channels]
