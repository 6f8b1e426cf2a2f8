"""Lets the tests import the tiny models and what is here."""

from __future__ import annotations

import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_TESTS / "models"), str(Path(__file__).resolve().parent)]
