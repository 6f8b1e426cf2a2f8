"""Where the hand-written sources lie, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

from bnnhw.errors import ToolError

_PACKAGE = Path(__file__).parent


def asset_folder(name: str) -> Path:
    """The folder ``hw``, ``hls``, ``sim``, ``models`` or ``host``.

    An installed wheel keeps them in ``bnnhw/share``; a checkout at the repository's root.
    """
    for root in (_PACKAGE / "share", _PACKAGE.parent.parent):
        if (root / name).is_dir():
            return root / name
    raise ToolError(f"the folder '{name}' of bnnhw is missing", fix="install bnnhw again")


def hardware_sources() -> list[Path]:
    """The SystemVerilog units, sorted by name."""
    return sorted(asset_folder("hw").glob("bnn_*.sv"))
