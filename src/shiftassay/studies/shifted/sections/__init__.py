"""The sections of a report on shifted test sets, a file for each.

A new file here is a new section.
"""

from shiftassay.studies.section import Section, sections_of
from shiftassay.studies.shifted.context import StudyContext


def sections() -> list[Section[StudyContext]]:
    """Those of every file in this folder, in the order of the report."""
    return sections_of(__name__)
