"""What all tests share."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import settings

from bnnhw.verify.cxx import VARIABLE

# Most simulations here are of small designs and few frames: compilation takes longest.
os.environ.setdefault(VARIABLE, "-O0")

# A machine under load is slow, not wrong.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves all but the first cases of a test marked ``sampled`` to the long run."""
    seen: Counter[str] = Counter()
    for item in items:
        sampled = item.get_closest_marker("sampled")
        if sampled:
            test = item.nodeid.partition("[")[0]
            seen[test] += 1
            if seen[test] > sampled.args[0]:
                item.add_marker(pytest.mark.slow)
