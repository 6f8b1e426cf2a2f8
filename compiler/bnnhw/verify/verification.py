"""The result of a comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bnnhw.verify.accuracy import Accuracy


@dataclass(frozen=True)
class Verification:
    """One comparison of two executions.

    Attributes:
        what: what was checked, e.g. "interpreter".
        against: what it was checked against, e.g. "onnxruntime".
        inputs: number of inputs compared.
        mismatches: number of inputs (or beats) that differed, after the explanations in ``note``.
        note: what a reader should know beside.
        accuracy: integers against float; None where that was not measured.
        probe: the layer whose results were compared; empty where the network's were.
        saturated: by tensor, how many numbers lay beyond its fixed-point type.
    """

    what: str
    against: str
    inputs: int
    mismatches: int
    note: str = ""
    accuracy: Accuracy | None = None
    probe: str = ""
    saturated: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """What report.json holds of it: accuracy has a place of its own there."""
        probe = {"probe": self.probe} if self.probe else {}
        return {
            "what": self.what,
            "against": self.against,
            "inputs": self.inputs,
            "mismatches": self.mismatches,
            "note": self.note,
            **probe,
        }
