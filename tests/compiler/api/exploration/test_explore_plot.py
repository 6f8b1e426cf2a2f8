"""The picture of an exploration: FPS against LUTs, in both colour schemes, names escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from bnnhw.api.exploration.question import FITS, Estimate
from bnnhw.api.exploration.results import Exploration

if TYPE_CHECKING:
    from pathlib import Path


def design(board: str, fps: float, share: float) -> Estimate:
    return Estimate(board, "fastest", "default", 100.0, FITS, 100, fps,
                    shares={"lut_packed": share}, resources={"lut_packed": 100.0})  # fmt: skip


MANY = Exploration(
    "a <net>",
    tuple(
        design(f"b<{i}>", 10.0 * (j + 1) * 3**i, 0.1 + 0.2 * j) for i in range(9) for j in range(4)
    ),
)
ALONE = Exploration("one", (design("b", 123.0, 1.2),))
NONE = Exploration("none", ())


@pytest.mark.parametrize("exploration", [MANY, ALONE, NONE], ids=lambda one: one.model)
def test_every_design_is_a_mark_within_the_picture(
    exploration: Exploration, tmp_path: Path
) -> None:
    exploration.plot(tmp_path / "p.svg")
    text = (tmp_path / "p.svg").read_text("utf-8")
    root = ElementTree.fromstring(text)
    width, height = (float(root.get(name, 0)) for name in ("width", "height"))
    assert text.count("<title>") == len(exploration.rows)
    assert "prefers-color-scheme: dark" in text and "http" not in text.replace(
        "http://www.w3.org/2000/svg", ""
    )
    for mark in root.iter("{http://www.w3.org/2000/svg}circle"):
        assert 0 < float(mark.get("cx", 0)) < width and 0 < float(mark.get("cy", 0)) < height
    for label in re.findall(r'<text x="([\d.]+)" y="([\d.]+)"', text):
        assert 0 <= float(label[0]) < width and 0 < float(label[1]) < height


def test_faster_is_higher_and_larger_is_to_the_right(tmp_path: Path) -> None:
    Exploration("n", (design("b", 10.0, 0.1), design("b", 500.0, 0.6))).plot(tmp_path / "p.svg")
    text = (tmp_path / "p.svg").read_text("utf-8")
    (slow, fast) = re.findall(r'</title><circle cx="([\d.]+)" cy="([\d.]+)"', text)
    assert float(slow[0]) < float(fast[0]) and float(slow[1]) > float(fast[1])


def test_a_png_is_drawn_with_matplotlib(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    MANY.plot(tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
