"""Elaborated constants of a unit, as Verilator and as slang, a second reader, have them."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pyslang import ast, driver

from bnnhw.verify.verilator import use_verilator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: A module with its parameters and localparams as bit patterns, names of files left out.
Constants = tuple[str, tuple[tuple[str, int], ...]]


class Compared(Exception):
    """The constants of a unit agree: there is nothing to simulate."""


def compare(
    sources: Sequence[Path], folder: Path, unit: str, values: Mapping[str, object]
) -> NoReturn:
    """Elaborates a unit with Verilator and with slang.

    Args:
        sources: The unit's file and those of its parts.
        folder: Where Verilator finds the parts.
        unit: The module.
        values: Its parameters, text in quotes.

    Raises:
        Compared: They agree in every parameter and localparam of every module.
        AssertionError: They do not, or one finds an error.
    """
    found = slang_constants(sources, unit, values)
    expected = verilator_constants(folder, unit, sources[0], values)
    assert found == expected, (found - expected, expected - found)
    raise Compared


def slang_constants(
    sources: Sequence[Path], unit: str, values: Mapping[str, object]
) -> set[Constants]:
    """The constants of every module in ``unit``, by slang; fails where slang finds an error."""
    reader = driver.Driver()
    reader.addStandardArgs()
    settings = [f"-G{name}={value}" for name, value in values.items()]
    words = ["slang", "--top", unit, *settings, *map(str, sources)]
    quoted = " ".join(f"'{word}'" if '"' in word else f'"{word}"' for word in words)
    assert reader.parseCommandLine(quoted, driver.CommandLineOptions()), quoted
    assert reader.processOptions(), quoted
    assert reader.parseAllSources(), quoted
    compilation = reader.createCompilation()
    errors = [str(d.code) for d in compilation.getAllDiagnostics() if d.isError()]
    assert not errors, (unit, dict(values), errors)
    instances: list[Any] = []

    def note(symbol: Any) -> bool:
        if symbol.kind == ast.SymbolKind.Instance:
            instances.append(symbol)
        return True

    for top in compilation.getRoot().topInstances:
        top.visit(note)
    return {
        (
            instance.body.definition.name,
            tuple(
                sorted(
                    (p.name, int(p.value.value) % (1 << p.type.bitWidth))
                    for p in instance.body
                    if p.kind == ast.SymbolKind.Parameter and not p.name.endswith("FILE")
                )
            ),
        )
        for instance in instances
    }


def verilator_constants(
    folder: Path, unit: str, path: Path, values: Mapping[str, object]
) -> set[Constants]:
    """The constants of every module in ``unit``, whose parts lie in ``folder``, by Verilator."""
    with tempfile.TemporaryDirectory(prefix="bnnhw-constants-") as name:
        verilator = str(use_verilator() / "bin" / "verilator")
        command = [verilator, "--json-only", "--no-timing", "-Wno-fatal", "-Wno-lint"]
        command += ["-y", str(folder), "--Mdir", name, "--top-module", unit]
        command += [f"-G{key}={value}" for key, value in values.items()] + [str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        tree = json.loads((Path(name) / f"V{unit}.tree.json").read_text())
    return {
        (module["origName"], tuple(sorted(_numbers(module))))
        for module in tree["modulesp"]
        if module["type"] == "MODULE"
    }


def _numbers(module: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """The constants among the statements of a module of Verilator's tree, not of its blocks."""
    for item in module["stmtsp"]:
        if item["type"] != "VAR" or item["varType"] not in ("GPARAM", "LPARAM"):
            continue
        if item["origName"].endswith("FILE"):
            continue
        number = re.fullmatch(r"\d+'s?h([0-9a-f]+)", item["valuep"][0]["name"])
        assert number is not None, item
        yield item["origName"], int(number[1], 16)
