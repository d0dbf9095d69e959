"""The sections of a report on architectures, a file for each: a new one is found by being here."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol, cast, runtime_checkable

from shiftassay.report.finding import Finding
from shiftassay.studies.architectures.lab import Lab, Members


@runtime_checkable
class Section(Protocol):
    """What each file says of itself, and does.

    `VERSION` is raised with every change of what is measured, so that stored numbers never outlive a fix. `PLACE` orders the report.
    A file may have `published(measured)` besides: what of its numbers goes into the study's results, where that is not all.
    """

    KEY: str
    TITLE: str
    VERSION: int
    PLACE: int

    def measure(self, lab: Lab, members: Members) -> dict[str, Any]:
        """The section's numbers, as JSON."""
        ...

    def finding(self, found: dict[str, Any]) -> Finding:
        """What they say: sentences, tables, figures."""
        ...


def sections() -> list[Section]:
    """Those of every file in this folder, in the order of the report."""
    found = [cast(Section, import_module(f"{__name__}.{module.name}")) for module in iter_modules(__path__)]
    return sorted(found, key=lambda section: section.PLACE)
