"""What scores say: classes, outputs, names; and whether they are the expected ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw_host.formats import outputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bnnhw_host.manifest import OutputPort

    Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network says of images.

    Attributes:
        classes: the best class of each, int64 [N].
        values: its output, float64 [N].
        ranked: classes, the best first, int64 [N, K].
        outputs: the model's own outputs, [N, *shape]; None where the build gives the best alone.
        class_names: of the classes; empty where nobody gave them.
    """

    classes: Array
    values: Array
    ranked: Array
    outputs: Array | None
    class_names: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Name of the best class of each image, or its number."""
        if not self.class_names:
            return [str(number) for number in self.classes]
        return [self.class_names[number] for number in self.classes]

    @staticmethod
    def of(port: OutputPort, scores: Array) -> Predictions:
        """Predictions of scores, as ``Accelerator.run`` gives them."""
        if port.top_k:
            classes, raw = scores[:, :, 0], scores[:, :, 1]
            scale, bias = np.asarray(port.scale), np.asarray(port.bias)
            one = np.zeros_like(classes)
            values = raw * scale[classes if scale.size > 1 else one]
            values = values + bias[classes if bias.size > 1 else one]
            return Predictions(classes[:, 0], values[:, 0], classes, None, port.class_names)
        found = outputs(port, scores)
        flat = found.reshape(len(found), math.prod(port.shape))
        ranked = np.argsort(-flat, axis=1, kind="stable")
        best = ranked[:, 0]
        values = flat[np.arange(len(flat)), best]
        return Predictions(best, values, ranked, found, port.class_names)


@dataclass(frozen=True)
class Validation:
    """Scores beside expected ones.

    Attributes:
        frames: how many were compared.
        wrong: how many of them differ in any score.
        first: number of the first that differs; None where none does.
    """

    frames: int
    wrong: int
    first: int | None

    @property
    def exact(self) -> bool:
        """Whether all are the same, and there is at least one."""
        return self.frames > 0 and not self.wrong

    @staticmethod
    def of(scores: Array, expected: Array) -> Validation:
        """Compares two arrays of one shape [N, ...]."""
        axes = tuple(range(1, scores.ndim))
        differ = np.flatnonzero((scores != expected).any(axis=axes))
        return Validation(len(scores), len(differ), int(differ[0]) if len(differ) else None)

    def __str__(self) -> str:
        if self.exact:
            return f"exact: all scores of {self.frames} frames"
        if not self.frames:
            return "nothing was compared"
        return f"WRONG: {self.wrong} of {self.frames} frames, the first is number {self.first}"
