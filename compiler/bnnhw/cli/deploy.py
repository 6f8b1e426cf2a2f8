"""``bnnhw deploy``: a build to a board, and its vectors through the hardware."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from bnnhw.api.deploy.session import DIRECTORY, PYTHON
from bnnhw.cli.options import BuildDir, Json, Quiet
from bnnhw.cli.output import print_json


def deploy(
    build: BuildDir,
    board: Annotated[
        str, typer.Argument(metavar="USER@HOST", help="The board, as ssh reaches it.")
    ],
    bit: Annotated[
        Path | None,
        typer.Option(
            help="The bitstream, its .hwh beside it; default vivado/overlay of the build."
        ),
    ] = None,
    directory: Annotated[
        str, typer.Option(help="Folder on the board, from the user's home on or absolute.")
    ] = DIRECTORY,
    port: Annotated[int | None, typer.Option("--port", "-p", help="Port of ssh.")] = None,
    identity: Annotated[
        Path | None, typer.Option("--identity", "-i", help="File of a private key for ssh.")
    ] = None,
    python: Annotated[str, typer.Option(help="PYNQ's Python on the board.")] = PYTHON,
    no_validate: Annotated[
        bool, typer.Option("--no-validate", help="Copy and install only.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print files and commands; connect to nothing.")
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Copy a build's overlay, the host package and notebooks to a PYNQ board, and validate there.

    ssh and scp are the system's own, with the user's configuration, keys and known hosts. On the
    board the host package is installed as root (sudo), and the build's vectors must come out of the
    hardware bit for bit: else the exit code is 1.
    """
    from bnnhw.api.deploy import session
    from bnnhw.api.deploy.address import read_address
    from bnnhw.api.deploy.bundle import bundle
    from bnnhw.backend.build import Build
    from bnnhw.errors import BnnhwError

    if identity is not None and not identity.is_file():
        raise BnnhwError("no such file", where=f"option --identity {identity}", fix="give a key")
    address = read_address(board, port, "" if identity is None else str(identity.absolute()))
    plan = session.Plan(
        address,
        bundle(Build.open(build), bit),
        directory,
        python,
        validate=not no_validate,
        terminal=sys.stdin.isatty() and not dry_run,
    )
    commands = [plan.copy(Path("FILES")), plan.install()]
    if not dry_run:
        # Plain lines: ssh and sudo may ask for passwords, which a bar would draw over.
        session.deploy(plan, lambda step: None if quiet or as_json else typer.echo(step, err=True))
    if as_json:
        print_json(
            {
                "board": address.ssh,
                "overlay": plan.place,
                "files": list(plan.bundle.files),
                "commands": commands if dry_run else [],
                "validated": plan.validate and not dry_run,
            }
        )
    elif dry_run:
        for name, source in plan.bundle.files.items():
            typer.echo(f"FILES/{name}  {'made here' if isinstance(source, bytes) else source}")
        for command in commands:
            typer.echo(shlex.join(command))
    elif plan.validate:
        typer.echo(f"{address.ssh}: {plan.place} runs, every score of the build's vectors is exact")
    else:
        typer.echo(f"{address.ssh}: {plan.place} is installed, and not validated")
