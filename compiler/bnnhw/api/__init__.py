"""What ``import bnnhw`` gives: compile, run, open, inspect, compare, explore, and builds.

The command line calls these functions and nothing below them: what they decide holds for both.
Each is imported when it is asked for: a look at a model needs no planning, hardware or back end.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bnnhw.api.build import Build as Build, open as open
    from bnnhw.api.exploring import explore as explore
    from bnnhw.api.functions import compare as compare, compile as compile, run as run
    from bnnhw.api.inspecting import inspect as inspect
    from bnnhw.api.outcome import Run as Run

_ROOMS = {
    "Build": "build",
    "Run": "outcome",
    "compare": "functions",
    "compile": "functions",
    "explore": "exploring",
    "inspect": "inspecting",
    "open": "build",
    "run": "functions",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'bnnhw.api' has no attribute '{name}'")
    return getattr(import_module(f"bnnhw.api.{_ROOMS[name]}"), name)
