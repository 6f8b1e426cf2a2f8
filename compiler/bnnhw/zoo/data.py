"""Training data of the recipes: what comes inside a package, or .npz files that the user has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.errors import BnnhwError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Pair = tuple[NDArray[np.generic], NDArray[np.int64]]

_CIFAR10 = ("cifar10_train.npz", "cifar10_test1000.npz")
_FILES = {
    "birealnet18-cifar10": _CIFAR10,
    "cnv": _CIFAR10,
    "lfc": ("mnist_train.npz", "mnist_test.npz"),
    "sfc": ("mnist_train.npz", "mnist_test.npz"),
    "tfc": ("mnist_train.npz", "mnist_test.npz"),
}
_DIGITS = ("birealnet8-digits", "digits")
_DIGITS_TEST = 360


def load_data(network: str, folder: Path | None) -> tuple[Pair, Pair]:
    """Training and test images with labels for a network of the zoo.

    Those for digits use scikit-learn's: 1,797 images of 8x8 pixels, the last 360 for testing.
    The others read .npz files with ``images`` (uint8, [N, H, W(, C)]) and ``labels``.

    Raises:
        BnnhwError: a file or package is missing.
    """
    if network in _DIGITS:
        return _digits()
    if folder is None:
        raise BnnhwError(
            f"needs the files {' and '.join(_FILES[network])}",
            where=f"training '{network}'",
            fix="give their folder with --data",
        )
    train, test = (_read(folder / name) for name in _FILES[network])
    if _FILES[network] != _CIFAR10:
        return _bipolar(train), _bipolar(test)
    return train, test


def digit_images() -> Pair:
    """scikit-learn's digits as uint8 images [1797, 8, 8, 1] with values 0 to 240, and labels."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise BnnhwError(
            "the digits come with scikit-learn, which is missing", fix="pip install scikit-learn"
        ) from error
    data: Any = load_digits()
    images = (data.images * 15).astype(np.uint8)[..., None]
    return images, data.target.astype(np.int64)


def _digits() -> tuple[Pair, Pair]:
    images, labels = digit_images()
    split = len(images) - _DIGITS_TEST
    return (images[:split], labels[:split]), (images[split:], labels[split:])


def _bipolar(pair: Pair) -> Pair:
    """Images as flat vectors of -1 and +1, for the multi-layer perceptrons."""
    images, labels = pair
    flat = images.reshape(len(images), -1).astype(np.int64)
    return np.where(flat > 127, 1.0, -1.0).astype(np.float32), labels


def _read(path: Path) -> Pair:
    try:
        with np.load(path, allow_pickle=False) as data:
            images, labels = data["images"], data["labels"]
    except (OSError, KeyError, ValueError) as error:
        raise BnnhwError(
            f"cannot be read: {error}", where=str(path), fix="download or export the data set again"
        ) from error
    if images.ndim == 3:
        images = images[..., None]
    return images, labels.astype(np.int64)
