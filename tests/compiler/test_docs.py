"""README and guide: examples are commands, links lead somewhere, every board is named."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from bnnhw.cli.commands import app
from bnnhw.hardware.board import board_names

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "models/README.md")),
    *(ROOT / folder / "README.md" for folder in ("hw", "hls")),
    *sorted((ROOT / "docs").glob("*.md")),
]


WORKFLOWS = sorted((ROOT / "examples" / "ci").glob("*.yml"))


def commands() -> list[str]:
    """All lines of examples that call bnnhw, without comments."""
    lines = [line for page in PAGES for line in page.read_text("utf-8").splitlines()]
    calls = [re.match(r"    (?:\$ )?(bnnhw .*)", line) for line in lines]
    steps = [line for path in WORKFLOWS for line in path.read_text("utf-8").splitlines()]
    calls += [re.match(r" +(?:- )?(?:run: |- )?(?:test .* )?(bnnhw .*)", line) for line in steps]
    return [re.split(r"\s#\s|\s#$|\s\|\|", call[1])[0] for call in calls if call]


def anchors(page: Path) -> set[str]:
    """What headings of a page are called in links."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("line", commands())
def test_examples_are_commands_of_the_command_line(line: str) -> None:
    command = typer.main.get_command(app)
    _, *words = shlex.split(line)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    context = command.make_context(command.name, words)
    assert context.params


def test_there_are_examples_of_every_common_command() -> None:
    called = {line.split()[1] for line in commands()}
    assert {"compile", "run", "simulate", "synth", "report", "inspect", "zoo"} <= called


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        assert other.is_file(), target
        assert not anchor or anchor in anchors(other), target


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_are_yaml_that_compiles_and_simulates(path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    assert isinstance(yaml.safe_load(path.read_text("utf-8")), dict)
    text = path.read_text("utf-8")
    for part in ("bnnhw compile ", "--junit build/junit.xml", "--wave", "report.html"):
        assert part in text


def test_the_guide_names_every_board() -> None:
    text = (ROOT / "docs" / "guide.md").read_text("utf-8")
    assert [name for name in board_names() if name not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_end_before_column_120(page: Path) -> None:
    """But for rows that quote whole messages, and headings that list a unit's parameters."""
    literal = ("| ",) if page.name == "errors.md" else ("### bnn_",)
    lines = page.read_text("utf-8").splitlines()
    assert [line for line in lines if len(line) > 120 and not line.startswith(literal)] == []
