"""The README's table of what seed 003 claims, what the study of its networks measured, and what that says."""

from typing import cast

from shiftassay.records import JsonObject
from shiftassay.studies.architectures.claims_table import Row, claim_rows
from shiftassay.studies.architectures.sections import sections as all_sections
from shiftassay.studies.architectures.sections.accuracies import ComparedAccuracies
from shiftassay.studies.architectures.sections.reproduction import Reproduction
from shiftassay.studies.architectures.study import Architectures
from shiftassay.studies.schema import load_study
from shiftassay.studies.section import record_of
from shiftassay.words.numbers import number

COLUMNS = ("seed 003 says", "measured here", "verdict")


def spatial_rows(sections: JsonObject) -> list[Row]:
    """A row for each claim, from the sections of the study's results."""
    known = [section for section in all_sections() if section.KEY in sections]
    measured = {section.KEY: record_of(section).from_json(sections[section.KEY]) for section in known}
    _, study = load_study("spatial-attention")
    assert isinstance(study, Architectures)
    return claim_rows(measured, study.statements)


def spatial_note(results: JsonObject) -> str:
    """How many networks were trained, for how long, and on what."""
    networks = Reproduction.from_json(cast(JsonObject, results["sections"])["reproduction"]).networks
    seeds = len(next(iter(networks.values())).seeds)
    hours = sum(time or 0 for runs in networks.values() for time in runs.environment.seconds) / 3600
    processor = cast(JsonObject, results["environment"])["processor"]
    images = ComparedAccuracies.from_json(cast(JsonObject, results["sections"])["accuracies"]).images
    return (
        f"*{seeds} seeds of each of {len(networks)} networks, mean ± sd over seeds, on the {images:,} test images; "
        f"intervals are 95%, over seeds, and p-values are corrected after Holm; {number(hours, 1)} hours of "
        f"training on one core, {processor}, which had other work beside it; `{results['command']}`.*"
    )
