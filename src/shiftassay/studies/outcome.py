"""What a run of any study ends in, and what its report says of how it was made."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shiftassay.imagesets.dataset import Dataset
from shiftassay.report.finding import Finding, Table
from shiftassay.runs.environment import Environment
from shiftassay.training.train import Failed, Trained

RESULTS = "results.json"


@dataclass(frozen=True)
class StudyRun:
    """Where a study's report is, and its results as JSON (schema `shiftassay.study/1`)."""

    report: Path
    results: dict[str, Any]


def failed_finding(failures: Sequence[Failed]) -> Finding:
    """Which trainings did not end in a model."""
    said = tuple(f"{failed}. It is left out." for failed in failures)
    return Finding("failed", "Trainings that failed", said, numbers={"failed": [f.failure.to_json() for f in failures]})


def command() -> str:
    """The command that is running; the library's function where it is none."""
    return " ".join(["shiftassay", *sys.argv[1:]]) if sys.argv[0].endswith("shiftassay") else "shiftassay.run_study"


def surroundings(made: Environment) -> Table:
    """Time, commit, software and machine of a study: what its results do not depend on."""
    packages = ", ".join(f"{name} {version}" for name, version in made.packages.items())
    rows = (
        ("made", made.made),
        ("commit", made.commit or "not a checkout"),
        ("software", f"Python {made.python}, {packages}"),
        ("machine", f"{made.system}, {made.processor}, {made.cores} cores, device {made.device}"),
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
