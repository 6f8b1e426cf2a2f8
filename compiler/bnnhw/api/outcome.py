"""What a network gives for some inputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bnnhw.api.scores_file import write_scores
from bnnhw.interpret.interpreter import interpret

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bnnhw.ir.graph import Graph
    from bnnhw.verify.inputs import Samples


@dataclass(frozen=True, eq=False)
class Run:
    """What a network gives for some inputs.

    Attributes:
        scores: integers ``[N, classes, ...]``, as the hardware gives them.
        outputs: the model's own outputs ``[N, ...]`` that they stand for.
        classes: the best class of each input, ``[N]``.
        accuracy: share of labelled inputs whose class is right, 0 to 1; None where there are none.
        labelled: number of inputs whose right class is known.
        names: of the inputs: files, with the place where a file holds several; empty for arrays.
        class_names: names of the classes; empty where nobody gave them.
        notes: what was done to the inputs.
    """

    scores: NDArray[np.int64]
    outputs: NDArray[np.float64]
    classes: NDArray[np.int64]
    accuracy: float | None
    labelled: int = 0
    names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def best(self, count: int) -> NDArray[np.int64]:
        """The ``count`` best classes of each input, the best first: ``[N, count]``."""
        flat = self.outputs.reshape(len(self.outputs), -1)
        return np.argsort(-flat, axis=1, kind="stable")[:, :count]

    def save(self, path: str | Path) -> None:
        """Writes the scores: .npy as they are, .csv a row an input (file, class, scores).

        Raises:
            BnnhwError: the file cannot be written, or ends in neither.
        """
        write_scores(
            Path(path), self.scores, self.classes, names=self.names, class_names=self.class_names
        )

    def __repr__(self) -> str:
        right = "" if self.accuracy is None else f", accuracy {self.accuracy:.2%}"
        return f"Run({len(self.scores)} inputs{right})"


def run_graph(graph: Graph, given: Samples) -> Run:
    """Runs the bit-exact interpreter on samples of the graph's input."""
    scores = interpret(graph, graph.input_format.encode(given.x))
    outputs = graph.output_map.apply(scores)
    classes = outputs.reshape(len(outputs), -1).argmax(axis=1)
    accuracy, labelled = None, 0
    if given.labels is not None:  # masked where an input has none
        accuracy = float((classes == given.labels).mean())
        labelled = int(np.ma.count(given.labels))
    return Run(
        scores, outputs, classes, accuracy, labelled, given.names, given.classes, given.notes
    )
