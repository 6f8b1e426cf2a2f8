"""Lets the tests import their own modules, the graphs of the compiler's tests, and tiny models."""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), *(str(_HERE.parent / name) for name in ("compiler", "models"))]
