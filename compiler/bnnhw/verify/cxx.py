"""What users ask of the C++ compiler that builds simulations."""

from __future__ import annotations

import os
import shlex

VARIABLE = "BNNHW_CXXFLAGS"


def asked_flags() -> tuple[str, ...]:
    """The flags in ``BNNHW_CXXFLAGS``, which come behind those of a simulation's own.

    A small design that moves few frames is sooner through with -O0: its compilation takes longest.
    """
    return tuple(shlex.split(os.environ.get(VARIABLE, "")))
