"""Every unit on the data path has a twin of the same name, parameters and order."""

from __future__ import annotations

import re

import pytest
from hls_harness import STREAM_PARAMETERS, TWINS, twin_of

from bnnhw.assets import asset_folder

# Units of the contracts that are no part of the data path: a stream's depth, a pipeline register,
# the AXI4-Lite block and the memory port, which the interface pragmas of the top function stand
# for, and the counters of streams, which are Verilog's alone.
NO_TWIN = {"bnn_fifo", "bnn_register_slice", "bnn_registers", "bnn_reset_control", "bnn_rom"}
NO_TWIN |= {"bnn_read_arbiter", "bnn_instruments", "bnn_stream_counters"}


def contracts() -> dict[str, list[str]]:
    """Parameters of each unit by the headings of the contracts."""
    text = (asset_folder("hw") / "README.md").read_text()
    found = {}
    for line in re.findall(r"^### (bnn_.*)$", text, re.MULTILINE):
        name = re.match(r"\w+", line)
        assert name
        listed = re.search(r"`#\(([^)]*)\)`", line)
        found[name[0]] = re.findall(r"\w+", listed[1]) if listed else []
    same = found["bnn_int_pe_array"]
    if not same:  # "the same parameters and ..." as bnn_pe_array
        found["bnn_int_pe_array"] = [*found["bnn_pe_array"], "IN_BITS", "IN_SIGNED"]
    return found


def template_parameters(kind: str) -> list[str]:
    text = (asset_folder("hls") / f"{kind}.h").read_text()
    match = re.search(r"template <([^>]*)>\s*void " + kind + r"\(", text)
    assert match, f"{kind}.h holds no function template {kind}"
    declared = [item.split() for item in match[1].split(",")]
    assert all(kind == "int" for kind, _ in declared)
    return [name for _, name in declared]


def module_parameters(kind: str) -> list[str]:
    text = (asset_folder("hw") / f"{kind}.sv").read_text()
    header = re.search(r"^module " + kind + r"\s*#\((.*?)^\) \(", text, re.DOTALL | re.MULTILINE)
    assert header, f"{kind}.sv has no parameters"
    code = re.sub(r"//.*", "", header[1])
    return re.findall(r"\bparameter\b[^=,]*?(\w+)\s*=", code)


def test_every_contract_on_the_data_path_has_a_twin() -> None:
    assert set(contracts()) - NO_TWIN == TWINS


@pytest.mark.parametrize("kind", sorted(TWINS))
def test_twin_has_the_parameters_of_the_contract(kind: str) -> None:
    declared = template_parameters(kind)
    assert tuple(declared) == twin_of(kind).parameters
    promised = contracts()[kind]
    extra = STREAM_PARAMETERS - set(promised)
    assert set(declared) - extra == set(promised) - set(twin_of(kind).absent)


@pytest.mark.parametrize("kind", sorted(TWINS))
def test_twin_has_the_parameters_of_the_verilog_module(kind: str) -> None:
    declared, module = template_parameters(kind), module_parameters(kind)
    extra = STREAM_PARAMETERS - set(module)
    assert set(declared) - extra == set(module) - set(twin_of(kind).absent)
