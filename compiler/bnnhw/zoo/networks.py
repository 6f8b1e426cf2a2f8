"""The zoo's networks by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.errors import BnnhwError
from bnnhw.zoo.birealnet import BiRealNet
from bnnhw.zoo.plain import cnv, digits, lfc, sfc, tfc

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn


def birealnet18() -> BiRealNet:
    """Bi-Real Net-18 for ImageNet, on uint8 images of 224x224."""
    return BiRealNet(18, normalise=True)


def birealnet34() -> BiRealNet:
    """Bi-Real Net-34 for ImageNet, on uint8 images of 224x224."""
    return BiRealNet(34, normalise=True)


def birealnet18_cifar10() -> BiRealNet:
    """Bi-Real Net-18 for CIFAR-10, of half the width: 32, 64, 128 and 256 channels."""
    return BiRealNet(18, classes=10, stem="cifar", width=32, image=(32, 32, 3), normalise=True)


def birealnet8_digits() -> BiRealNet:
    """Bi-Real Net of three stages, 16, 32 and 64 channels, for scikit-learn's 8x8 digits."""
    return BiRealNet(8, classes=10, stem="cifar", width=16, image=(8, 8, 1), normalise=True)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "birealnet18": birealnet18,
    "birealnet18-cifar10": birealnet18_cifar10,
    "birealnet34": birealnet34,
    "birealnet8-digits": birealnet8_digits,
    "cnv": cnv,
    "digits": digits,
    "lfc": lfc,
    "sfc": sfc,
    "tfc": tfc,
}


def network(name: str) -> nn.Module:
    """A network with random weights; raises BnnhwError where the zoo has none of that name."""
    if name not in NETWORKS:
        raise BnnhwError(
            "is not in the zoo", where=f"network '{name}'", fix=f"choose {', '.join(NETWORKS)}"
        )
    return NETWORKS[name]()
