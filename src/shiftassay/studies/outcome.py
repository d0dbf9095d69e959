"""What a run of any study ends in, and what its report says of how it was made."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shiftassay.imagesets.dataset import Dataset
from shiftassay.records import JsonObject
from shiftassay.report.finding import Finding, Report, Table
from shiftassay.report.write import write_report
from shiftassay.runs.environment import Environment
from shiftassay.runs.store import write_json
from shiftassay.training.train import Failed, Trained
from shiftassay.words.html import paragraphs
from shiftassay.words.text import short

RESULTS = "results.json"

StudyResults = JsonObject
"""The content of `results.json`, schema `shiftassay.study/1`: how the study was made, and its numbers by section."""


@dataclass(frozen=True)
class StudyRun:
    """Where a study's report is, what it says in short, and its results."""

    report: Path
    results: StudyResults
    title: str = ""
    summary: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join((self.title, *self.summary, f"Report: {self.report}"))

    def __repr__(self) -> str:
        return f"<StudyRun {short(self.title)}: {self.report}>"

    def _repr_html_(self) -> str:
        return paragraphs(self.title, *self.summary, f"Report: {self.report}")


def finish(folder: Path, report: Report, results: StudyResults, show_images: bool) -> StudyRun:
    """Write the results and the report of a study into its folder.

    The report has images of its sets only with `show_images`.
    """
    write_json(folder / RESULTS, results)
    return StudyRun(write_report(folder, report, show_images=show_images), results, report.title, report.summary)


def failed_finding(failures: Sequence[Failed]) -> Finding:
    """Which trainings did not end in a model."""
    sentences = tuple(f"{failed}. It is left out." for failed in failures)
    numbers = {"failed": [failed.failure.to_json() for failed in failures]}
    return Finding("failed", "Trainings that failed", sentences, numbers=numbers)


def command() -> str:
    """The command that is running; the library's function where it is none."""
    return " ".join(["shiftassay", *sys.argv[1:]]) if sys.argv[0].endswith("shiftassay") else "shiftassay.run_study"


def surroundings(machine: Environment) -> Table:
    """Time, commit, software and machine of a study: what its results do not depend on."""
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    rows = (
        ("made", machine.made),
        ("commit", machine.commit or "not a checkout"),
        ("software", f"Python {machine.python}, {packages}"),
        ("machine", f"{machine.system}, {machine.processor}, {machine.cores} cores, device {machine.device}"),
    )
    return Table(("", ""), rows)


def provenance(members: Sequence[Trained], dataset: Dataset, more: Sequence[tuple[str, str]] = ()) -> Table:
    """Command, data, seeds and trials of a study."""
    rows = [
        ("command", command()),
        ("data", f"{dataset.name}, SHA-256 {members[0].trial.data_digest}…"),
        ("seeds", ", ".join(str(seed) for seed in sorted({member.trial.seed for member in members}))),
        ("trials", ", ".join(member.trial.digest for member in members)),
        *more,
    ]
    return Table(("", ""), tuple(rows))
