"""Every error that users see says what to do; nothing else is raised on purpose."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

import bnnhw

PACKAGE = Path(bnnhw.__file__).parent
OTHERS = {
    "typer.Exit": "ends a command that has done its work",
    "NotImplementedError": "stands in the base class of operations",
    "RuntimeError": "is caught beside those of the tool that it stands for",
    "ValueError": "is caught beside those of numpy that it stands for",
    "SystemExit": "ends the process after a message",
    "AttributeError": "is what Python asks of a module that lacks a name",
}
"""What else may be raised, and why."""


def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


TREES = trees()


@functools.cache
def family() -> set[str]:
    """The names of BnnhwError and of the classes made from it."""
    bases = {
        node.name: {ast.unparse(base) for base in node.bases}
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"BnnhwError"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return found


def errors_in(tree: ast.Module) -> list[ast.Call]:
    """The calls that make an error of the family."""
    names = family()
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    ]


@pytest.mark.parametrize("path", TREES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_error_says_what_to_do(path: Path) -> None:
    for call in errors_in(TREES[path]):
        fixes = [word.value for word in call.keywords if word.arg == "fix"]
        place = f"{path.name}:{call.lineno}: {ast.unparse(call)}"
        assert fixes, place
        empty = isinstance(fixes[0], ast.Constant) and not fixes[0].value
        assert not empty, place


def raised(tree: ast.Module) -> list[tuple[int, str]]:
    """What is raised by name or by a call of a name, but for what is raised again."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            either = node.exc.values if isinstance(node.exc, ast.BoolOp) else [node.exc]
            for exc in either:
                name = ast.unparse(exc.func if isinstance(exc, ast.Call) else exc)
                found.append((node.lineno, name))
    return found


@functools.cache
def makers() -> set[str]:
    """The functions that return an error of the family."""
    names = family()
    return {
        node.name
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and node.returns is not None
        and ast.unparse(node.returns).removesuffix(" | None") in names
    }


def test_nothing_but_the_family_is_raised() -> None:
    owners = ("ctx", "self")
    known = family() | makers() | {f"{o}.{n}" for o in owners for n in makers()} | set(OTHERS)
    for path, tree in TREES.items():
        for line, name in raised(tree):
            again = name in ("error", "failure", "found[1]", "found.problem")
            assert again or name in known, f"{path.name}:{line} raises {name}"


def test_the_package_has_many_errors() -> None:
    assert sum(len(errors_in(tree)) for tree in TREES.values()) > 250
    assert {"ModelError", "InternalError", "LayoutError"} <= family()
