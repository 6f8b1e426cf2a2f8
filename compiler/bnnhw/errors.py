"""The one family of errors that users see."""

from __future__ import annotations

REPORT = "this is a defect of the compiler: report it with the model"
"""The way out of what no input should bring about."""


class BnnhwError(Exception):
    """Something the user can mend: says where, what is wrong, and what to do.

    Args:
        what: what is wrong, one sentence.
        where: the ONNX node, layer, file or option concerned, if there is one.
        fix: the way out, if there is one.
    """

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        self.what, self.where, self.fix = what, where, fix
        text = f"{where}: {what}" if where else what
        super().__init__(f"{text}\n  fix: {fix}" if fix else text)


class ModelError(BnnhwError):
    """The model file is malformed, or uses what the compiler does not support."""


class FoldingError(BnnhwError):
    """The requested folding or goal is impossible on this board."""


class VerificationError(BnnhwError):
    """Two executions that must agree do not."""


class ToolError(BnnhwError):
    """An external tool is missing or failed."""


class DoesNotFitError(FoldingError):
    """A goal needs more of a resource than the board has."""


class InternalError(BnnhwError):
    """The compiler failed where no input should make it fail; the cause is a Python exception."""
