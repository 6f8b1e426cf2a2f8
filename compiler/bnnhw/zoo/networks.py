"""The zoo's networks by name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from bnnhw.errors import BnnhwError, did_you_mean
from bnnhw.zoo.birealnet import BiRealNet
from bnnhw.zoo.birealnet50 import BiRealNet50
from bnnhw.zoo.fracbnn import FracBNN
from bnnhw.zoo.ftbnn import FTBNN
from bnnhw.zoo.names import ENTRIES, FTBNN_ROWS, Entry
from bnnhw.zoo.plain import cnv, digits, lfc, sfc, tfc
from bnnhw.zoo.reactnet import ReActMobileNet, ReActResNet
from bnnhw.zoo.vgg import VGG
from bnnhw.zoo.xnornet import XnorAlexNet, XnorResNet

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

#: Takes classes, width, stem, image and normalise, all by keyword.
_IMAGENET: dict[str, Callable[..., nn.Module]] = {
    "birealnet18": partial(BiRealNet, 18),
    "birealnet18-cifar10": partial(BiRealNet, 18),
    "birealnet34": partial(BiRealNet, 34),
    "birealnet50": BiRealNet50,
    "birealnet8-digits": partial(BiRealNet, 8),
    "ftbnn18": partial(FTBNN, 18),
    **{
        f"ftbnn{depth}-g{groups}-{budget}m": partial(FTBNN, depth, groups=groups, derived=True)
        for budget, depth, groups, *_ in FTBNN_ROWS
    },
    "reactnet-a": partial(ReActMobileNet, "a"),
    "reactnet-b": partial(ReActMobileNet, "b"),
    "reactnet-c": partial(ReActMobileNet, "c"),
    "reactnet18": partial(ReActResNet, 18),
    "vgg-small": partial(VGG, "small"),
    "vgg11": partial(VGG, "11"),
    "vgg13": partial(VGG, "13"),
    "vgg16": partial(VGG, "16"),
    "vgg19": partial(VGG, "19"),
    "xnoralexnet": XnorAlexNet,
    "xnoralexnet-k": partial(XnorAlexNet, with_k=True),
    "xnornet18": XnorResNet,
    "xnornet18-k": partial(XnorResNet, with_k=True),
}
#: Takes classes and width.
_PLAIN: dict[str, Callable[..., nn.Module]] = {
    "cnv": cnv,
    "digits": digits,
    "lfc": lfc,
    "sfc": sfc,
    "tfc": tfc,
}


def network(
    name: str, *, image: int | None = None, width: int | None = None, classes: int | None = None
) -> nn.Module:
    """A network with random weights.

    Args:
        name: one of ``NETWORKS``.
        image: 224 for ImageNet's stem, 32 for CIFAR's; None leaves the network's own.
        width: channels of the first stage; None leaves the network's own.
        classes: number of scores; None takes the network's own, or what goes with ``image``: 1,000
            for 224, 10 for 32.

    Raises:
        BnnhwError: the zoo has no network of that name, or not for that size.
    """
    entry = ENTRIES.get(name)
    if entry is None:
        raise BnnhwError(
            "is not in the zoo",
            where=f"network '{name}'",
            fix=did_you_mean(name, ENTRIES, "bnnhw zoo list shows them all"),
        )
    for what, count in (("width", width), ("classes", classes)):
        if count is not None and count < 1:
            raise BnnhwError(
                f"cannot have {what}={count}", where=f"network '{name}'", fix="give 1 or more"
            )
    size = entry.image if image is None else image
    if size != entry.image and not (entry.resizes and size in (32, 224)):
        raise BnnhwError(
            f"has no stem for images of {size}",
            where=f"network '{name}'",
            fix="choose 32 or 224" if entry.resizes else "leave --image out",
        )
    if classes is None:
        classes = entry.classes if size == entry.image else {32: 10, 224: 1000}[size]
    return _built(entry, size, width or entry.width, classes)


def _built(entry: Entry, size: int, width: int, classes: int) -> nn.Module:
    if entry.name in _PLAIN:
        return _PLAIN[entry.name](width=width, classes=classes)
    options: dict[str, Any] = {
        "classes": classes,
        "width": width,
        "stem": "imagenet" if size == 224 else "cifar",
        "image": (size, size, 1 if size == 8 else 3),
    }
    if entry.name == "fracbnn20":
        return FracBNN(**options)
    return _IMAGENET[entry.name](normalise=True, **options)


NETWORKS: dict[str, Callable[[], nn.Module]] = {name: partial(network, name) for name in ENTRIES}
