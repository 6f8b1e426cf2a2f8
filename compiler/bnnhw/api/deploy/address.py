"""What users say of a board, checked before a word of it reaches ssh or a shell.

ssh hands the board's shell one line, and older versions of scp do so with paths. So words that end
up there hold letters, digits and few signs only, none of which a shell reads in any other way; and
none begins with ``-``, which a program would take for an option.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bnnhw.errors import BnnhwError

_USER = r"[A-Za-z_][A-Za-z0-9_.-]*"
_HOST = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
_IPV6 = r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9_.-]+)?"
_ADDRESS = re.compile(rf"(?:({_USER})@)?(?:({_HOST})|\[?({_IPV6})\]?)")
_PATH = re.compile(r"[A-Za-z0-9_./+][A-Za-z0-9_./+-]*")
_PART = re.compile(r"[A-Za-z0-9_.+][A-Za-z0-9_.+-]*")
_LAST_PORT = 65535


@dataclass(frozen=True)
class Address:
    """A board as ssh and scp call it.

    Attributes:
        user: who to log in as; empty for what ssh's own configuration says.
        host: a name, an alias of ssh's configuration, or a number.
        port: of ssh; 0 for what ssh's own configuration says.
        identity: absolute path of a private key; empty for ssh's own choice.
    """

    user: str
    host: str
    port: int = 0
    identity: str = ""

    @property
    def ssh(self) -> str:
        """As ssh takes it."""
        return f"{self.user}@{self.host}" if self.user else self.host

    @property
    def scp(self) -> str:
        """As scp takes it before a colon."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user}@{host}" if self.user else host


def read_address(text: str, port: int | None = None, identity: str = "") -> Address:
    """The board that ``USER@HOST`` names.

    Raises:
        BnnhwError: it is spelled as no host can be.
    """
    found = _ADDRESS.fullmatch(text)
    if not found:
        raise BnnhwError(
            f"{text!r} is no USER@HOST",
            where="argument BOARD",
            fix="give e.g. xilinx@192.168.2.99; other settings belong in ssh's own configuration",
        )
    if port is not None and not 1 <= port <= _LAST_PORT:
        raise BnnhwError(
            f"{port} is no port", where="option --port", fix=f"give 1 to {_LAST_PORT}; ssh's is 22"
        )
    return Address(found[1] or "", found[2] or found[3], port or 0, identity)


def check_path(text: str, option: str) -> str:
    """A path on the board, absolute or from the user's home, without a slash at its end.

    Raises:
        BnnhwError: it holds what a shell could read in another way.
    """
    if not _PATH.fullmatch(text):
        raise BnnhwError(
            f"{text!r} is no plain path: it holds other signs than letters, digits and _ . / + -, "
            "or begins with -",
            where=f"option {option}",
            fix="give a path from the user's home on the board, e.g. jupyter_notebooks/bnnhw",
        )
    return text.rstrip("/") or "/"


def check_name(text: str, what: str, where: str) -> str:
    """A file's name that came out of a file and becomes one on the board.

    Raises:
        BnnhwError: it is a path, or holds what a shell could read in another way.
    """
    if not _PART.fullmatch(text) or text in (".", ".."):
        raise BnnhwError(
            f"{what} is {text!r}, which is no plain name",
            where=where,
            fix="compile the model again: bnnhw never writes such a name",
        )
    return text
