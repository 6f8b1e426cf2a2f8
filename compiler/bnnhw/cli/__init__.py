"""The command line."""

from bnnhw.cli.commands import main

__all__ = ["main"]
