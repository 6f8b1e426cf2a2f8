"""Compiles mutated models in one process of limited memory; prints what came of each.

Usage: mutation_worker.py FOLDER FIRST LAST. A line of standard output is a JSON object: seed, what
came of it ("built", "refused" or "fault"), the text, CPU seconds.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "models")]

from bnnhw.compiler import CompileOptions, compile_model  # noqa: E402
from bnnhw.errors import BnnhwError, InternalError  # noqa: E402
from bnnhw.frontend import LoadOptions  # noqa: E402
from bnnhw.frontend.model_input import UndeclaredInputError  # noqa: E402
from mutations import mutated  # noqa: E402

SECONDS = 30  # the token-level model takes some for the largest images that are allowed
MEMORY = 2 << 30


def too_slow(*_: object) -> None:
    raise TimeoutError(f"more than {SECONDS} s of CPU")


def compiled(path: Path, out: Path, options: LoadOptions) -> None:
    asked = CompileOptions(board="pynq-z2", cycles=100_000, **vars(options))
    compile_model(path, out, asked)


def outcome(folder: Path, seed: int) -> dict[str, object]:
    path = folder / "m.onnx"
    path.write_bytes(mutated(seed))
    start = time.process_time()
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    kind, text = "built", ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                compiled(path, folder / "out", LoadOptions())
            except UndeclaredInputError:
                compiled(path, folder / "out", LoadOptions(input_type="bipolar"))
    except BnnhwError as error:
        honest = not isinstance(error, InternalError) and "defect" not in str(error)
        named = bool(error.where and error.fix)
        kind, text = ("refused" if honest and named else "fault"), str(error)
        if kind == "fault" and error.__cause__ is not None:
            text += "".join(traceback.format_exception(error.__cause__)[-3:])
    except Exception:
        kind, text = "fault", traceback.format_exc(limit=-4)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return {"seed": seed, "kind": kind, "text": text, "cpu": time.process_time() - start}


def main() -> None:
    folder, first, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    signal.signal(signal.SIGVTALRM, too_slow)
    for seed in range(first, last):
        print(json.dumps(outcome(folder, seed)), flush=True)


if __name__ == "__main__":
    main()
