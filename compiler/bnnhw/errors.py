"""The one family of errors that users see."""

from __future__ import annotations

import contextlib
import difflib
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REPORT = "this is a defect of the compiler: report it with the model"
"""The way out of what no input should bring about."""


class BnnhwError(Exception):
    """Something the user can mend: says where, what is wrong, and what to do.

    Args:
        what: what is wrong, one sentence.
        where: the ONNX node, layer, file or option concerned, if there is one.
        fix: the way out; without one, ``DEFAULT_FIX`` of the kind of error.
    """

    DEFAULT_FIX: ClassVar[str | None] = None

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        fix = fix or self.DEFAULT_FIX
        self.what, self.where, self.fix = what, where, fix
        text = f"{where}: {what}" if where else what
        super().__init__(f"{text}\n  fix: {fix}" if fix else text)


class ModelError(BnnhwError):
    """The model file is malformed, or uses what the compiler does not support."""

    DEFAULT_FIX = "the file may be damaged: export the model again, or report this with the model"


class FoldingError(BnnhwError):
    """The requested folding or target is impossible on this board."""


class VerificationError(BnnhwError):
    """Two executions that must agree do not."""

    DEFAULT_FIX = "this is a defect of the compiler: report it with the model"


class ToolError(BnnhwError):
    """An external tool is missing or failed."""


class DoesNotFitError(FoldingError):
    """A target needs more of a resource than the board has."""


class MissedTargetError(FoldingError):
    """No design is as fast as the target, whatever it takes."""


class UnbuildableError(FoldingError):
    """Foldings of layers that no units join: the search discards such a choice."""


class InternalError(BnnhwError):
    """The compiler failed where no input should make it fail; the cause is a Python exception."""


@contextlib.contextmanager
def defects_at(where: str) -> Iterator[None]:
    """Inside, an exception that nobody foresaw becomes an InternalError that names the place."""
    try:
        yield
    except (BnnhwError, OSError):
        raise
    except Exception as error:
        raise internal_error(error, where) from error


def internal_error(error: Exception, where: str) -> BnnhwError:
    """An unforeseen exception as an error that users can report, or mend where memory ended."""
    if isinstance(error, MemoryError):
        return BnnhwError(
            "there is not enough memory",
            where=where,
            fix="use a machine with more memory, or smaller images or layers",
        )
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return InternalError(
        f"internal error: {type(error).__name__}: {error} (in {Path(frame.filename).name}, line "
        f"{frame.lineno})",
        where=where,
        fix=REPORT,
    )


def did_you_mean(name: str, known: Iterable[str], listed: str | None = None) -> str:
    """The way out of a name that is none of the known ones: one like it, and what there is.

    Args:
        name: what was given.
        known: what could have been.
        listed: what is said of all; None lists them to choose from.
    """
    by_lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), list(by_lower), n=1)
    said = listed if listed is not None else f"choose one of {', '.join(by_lower.values())}"
    return f"did you mean '{by_lower[near[0]]}'? {said}" if near else said
