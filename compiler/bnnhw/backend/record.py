"""compile.json: all that a build was made from, so that it can be made again."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import numbers
import platform
import shlex
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.errors import BnnhwError, ToolError, did_you_mean
from bnnhw.version import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

RECORD = "compile.json"
_SCHEMA = 1
_PACKAGES = ("numpy", "onnx", "onnxruntime")
_BLOCK = 1 << 20


def record(
    options: Mapping[str, Any], files: Mapping[str, Sequence[Path]], command: str, build_hash: int
) -> str:
    """The text of compile.json.

    Args:
        options: what the user asked, by the names that ``bnnhw.compile`` takes.
        files: the files that were read, by option: model, inputs, calibrate, folding, class_names;
            listed has those that lists of files name.
        command: the command line that asks the same.
        build_hash: of the hardware that came out.
    """
    read = {
        name: [{"path": str(path), "sha256": sha256(path)} for path in paths]
        for name, paths in files.items()
    }
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    data = {
        "schema": _SCHEMA,
        "command": command,
        "options": dict(options),
        "files": read,
        "build_hash": f"{build_hash:016x}",
        "versions": {"bnnhw": __version__, "python": platform.python_version(), **versions},
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    return json.dumps(data, indent=2) + "\n"


def sha256(path: Path) -> str:
    """Of a file; of a folder, of the names and contents of all files in it."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_dir():
            continue
        if path.is_dir():
            digest.update(f"{file.relative_to(path).as_posix()}\n".encode())
        with file.open("rb") as opened:
            while block := opened.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


def read_config(path: Path, known: Collection[str]) -> dict[str, Any]:
    """The options in a JSON, TOML or YAML file: a compile.json, or a mapping of options.

    Files of a compile.json must be those that it was made from; relative paths are looked for where
    the program runs, as they were given.

    Raises:
        BnnhwError: the file is not readable, or holds a key that is no option; a file that it names
            is another than it was.
    """
    data = _parsed(path)
    options = data
    if "options" in data and "schema" in data:
        read = data.get("files", {})
        for entries in read.values():
            for entry in entries:
                _check_same(Path(entry["path"]), entry["sha256"], path)
        options = {"model": read["model"][0]["path"], **data["options"]}
    for key in options:
        if key not in known:
            raise BnnhwError(
                f"there is no option '{key}'", where=str(path), fix=did_you_mean(key, known)
            )
    return check_kinds(options, str(path))


def check_kinds(options: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Options by name, each of its kind; a single text where a list belongs becomes one.

    Raises:
        BnnhwError: an option is of another kind.
    """
    found = {}
    for name, value in options.items():
        if name in _LISTS and isinstance(value, (str, Path)):
            value = [value]
        what, example, fits = _KINDS.get(name, _ANY)
        if value is not None and not fits(value):
            raise BnnhwError(
                f"option '{name}' is {value!r}, not {what}", where=where, fix=f"give {example}"
            )
        found[name] = value
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _are_texts(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(v, (str, Path)) for v in value)


def _are_numbers(value: object) -> bool:
    several = isinstance(value, Iterable) and not isinstance(value, (str, Mapping))
    one = _is_number(value) or isinstance(value, str)  # a text such as "1/255" is parsed later
    return one or (several and all(map(_is_number, value)))  # type: ignore[call-overload]


def _are_widths(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_is_whole, value.values()))


_LISTS = ("inputs", "calibrate", "backends")
_Kind = tuple[str, str, "Callable[[object], bool]"]
_ANY: _Kind = ("", "", lambda value: True)
_TEXT: _Kind = ("a text", "it in quotes", lambda value: isinstance(value, (str, Path)))
_NUMBER: _Kind = ("a number", "e.g. 1000, without quotes", _is_number)
_WHOLE: _Kind = ("a whole number", "e.g. 3, without quotes", _is_whole)
_TRUTH: _Kind = ("true or false", "true or false", lambda value: isinstance(value, bool))
_TEXTS: _Kind = ("a list of texts", 'e.g. ["images"]', _are_texts)
_NUMBERS: _Kind = ("a number, or one per channel", 'e.g. "1/255", or [0.5, 0.4]', _are_numbers)
_NAMES: _Kind = (
    "a file or a list of names",
    'e.g. "labels.txt"',
    lambda value: isinstance(value, (str, Path)) or _are_texts(value),
)
_WIDTHS: _Kind = ("whole numbers by name", 'e.g. {"conv1": 6}', _are_widths)
_KINDS: dict[str, _Kind] = {
    **dict.fromkeys(("model", "board", "output", "folding", "input_type", "sign_zero"), _TEXT),
    **dict.fromkeys(("fps", "clock_mhz", "min_agreement"), _NUMBER),
    **dict.fromkeys(("cycles", "top_k"), _WHOLE),
    **dict.fromkeys(("verify", "resize", "grey", "instrument"), _TRUTH),
    **dict.fromkeys(_LISTS, _TEXTS),
    **dict.fromkeys(("input_scale", "input_offset", "input_mean", "input_std"), _NUMBERS),
    "precision": _WIDTHS,
    "class_names": _NAMES,
}


def recorded_hash(path: Path) -> str | None:
    """The build_hash in a compile.json; None in a file of options."""
    found = _parsed(path).get("build_hash")
    return None if found is None else str(found)


def command_line(words: Sequence[object]) -> str:
    """Words as a shell takes them."""
    return shlex.join(str(word) for word in words)


def _check_same(path: Path, digest: str, config: Path) -> None:
    if not path.exists():
        raise BnnhwError(
            f"was made from {path}, which is not there",
            where=str(config),
            fix="run it from the folder where the build was made, or give the file's new path",
        )
    if sha256(path) != digest:
        raise BnnhwError(
            f"was made from another {path}: its SHA-256 was {digest[:12]}...",
            where=str(config),
            fix="bring the old file back, or compile anew without this record",
        )


def _parsed(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise BnnhwError("no such file", where=str(path), fix="check the path of --config")
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix in (".yaml", ".yml"):
            data = _yaml(text)
        elif path.suffix == ".toml":
            data = tomllib.loads(text)
        else:
            data = json.loads(text)
    except ToolError:
        raise
    except Exception as error:  # the three parsers have no error in common
        raise BnnhwError(
            f"is no readable JSON, TOML or YAML file: {error}",
            where=str(path),
            fix="start from the compile.json of an earlier build",
        ) from error
    if not isinstance(data, dict):
        raise BnnhwError(
            "holds no options", where=str(path), fix="start from the compile.json of a build"
        )
    return data


def _yaml(text: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise ToolError("reading YAML needs PyYAML", fix="pip install pyyaml") from error
    return yaml.safe_load(text)
