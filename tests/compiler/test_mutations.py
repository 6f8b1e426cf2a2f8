"""Models with random faults end in a build or in an error that names the place, and soon.

Each runs in a process whose memory is limited; numpy's warnings count as faults, and so do errors
that blame the compiler.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import mutation_worker
from bnnhw.errors import REPORT, BnnhwError, ModelError
from mutations import mutated

WORKER = Path(mutation_worker.__file__)
SAMPLE, STEP, ALL = 400, 200, 6_000


def outcomes(folder: Path, first: int, last: int) -> list[dict[str, object]]:
    command = [sys.executable, str(WORKER), str(folder), str(first), str(last)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == last - first, f"seed {first + len(found)} ended the process: {done.stderr}"
    return found


def check(folder: Path, first: int, last: int) -> None:
    found = outcomes(folder, first, last)
    faults = [f"seed {one['seed']}: {one['text']}" for one in found if one["kind"] == "fault"]
    assert not faults, "\n\n".join(faults)
    counts = Counter(one["kind"] for one in found)
    assert counts["built"] > 0.1 * len(found), "most faults should not be the same one"
    assert counts["refused"] > 0.5 * len(found)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, SAMPLE, STEP))
def test_mutated_models_are_built_or_refused(tmp_path: Path, first: int) -> None:
    check(tmp_path, first, first + STEP)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(SAMPLE, ALL, 900))
def test_many_mutated_models_are_built_or_refused(tmp_path: Path, first: int) -> None:
    check(tmp_path, first, min(first + 900, ALL))


def test_mutations_are_the_same_each_time_and_of_all_kinds() -> None:
    files = [mutated(seed) for seed in range(60)]
    assert files == [mutated(seed) for seed in range(60)]
    assert len(set(files)) > 55


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (None, "built"),
        (ModelError("is wrong", where="node 'a'", fix="mend it"), "refused"),
        (ModelError("is wrong", fix="mend it"), "fault"),
        (BnnhwError("is wrong", where="node 'a'"), "fault"),
        (BnnhwError("is wrong", where="node 'a'", fix=REPORT), "fault"),
        (ValueError("of numpy"), "fault"),
        (TimeoutError("too slow"), "fault"),
    ],
)
def test_the_worker_tells_faults_from_refusals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: Exception | None, kind: str
) -> None:
    def compiled(*_: object) -> None:
        if raised is not None:
            raise raised

    monkeypatch.setattr(mutation_worker, "compiled", compiled)
    assert mutation_worker.outcome(tmp_path, 0)["kind"] == kind
