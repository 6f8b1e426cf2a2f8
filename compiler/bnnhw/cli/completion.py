"""What the shell offers where a model or a board belongs."""

from __future__ import annotations

from pathlib import Path


def complete_model(incomplete: str) -> list[str]:
    """Shipped networks, and ONNX files and folders that begin so."""
    from bnnhw.zoo.shipped import shipped_models

    return _named([model.name for model in shipped_models()], incomplete, ".onnx")


def complete_build(incomplete: str) -> list[str]:
    """Build folders, and folders on the way to one."""
    return _named([], incomplete, "")


def complete_board(incomplete: str) -> list[str]:
    """Boards, and files that describe one."""
    from bnnhw.hardware.board import board_names

    return _named(board_names(), incomplete, ".toml")


def _named(names: list[str], incomplete: str, suffix: str) -> list[str]:
    """Names that begin so, then folders, and files of a suffix where there is one."""
    found = [name for name in names if name.startswith(incomplete)]
    typed = Path(incomplete)
    folder = typed if incomplete.endswith("/") else typed.parent
    begun = incomplete[incomplete.rfind("/") + 1 :]
    prefix = incomplete[: len(incomplete) - len(begun)]
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not path.name.startswith(begun) or path.name.startswith("."):
            continue
        if path.is_dir():
            found.append(f"{prefix}{path.name}/")
        elif suffix and path.suffix == suffix:
            found.append(f"{prefix}{path.name}")
    return found
