"""``python -m bnnhw.cli.commands``."""

from bnnhw.cli.commands import main

main()
