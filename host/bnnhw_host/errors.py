"""What goes wrong on a board, as exceptions that say what to do."""

from __future__ import annotations


class HostError(Exception):
    """The accelerator cannot be used as asked.

    Args:
        message: what is wrong.
        fix: what the user can do.
    """

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(f"{message}. {fix[:1].upper()}{fix[1:]}" if fix else message)
        self.message = message
        self.fix = fix


class BuildError(HostError):
    """The files of a build are missing or do not belong together."""


class BitstreamError(HostError):
    """The fabric holds another design than the manifest describes."""


class InputError(HostError, ValueError):
    """Images are of another shape or type than the model takes."""


class MemoryShortError(HostError, MemoryError):
    """There is no contiguous memory left for the buffers of a transfer."""


class TransferError(HostError):
    """A transfer failed: the DMA stopped, the stream stood still, or the design raised a flag."""
