"""Runs accelerators that bnnhw compiled, on boards with PYNQ and on simulated ones."""

from bnnhw_host.accelerator import Accelerator
from bnnhw_host.errors import (
    BitstreamError,
    BuildError,
    HostError,
    InputError,
    MemoryShortError,
    TransferError,
)
from bnnhw_host.measure import Latency, Profile, Throughput
from bnnhw_host.predictions import Predictions, Validation

__version__ = "0.1.0"
__all__ = [
    "Accelerator",
    "BitstreamError",
    "BuildError",
    "HostError",
    "InputError",
    "Latency",
    "MemoryShortError",
    "Predictions",
    "Profile",
    "Throughput",
    "TransferError",
    "Validation",
]
