"""bnnhw: compiles trained binary neural networks (ONNX) to bit-exact FPGA accelerators.

import bnnhw
build = bnnhw.compile("model.onnx", board="pynq-z2", fps=5000)
build.run(x).classes
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bnnhw.version import __version__ as __version__

if TYPE_CHECKING:
    from bnnhw.api import (
        Build as Build,
        Run as Run,
        compare as compare,
        compile as compile,
        explore as explore,
        inspect as inspect,
        open as open,
        run as run,
    )
    from bnnhw.errors import BnnhwError as BnnhwError

_API = ("Build", "Run", "compare", "compile", "explore", "inspect", "open", "run")


def __getattr__(name: str) -> Any:
    """What needs numpy and onnx is imported when it is asked for."""
    if name in _API:
        from bnnhw import api

        return getattr(api, name)
    if name == "BnnhwError":
        from bnnhw.errors import BnnhwError

        return BnnhwError
    raise AttributeError(f"module 'bnnhw' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted((*globals(), *_API, "BnnhwError"))
