"""Sections: the parts of a study's report, a file for each.

Every file in the folder of a kind of study is one of its sections.
"""

from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol, TypeVar, cast, get_type_hints, runtime_checkable

from shiftassay.records import Record
from shiftassay.report.finding import Finding

Work = TypeVar("Work", contravariant=True)
"""What a kind of study hands to its sections: the study, its data, its trained members, and where results are kept."""


@runtime_checkable
class Section(Protocol[Work]):
    """What the file of a section holds: what it measures, and what it says of that.

    `VERSION` is raised with every change of what is measured, so that stored numbers never outlive a fix. `PLACE`
    orders the report. A file may have `published(measured)` besides: what of its numbers goes into the study's results.
    """

    KEY: str
    TITLE: str
    VERSION: int
    PLACE: int

    def measure(self, work: Work, /) -> Record | None:
        """The section's numbers; None where the study does not ask for them.

        The annotation names the record.
        """
        ...

    def findings(self, measured: Any, /) -> Sequence[Finding]:
        """What the numbers say: sentences, tables, figures. Computed from the record alone."""
        ...


def sections_of(package: str) -> list[Section[Any]]:
    """The sections in a package, one for each of its files, in the order of the report."""
    folder = import_module(package)
    modules = [import_module(f"{package}.{module.name}") for module in iter_modules(folder.__path__)]
    return sorted((cast(Section[Any], module) for module in modules), key=lambda section: section.PLACE)


def record_of(section: Section[Any]) -> type[Record]:
    """The record that a section measures, as the annotation of its `measure` names it."""
    return get_type_hints(section.measure)["return"]
