"""What a board gets: overlay, manifest, weights and vectors of a build, wheel and notebooks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bnnhw.api.deploy.address import check_name
from bnnhw.api.deploy.wheel import host_wheel
from bnnhw.assets import asset_folder
from bnnhw.backend.vectors import VECTORS
from bnnhw.errors import BnnhwError

if TYPE_CHECKING:
    from bnnhw.backend.build import Build

MADE = "vivado/overlay"  # where the scripts of vivado/ leave bitstream and handoff
_MANIFEST = "manifest.json"
INSTALL = "install.sh"


@dataclass(frozen=True)
class Bundle:
    """Files for a board.

    Attributes:
        network: name of the network, and of the overlay's folder on the board.
        wheel: file name of the host's wheel.
        files: where each file comes from by its path on the way to the board: a path here, or
            its content.
    """

    network: str
    wheel: str
    files: dict[str, Path | bytes]

    def write(self, folder: Path) -> None:
        """Puts all files below ``folder``, as the board gets them."""
        for name, source in self.files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source if isinstance(source, bytes) else source.read_bytes())


def bundle(build: Build, bit: Path | None = None) -> Bundle:
    """What a build needs on its board.

    Args:
        build: the build.
        bit: its bitstream, with the .hwh beside it; None for the one in the build's folder.

    Raises:
        BnnhwError: a file is missing, or no processor could run the host.
    """
    manifest, where = build.manifest, str(build.path / _MANIFEST)
    overlay = manifest.get("overlay")
    if not overlay:
        raise BnnhwError(
            f"the board {manifest.get('board')} has no processor that could run the host",
            where=str(build.path),
            fix="compile for a board with a Zynq: `bnnhw boards` lists them",
        )
    network = check_name(str(manifest["network"]), "the network", where)
    names = {key: check_name(str(overlay["files"][key]), f"the .{key}", where) for key in _PARTS}
    found = _bitstream(build.path, names["bit"], bit)
    files: dict[str, Path | bytes] = {
        f"overlay/{names['bit']}": found,
        f"overlay/{names['hwh']}": found.with_suffix(".hwh"),
        f"overlay/{_MANIFEST}": build.path / _MANIFEST,
    }
    memory = manifest.get("memory")
    weights = [check_name(str(memory["file"]), "the file of weights", where)] if memory else []
    for name in (*weights, VECTORS):
        path = build.path / name
        if not path.is_file():
            raise BnnhwError(
                f"the build holds no {name}",
                where=str(build.path),
                fix="compile the model again with this version of bnnhw",
            )
        files[f"overlay/{name}"] = path
    for path in _notebooks():
        files[f"notebooks/{path.name}"] = path
    wheel, files_of_wheel = host_wheel()
    files[wheel] = files_of_wheel
    files[INSTALL] = Path(__file__).with_name(INSTALL)
    return Bundle(network, wheel, files)


_PARTS = ("bit", "hwh")


def _bitstream(build: Path, name: str, given: Path | None) -> Path:
    """The bitstream, whose .hwh is beside it."""
    path = given or build / MADE / name
    if not path.is_file():
        raise BnnhwError(
            "there is no such bitstream",
            where=str(path),
            fix=f"make it: cd {build / 'vivado'} && vivado -mode batch -source build.tcl; "
            "or give one with --bit. Without a board: python -m bnnhw_host validate "
            f"{build} --device sim",
        )
    if path.suffix != ".bit":
        raise BnnhwError(
            "is no .bit", where=f"option --bit {path}", fix="give the bitstream's .bit"
        )
    handoff = path.with_suffix(".hwh")
    if not handoff.is_file():
        raise BnnhwError(
            f"has no {handoff.name} beside it, from which pynq learns what is in the bitstream",
            where=str(path),
            fix="copy both from the same Vivado project",
        )
    return path


def _notebooks() -> list[Path]:
    """The notebooks of the host package and what lies beside them; none where there are none."""
    folder = asset_folder("host") / "notebooks"
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in files if path.is_file() and not path.name.startswith(".")]
