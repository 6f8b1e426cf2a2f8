"""What a simulation compared, as JUnit XML, which continuous integration shows as tests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from bnnhw.report.facts import verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bnnhw.verify.verification import Verification


def junit_xml(network: str, checks: Sequence[Verification]) -> str:
    """A test suite of one test per comparison."""
    failures = sum(check.mismatches > 0 for check in checks)
    suite = ElementTree.Element(
        "testsuite",
        name=f"bnnhw simulate {network}",
        tests=str(len(checks)),
        failures=str(failures),
        errors="0",
    )
    for check in checks:
        name = f"{check.what} against {check.against}, {check.inputs} frames"
        case = ElementTree.SubElement(suite, "testcase", classname=network, name=name)
        if check.mismatches:
            message = f"{verdict(check.to_json())} frames; {check.note}"
            ElementTree.SubElement(case, "failure", message=message)
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, "utf-8", xml_declaration=True).decode() + "\n"
