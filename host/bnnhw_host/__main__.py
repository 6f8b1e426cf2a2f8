"""``python -m bnnhw_host``: what a board holds, whether it computes right, and how fast it is."""

from __future__ import annotations

import argparse
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bnnhw_host import Accelerator, HostError, __version__
from bnnhw_host.manifest import find_manifest, read_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; 0 where all is well, 1 where scores are wrong, 2 for an error."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (HostError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bnnhw_host", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True)
    for name, command, text in (
        ("info", _info, "the network, its formats and what was predicted; needs no board"),
        ("validate", _validate, "compares scores with those that the build holds, bit for bit"),
        ("throughput", _throughput, "frames per second and latency, beside the prediction"),
    ):
        part = commands.add_parser(name, help=text, description=text)
        part.set_defaults(command=command)
        part.add_argument("path", type=Path, help="a build's folder, the bitstream's, or the .bit")
        if command is _info:
            continue
        part.add_argument("--device", choices=["sim", "auto"], help="a simulated board")
        part.add_argument("--clock", type=float, metavar="MHZ", help="another clock")
        if command is _validate:
            part.add_argument("--images", type=Path, metavar="X.npy", help="images of your own")
            part.add_argument("--expected", type=Path, metavar="Y.npy", help="their scores")
        else:
            part.add_argument("--frames", type=int, metavar="N", help="frames back to back")
    return parser


def _open(options: argparse.Namespace) -> Accelerator:
    return Accelerator(options.path, options.device, clock_mhz=options.clock)


def _info(options: argparse.Namespace) -> int:
    manifest = read_manifest(find_manifest(options.path))
    source, scores = manifest.input, manifest.output
    print(f"{manifest.network} for {manifest.board} at {manifest.overlay.fabric_mhz:g} MHz")
    print(f"build {manifest.build_hash:016x}")
    print(
        f"input  {source.name}: {source.dtype} {source.shape}, {source.frame_bytes:,} bytes a frame"
    )
    best = f", the best {scores.top_k}" if scores.top_k else ""
    print(f"output {scores.name}: {scores.shape}{best}, {scores.frame_bytes:,} bytes a frame")
    if manifest.memory:
        print(f"weights in memory: {manifest.memory.bytes:,} bytes")
    if manifest.cycles_per_frame:
        fps = manifest.overlay.fabric_mhz * 1e6 / manifest.cycles_per_frame
        print(f"predicted: {manifest.cycles_per_frame:,} cycles a frame, {fps:,.0f} per second")
    return 0


def _validate(options: argparse.Namespace) -> int:
    images, expected = _array(options.images), _array(options.expected)
    with _open(options) as accelerator:
        print(accelerator)
        result = accelerator.validate(images, expected)
    print(result)
    return 0 if result.exact else 1


def _array(path: Path | None) -> Any:
    """The array in a .npy file; None without one."""
    if path is None:
        return None
    try:
        found = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise HostError(
            f"{path} is no .npy file: {error}", fix="write it with numpy.save"
        ) from error
    if not isinstance(found, np.ndarray):
        raise HostError(f"{path} holds several arrays", fix="give one array as .npy")
    return found


def _throughput(options: argparse.Namespace) -> int:
    with _open(options) as accelerator:
        print(accelerator)
        print(accelerator.throughput(options.frames))
        print(accelerator.latency())
    return 0


if __name__ == "__main__":
    sys.exit(main())
