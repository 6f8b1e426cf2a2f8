"""The layout of the package: which folder may import which, and how large things may grow."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import bnnhw

PACKAGE = Path(bnnhw.__file__).parent
#: What each folder may import beside itself and the root's errors, assets and version.
MAY_IMPORT = {
    "ir": set(),
    "interpret": {"ir"},
    "frontend": {"ir"},
    "passes": {"ir", "interpret"},
    "hardware": {"ir"},
    "planning": {"hardware", "ir"},
    "backend": {"hardware", "ir"},
    "verify": {"backend", "hardware", "passes", "frontend", "interpret", "ir"},
    "zoo": {"frontend"},
    "api/deploy": {"backend"},
}
MAY_IMPORT["report"] = {*MAY_IMPORT} - {"zoo", "api/deploy"}
MAY_IMPORT["api"] = {*MAY_IMPORT, "api/exploration", ""}  # "": compiler.py
MAY_IMPORT["api/exploration"] = MAY_IMPORT["api"] - {"zoo", "api/deploy"}
BELOW_ALL = {"bnnhw.errors", "bnnhw.assets", "bnnhw.version"}
LONGEST = 400
MOST_FOLDERS = 12
TESTS = Path(__file__).resolve().parents[1]


@cache
def sources() -> dict[str, ast.Module]:
    """The modules of the package by name."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(("bnnhw", *path.relative_to(PACKAGE).with_suffix("").parts))
        found[name.removesuffix(".__init__")] = ast.parse(path.read_text("utf-8"))
    return found


@cache
def imports() -> dict[str, set[str]]:
    """The modules of the package that each imports, for types too."""
    modules = sources()
    found: dict[str, set[str]] = {}
    for module, tree in modules.items():
        found[module] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found[module] |= {alias.name for alias in node.names} & modules.keys()
            elif isinstance(node, ast.ImportFrom) and node.module in modules:
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                found[module] |= names & modules.keys() or {node.module}
    return found


def folder(module: str) -> str:
    """The folder that the table knows, or "" for a file of the root."""
    parts = module.split(".")
    if "/".join(parts[1:3]) in MAY_IMPORT:
        return "/".join(parts[1:3])
    return parts[1] if len(parts) > 1 and (PACKAGE / parts[1]).is_dir() else ""


def test_the_test_sees_imports() -> None:
    assert {"bnnhw.errors", "bnnhw.ir.types"} <= imports()["bnnhw.ir.graph"]
    assert "bnnhw.frontend.views" in imports()["bnnhw.verify.near_ties"]


@pytest.mark.parametrize("place", sorted(MAY_IMPORT))
def test_imports_run_downwards(place: str) -> None:
    wrong = [
        f"{module} imports {other}"
        for module, others in imports().items()
        if folder(module) == place
        for other in others - BELOW_ALL
        if folder(other) not in MAY_IMPORT[place] | {place}
    ]
    assert not wrong


def test_every_folder_is_in_the_table() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders == {place for place in MAY_IMPORT if "/" not in place} | {"cli"}
    assert len(folders) <= MOST_FOLDERS


def test_commands_on_models_and_builds_stand_on_the_python_api() -> None:
    """What computes is behind ``import bnnhw``; the command line reads options and prints."""
    below = {
        f"{module} imports {other}"
        for module in (
            "bnnhw.cli.commands",
            *(f"bnnhw.cli.{n}" for n in ("compile", "explore", "hardware")),
        )
        for other in imports()[module]
        if folder(other) in {"frontend", "passes", "planning", "interpret", "verify", "ir"}
        or other in {"bnnhw.compiler", "bnnhw.backend.build", "bnnhw.report.record"}
    }
    assert not below


def test_nothing_imports_in_a_circle() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module not in done:
            for other in sorted(imports()[module]):
                if other != module:
                    visit(other, (*path, module))
            done.add(module)

    for module in imports():
        visit(module, ())


def test_no_file_is_too_long() -> None:
    files = [*PACKAGE.rglob("*.py"), *TESTS.rglob("*.py")]
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in files}
    assert not {str(p): n for p, n in lengths.items() if n > LONGEST}


def test_test_modules_have_names_of_their_own() -> None:
    """Two of one name in folders that are no packages cannot be collected in one run."""
    names = Counter(path.name for path in TESTS.rglob("test_*.py"))
    assert not [name for name, count in names.items() if count > 1]


def test_the_top_of_the_package_is_small() -> None:
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert modules == {"assets", "compiler", "errors", "version"}


def test_no_unit_is_told_by_the_spelling_of_its_name() -> None:
    """Records of units answer questions; a name in a string stands in ``hardware/units`` alone."""
    named = [
        f"{module}:{node.lineno}"
        for module, tree in sources().items()
        if not module.startswith("bnnhw.hardware.units")
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare | ast.Dict | ast.Tuple | ast.Call)
        for part in ast.iter_child_nodes(node)
        if isinstance(part, ast.Constant) and re.match(r"bnn_[a-z_]+$", str(part.value))
    ]
    assert {place.split(":")[0] for place in named} <= {"bnnhw.verify.simulate"}  # the bench
