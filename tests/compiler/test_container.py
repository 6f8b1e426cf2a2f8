"""The container file: what it copies exists, what it installs is declared, and it is not root."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from bnnhw.cli.doctor import _PROGRAMS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
FILE = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
STEPS = [line.split(maxsplit=1) for line in re.findall(r"^[A-Z].*", FILE, re.MULTILINE)]


def steps(kind: str) -> list[str]:
    return [rest for found, rest in STEPS if found == kind]


COPIED = [source for rest in steps("COPY") for source in rest.split()[:-1]]


@pytest.mark.parametrize("source", COPIED)
def test_what_is_copied_exists_and_is_sent_to_the_build(source: str) -> None:
    assert (ROOT / source).exists()
    assert f"!{source}" in (ROOT / ".dockerignore").read_text("utf-8").splitlines()


def test_all_that_the_wheel_is_made_of_is_copied() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    needed = {path.split("/")[0] for path in wheel}
    needed |= {"pyproject.toml", PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]}
    assert needed == set(COPIED)


def test_extras_are_those_of_the_project() -> None:
    (extras,) = re.findall(r"pip install .*'\.\[(.*)\]'", FILE)
    assert set(extras.split(",")) <= set(PROJECT["project"]["optional-dependencies"])
    assert {"sim", "synth"} <= set(extras.split(","))


def test_programs_that_the_doctor_asks_for_are_installed() -> None:
    (line,) = re.findall(r"apt-get install (.*?) &&", FILE)
    assert {program for program, _, _ in _PROGRAMS} <= set(shlex.split(line))


def test_it_runs_bnnhw_in_its_volume_and_not_as_root() -> None:
    (entry,), (user,), (volume,) = (steps(kind) for kind in ("ENTRYPOINT", "USER", "VOLUME"))
    assert json.loads(entry)[0] in PROJECT["project"]["scripts"]
    assert user not in ("root", "0")
    assert steps("WORKDIR")[-1] == volume == "/work"
