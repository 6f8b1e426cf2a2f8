"""A worker process: questions come on standard input, answers leave on standard output."""

from __future__ import annotations

import os
import pickle
import sys
from typing import BinaryIO

from bnnhw.api.exploration.estimate import answer


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answers pairs of a graph and a question until there are no more."""
    while True:
        try:
            graph, question = pickle.load(questions)
        except EOFError:
            return
        pickle.dump(answer(graph, question), answers)
        answers.flush()


def main() -> None:
    """Keeps standard output for answers: what else is printed goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
