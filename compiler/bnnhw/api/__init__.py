"""What ``import bnnhw`` gives: compile, run, open, inspect, compare, explore, and builds.

The command line calls these functions and nothing below them: what they decide holds for both.
"""

from bnnhw.api.build import Build, open
from bnnhw.api.exploration import explore
from bnnhw.api.functions import compare, compile, inspect, run
from bnnhw.api.outcome import Run

__all__ = ["Build", "Run", "compare", "compile", "explore", "inspect", "open", "run"]
