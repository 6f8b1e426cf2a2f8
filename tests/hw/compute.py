"""What the benches of the compute units share: memory images, orders of beats, lint."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw.verify.verilator import use_verilator
from stream_beats import pack
from unit_builds import HW

if TYPE_CHECKING:
    from collections.abc import Mapping


def image(words: np.ndarray[Any, Any], bits: int) -> str:
    """Returns the text of a memory image, one row of fields a word, field 0 least significant."""
    return "\n".join(f"{w:x}" for w in pack(words, words.shape[-1], bits)) + "\n"


def tile_order(pixels: int, folds: int, hold: int) -> np.ndarray[Any, Any]:
    """Returns the beats, numbered pixel by pixel, in the order in which tiles of a frame come.

    ``hold`` pixels are a frame, whose beats come fold by fold, each for all pixels; with 1 the
    order is that of pixels.
    """
    assert pixels % hold == 0
    return np.arange(pixels * folds).reshape(-1, hold, folds).swapaxes(1, 2).reshape(-1)


def wrap(value: np.ndarray[Any, Any], bits: int) -> np.ndarray[Any, Any]:
    """Returns ``value`` modulo 2^bits, as a signed number."""
    half = 1 << (bits - 1)
    return (value + half) % (2 * half) - half


def lint(unit: str, parameters: Mapping[str, int | str]) -> str:
    """Returns what ``verilator --lint-only -Wall`` says of a unit; empty if nothing.

    Parameters whose names end in FILE get an empty file of their own.
    """
    binary = use_verilator() / "bin" / "verilator"
    text = (HW / f"{unit}.sv").read_text()
    with tempfile.TemporaryDirectory(prefix="bnnhw-lint-") as name:
        empty = Path(name) / "empty.mem"
        empty.touch()
        values = dict.fromkeys(re.findall(r"parameter (\w*FILE) =", text), f'"{empty}"')
        values |= {p: str(v) for p, v in parameters.items()}
        command = [str(binary), "--lint-only", "--assert", "-Wall", "-y", str(HW)]
        command += [f"-G{p}={v}" for p, v in values.items()] + [str(HW / f"{unit}.sv")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""
