"""Copies a bundle to a board and installs it there, with the system's own scp and ssh.

Both run as programs with lists of arguments, so that no shell here reads any of it. On the board
ssh gives its line to a shell: it is ``sh FOLDER/install.sh`` and words that ``address`` has
checked, each quoted all the same. Keys, passwords and the check of host keys are as the user's own
configuration of ssh has them: no option here turns any of it off.
"""

from __future__ import annotations

import secrets
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bnnhw.api.deploy.address import check_path
from bnnhw.api.deploy.bundle import INSTALL
from bnnhw.errors import BnnhwError, ToolError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bnnhw.api.deploy.address import Address
    from bnnhw.api.deploy.bundle import Bundle

DIRECTORY = "jupyter_notebooks/bnnhw"  # from the user's home; Jupyter shows what is in there
PYTHON = "/usr/local/share/pynq-venv/bin/python3"  # of PYNQ's images since 2.7
_SSH_FAILED = 255
_LEFT_SECONDS = 20  # for removing what was copied, after a failure


@dataclass(frozen=True)
class Plan:
    """A deployment: what is copied, and where to.

    Attributes:
        address: the board.
        bundle: the files.
        directory: on the board, from the user's home or absolute; notebooks go there, and the
            overlay into a folder of the network's name.
        python: of PYNQ's environment on the board.
        validate: whether the board compares the build's own vectors at the end.
        terminal: whether programs on the board get a terminal, so that sudo can ask.
        stage: folder in the user's home that the files go to first.
    """

    address: Address
    bundle: Bundle
    directory: str = DIRECTORY
    python: str = PYTHON
    validate: bool = True
    terminal: bool = False
    stage: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "directory", check_path(self.directory, "--directory"))
        object.__setattr__(self, "python", check_path(self.python, "--python"))
        object.__setattr__(self, "stage", self.stage or f".bnnhw-deploy-{secrets.token_hex(4)}")

    @property
    def place(self) -> str:
        """The overlay's folder on the board."""
        return f"{self.directory}/{self.bundle.network}"

    def copy(self, folder: Path) -> list[str]:
        """The command that copies ``folder`` to the board."""
        port = ["-P", str(self.address.port)] if self.address.port else []
        target = f"{self.address.scp}:{self.stage}"
        return ["scp", *port, *self._identity(), "-r", "--", str(folder), target]

    def install(self) -> list[str]:
        """The command that installs what was copied, and validates."""
        after = "validate" if self.validate else "leave"
        words = [self.directory, self.bundle.network, self.bundle.wheel, self.python, after]
        return self._ssh(["sh", f"{self.stage}/{INSTALL}", *words], terminal=self.terminal)

    def log_in(self) -> str:
        """What a user types to log in."""
        port = ["-p", str(self.address.port)] if self.address.port else []
        return shlex.join(["ssh", *port, *self._identity(), self.address.ssh])

    def clean(self) -> list[str]:
        """The command that removes what was copied; it never asks for a password."""
        return self._ssh(["rm", "-rf", "--", self.stage], "-o", "BatchMode=yes")

    def _ssh(self, words: Sequence[str], *options: str, terminal: bool = False) -> list[str]:
        port = ["-p", str(self.address.port)] if self.address.port else []
        more = [*options, "-t"] if terminal else list(options)
        # shlex quotes for a POSIX shell; no word needs it, since all are checked.
        return ["ssh", *more, *port, *self._identity(), "--", self.address.ssh, shlex.join(words)]

    def _identity(self) -> list[str]:
        return ["-i", self.address.identity] if self.address.identity else []


def deploy(plan: Plan, progress: Callable[[str], None] = lambda step: None) -> None:
    """Copies, installs and validates; what the programs print goes to standard error.

    Args:
        plan: what, and where to.
        progress: told the name of each step as it begins.

    Raises:
        ToolError: ssh or scp is missing, the board cannot be reached, or something failed there.
        VerificationError: the board gives other scores than the interpreter.
    """
    with tempfile.TemporaryDirectory(prefix="bnnhw-deploy-") as work:
        folder = Path(work) / "files"
        folder.mkdir()
        plan.bundle.write(folder)
        progress(f"copying to {plan.address.ssh}")
        try:
            code = _run(plan.copy(folder))
        except KeyboardInterrupt:
            _clean(plan)
            raise
    if code:
        _clean(plan)
        raise ToolError(
            f"the files could not be copied: scp ended with {code}",
            where=plan.address.ssh,
            fix="the reason is above. Log in once by hand, which also shows the board's key where "
            f"it is new: {plan.log_in()}",
        )
    progress("installing and validating" if plan.validate else "installing")
    code = _run(plan.install())
    if code:
        raise _failure(plan, code)


def _run(command: list[str]) -> int:
    try:
        return subprocess.run(command, stdout=sys.stderr, check=False).returncode
    except FileNotFoundError as error:
        raise ToolError(
            f"{command[0]} is not installed",
            where="bnnhw deploy",
            fix="install OpenSSH's client: apt-get install openssh-client",
        ) from error


def _clean(plan: Plan) -> None:
    """Removes what was copied, where that needs no password; else the next deployment does."""
    try:
        subprocess.run(
            plan.clean(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_LEFT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return


def _failure(plan: Plan, code: int) -> BnnhwError:
    """What an exit code of ssh, or of install.sh on the board, means."""
    host = plan.address.ssh
    if code == 21:
        return VerificationError(
            "the board gives other scores than the interpreter",
            where=host,
            fix="a clock that is too fast does this: look at Vivado's timing report, and try "
            "`python -m bnnhw_host validate --clock` with less on the board",
        )
    what, fix = {
        _SSH_FAILED: ("ssh ended with 255: the connection failed, or broke", "see above"),
        11: (
            f"there is no Python at {plan.python}",
            "use an image of PYNQ 3.0 or later, or give --python",
        ),
        12: (
            f"{plan.place} is there and is no overlay of bnnhw: it is left as it is",
            "give another --directory",
        ),
        13: (
            f"{plan.directory} cannot be written",
            "give a --directory of the user's own, or log in as another user",
        ),
        14: (
            "bnnhw-host could not be installed as root",
            "the reason is above. Where sudo needs a password, run this in a terminal, "
            "or deploy as root",
        ),
        22: (
            "all is copied and installed, but validate could not run",
            "the reason is above; docs/board.md has a table of them",
        ),
    }.get(code, (f"the installation ended with {code}", "the reason is above"))
    return ToolError(what, where=host, fix=fix)
