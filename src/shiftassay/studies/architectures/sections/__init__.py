"""The sections of a report on architectures, a file for each.

A new file here is a new section.
"""

from shiftassay.studies.architectures.experiment import Experiment
from shiftassay.studies.section import Section, sections_of


def sections() -> list[Section[Experiment]]:
    """Those of every file in this folder, in the order of the report."""
    return sections_of(__name__)
