"""How far a training is."""

from __future__ import annotations

import io
import re

from rich.console import Console

from bnnhw.zoo.training_bar import training_bar


def test_a_log_has_a_line_per_epoch_with_the_time_left() -> None:
    lines: list[str] = []
    with training_bar(3, lines.append, Console(file=io.StringIO())) as told:
        for epoch in range(3):
            for step in range(1, 5):
                told.step(epoch, step, 4)
            told.log(f"epoch {epoch + 1}/3")
    assert re.fullmatch(r"epoch 1/3  about \d+ s left", lines[0])
    assert lines[2] == "epoch 3/3"


def test_a_terminal_has_a_bar() -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=100)
    lines: list[str] = []
    with training_bar(2, lines.append, screen) as told:
        told.step(0, 1, 2)
        told.step(0, 2, 2)
        told.log("epoch 1/2  loss 1.000")
        told.step(1, 1, 2)
    shown = screen.file.getvalue()
    assert "epoch 2/2, step 1/2" in shown and "epoch 1/2  loss 1.000" in shown
    assert lines == []
