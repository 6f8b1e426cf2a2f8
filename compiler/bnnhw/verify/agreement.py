"""The least agreement of integers with float that a user asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.errors import VerificationError
from bnnhw.verify.accuracy import ways_out

if TYPE_CHECKING:
    from bnnhw.verify.accuracy import Accuracy


def check_agreement(accuracy: Accuracy | None, least: float | None, *, verified: bool) -> None:
    """Refuses a network whose integers give another best class than float too often.

    Args:
        accuracy: what was measured; None where the scores are the model's.
        least: share of inputs that must agree; None asks for nothing.
        verified: whether anything was measured at all.

    Raises:
        VerificationError: fewer agree, or nothing was measured.
    """
    if least is None:
        return
    if not verified:
        raise VerificationError(
            "nothing is measured without the check against onnxruntime",
            where="option --min-agreement",
            fix="leave out --no-verify",
        )
    if accuracy is not None and accuracy.agreement < least:
        kind = "synthetic " if accuracy.synthetic else ""
        raise VerificationError(
            f"integers and float give the same best class to {accuracy.agreement:.1%} of "
            f"{accuracy.inputs} {kind}inputs, less than {least:.1%}",
            where="option --min-agreement",
            fix=ways_out(accuracy),
        )
