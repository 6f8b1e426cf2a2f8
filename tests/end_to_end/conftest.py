"""Lets the end-to-end tests use the graph builders and the tiny models."""

from __future__ import annotations

import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_TESTS / "compiler"), str(_TESTS / "models")]
