"""What a run of any study ends in, and what its report says of how it was made."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shiftassay.arrays.dataset import Dataset
from shiftassay.report.finding import Table
from shiftassay.training.train import Trained

RESULTS = "results.json"


@dataclass(frozen=True)
class StudyRun:
    """Where a study's report is, and its results as JSON (schema `shiftassay.study/1`)."""

    report: Path
    results: dict[str, Any]


def command() -> str:
    """The command that is running; the library's function where it is none."""
    return " ".join(["shiftassay", *sys.argv[1:]]) if sys.argv[0].endswith("shiftassay") else "shiftassay.run_study"


def provenance(
    members: Sequence[Trained], dataset: Dataset, made: dict[str, Any], more: Sequence[tuple[str, str]] = ()
) -> Table:
    """Command, time, commit, software, machine, data, seeds and trials of a study."""
    packages = ", ".join(f"{name} {version}" for name, version in made["packages"].items())
    rows = [
        ("command", command()),
        ("made", made["made"]),
        ("commit", made["commit"] or "not a checkout"),
        ("software", f"Python {made['python']}, {packages}"),
        ("machine", f"{made['system']}, {made['processor']}, {made['cores']} cores, device {made['device']}"),
        ("data", f"{dataset.name}, SHA-256 {members[0].trial.data_digest}…"),
        ("seeds", ", ".join(str(seed) for seed in sorted({member.trial.seed for member in members}))),
        ("trials", ", ".join(f"{m.trial.digest}{' (from the store)' if m.reused else ''}" for m in members)),
        *more,
    ]
    return Table(("", ""), tuple(rows))
