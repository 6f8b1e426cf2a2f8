"""The notebooks run on the simulated board, give exact scores, and keep outputs from there."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    Cell = dict[str, Any]

NOTEBOOKS = Path(__file__).resolve().parents[2] / "host" / "notebooks"
FIRST, THROUGHPUT, INSIDE, PHOTOGRAPH, OWN = sorted(NOTEBOOKS.glob("*.ipynb"))
MOST_BYTES, MOST_PICTURE_BYTES = 400_000, 60_000
SECONDS = 1800  # for a cell; a machine under load is slow, not wrong
# A board has no compiler: the path finder, which is what finds packages, does not find it.
AS_ON_A_BOARD = """\
from importlib.machinery import PathFinder
_find = PathFinder.find_spec
PathFinder.find_spec = classmethod(
    lambda cls, name, *rest: None if name == "bnnhw" else _find(name, *rest)
)
"""


def run(path: Path, folder: Path, *, as_on_a_board: bool = False) -> str:
    """All that a notebook prints, run in a folder; an error in a cell is raised."""
    for module in ("nbclient", "nbformat", "ipykernel", "matplotlib"):
        pytest.importorskip(module)
    import nbclient
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    if as_on_a_board:
        notebook.cells.insert(0, nbformat.v4.new_code_cell(AS_ON_A_BOARD))
    where = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=SECONDS, resources=where).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def fresh(folder: Path) -> Path:
    """A folder with the notebooks' files, and without builds."""
    folder.mkdir()
    for path in NOTEBOOKS.iterdir():
        if path.suffix in (".npz", ".png"):
            shutil.copy(path, folder)
    return folder


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder in which the first notebook ran, which makes a build, and what it printed.

    Processes that share the tests share it too.
    """
    fcntl = pytest.importorskip("fcntl")
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    with (root / "notebooks.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder, printed = root / "notebooks", root / "notebooks.txt"
        if not printed.is_file():
            shutil.rmtree(folder, ignore_errors=True)
            text = run(FIRST, fresh(folder))
            printed.write_text(text, encoding="utf-8")
    yield folder, printed.read_text(encoding="utf-8")


@pytest.mark.slow
def test_first_classification_compiles_validates_and_classifies(shared: tuple[Path, str]) -> None:
    text = shared[1]
    assert "compiling the network" in text and "simulated pynq-z2" in text
    assert "exact: all scores of 8 frames" in text
    assert "93.1% of 360 images are right" in text  # as models/README.md has it


@pytest.mark.slow
def test_throughput_is_as_predicted(shared: tuple[Path, str]) -> None:
    text = run(THROUGHPUT, shared[0], as_on_a_board=True)
    counted, predicted = (
        int(number.replace(",", ""))
        for number in re.search(r"([\d,]+) cycles a frame, predicted ([\d,]+)", text).groups()
    )
    assert counted == pytest.approx(predicted, rel=0.01)
    at_clocks = re.findall(r"simulated at \d+ MHz: ([\d,]+) cycles per frame", text)
    assert len(at_clocks) == 3 and {int(n.replace(",", "")) for n in at_clocks} == {counted}
    reached = re.search(r"that is ([\d.]+)% of the prediction", text)
    assert 98 < float(reached[1]) <= 100.5
    assert "there is no bitstream with instruments here" in text
    assert "simulated: 13 streams, 0 with a FIFO" in run(THROUGHPUT, shared[0])


@pytest.mark.slow
def test_looking_inside_finds_no_difference(shared: tuple[Path, str]) -> None:
    pytest.importorskip("cocotb")
    text = run(INSIDE, shared[0])
    assert "0 of 2,048" in text and "not compared" not in text
    assert "0 scores differ" in text
    assert "0 activations differ between Verilog and interpreter" in text
    assert "holds the same values: True" in text


@pytest.mark.slow
def test_looking_inside_says_what_a_board_does_not_compare(shared: tuple[Path, str]) -> None:
    text = run(INSIDE, shared[0], as_on_a_board=True)
    assert text.count("not compared: without the compiler there is no looking inside") == 5
    assert "0 scores differ" in text and "activations differ" not in text


@pytest.mark.slow
def test_an_own_network_is_exact_with_and_without_the_compiler(tmp_path: Path) -> None:
    folder = fresh(tmp_path / "notebooks")
    text = run(OWN, folder)
    assert "the integer graph's scores against onnxruntime: 0 of 368 inputs differ" in text
    assert "exact: all scores of 8 frames" in text
    assert "0 of 3,600 scores differ from the interpreter's" in text
    right = re.findall(r"([\d.]+)% of (?:the|360) test images are right", text)
    assert len(right) == 2 and right[0] == right[1] and float(right[0]) > 85
    again = run(OWN, folder, as_on_a_board=True)
    assert "without a compiler" in again and "exact: all scores of 8 frames" in again
    assert f"{right[1]}% of 360 test images are right, by the hardware" in again


@pytest.mark.slow
def test_the_photograph_is_exact_in_every_score(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    text = run(PHOTOGRAPH, fresh(tmp_path / "notebooks"))
    assert "photograph: 0 of 1,000 scores differ from the interpreter's" in text
    assert "multiply-accumulates per frame" in text


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_kept_outputs_are_whole_small_and_from_nowhere_in_particular(path: Path) -> None:
    assert path.stat().st_size < MOST_BYTES
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert notebook["metadata"]["language_info"] == {"name": "python"}
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert not any(cell["metadata"] for cell in notebook["cells"])
    outputs = [output for cell in code for output in cell["outputs"]]
    kinds = {output["output_type"] for output in outputs}
    assert kinds == {"stream", "display_data"}
    assert {output.get("name", "stdout") for output in outputs} == {"stdout"}
    text = "".join("".join(output.get("text", ())) for output in outputs)
    assert "simulated" in text
    pictures = [output["data"]["image/png"] for output in outputs if "data" in output]
    assert pictures
    assert max(len(base64.b64decode(picture)) for picture in pictures) < MOST_PICTURE_BYTES
    told = json.dumps([_without_pictures(cell) for cell in notebook["cells"]])
    assert not re.findall(r"(?<![\w.:])/[a-z]+/\w+|[A-Z]:\\\\|file://|https?://", told, re.I)


def _without_pictures(cell: Cell) -> Cell:
    outputs = [
        {**output, "data": output.get("data", {}).get("text/plain")}
        for output in cell.get("outputs", ())
    ]
    return {**cell, "outputs": outputs}
