"""Running a study of architectures: training, measuring, results and report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from rich.console import Console

from shiftassay.imagesets.dataset import Dataset
from shiftassay.records import JsonObject, Record
from shiftassay.report.finding import Finding, Report
from shiftassay.runs.environment import Environment, environment
from shiftassay.studies.architectures.answers import answers, title
from shiftassay.studies.architectures.checks import check_study
from shiftassay.studies.architectures.claims_table import claims_table
from shiftassay.studies.architectures.experiment import Experiment, train_networks
from shiftassay.studies.architectures.members import labels_of
from shiftassay.studies.architectures.sections import sections
from shiftassay.studies.architectures.study import Architectures
from shiftassay.studies.folder import working_in
from shiftassay.studies.measurements import Measurements
from shiftassay.studies.outcome import StudyRun, command, failed_finding, finish, provenance, surroundings
from shiftassay.studies.section import Section, record_of
from shiftassay.training.engine import SEMANTICS
from shiftassay.training.history import Diverged
from shiftassay.training.train import Failed
from shiftassay.words.terminal import spoken

SUMMARY = 3  # sentences of the answers


def run_architectures(
    name: str,
    study: Architectures,
    dataset: Dataset,
    folder: Path,
    *,
    out: Path,
    device: str,
    show_images: bool,
    console: Console,
) -> StudyRun:
    """Run a study of architectures into its folder; models are stored under `out`."""
    check_study(study, dataset)
    with working_in(folder):
        untrained = Experiment(study, dataset, labels_of(dataset.test), {}, out, Measurements(folder), device, console)
        experiment, failures = train_networks(untrained)
        measured = [_measured(section, experiment) for section in sections() if experiment.study.asks_for(section.KEY)]
        first = next(iter(experiment.members.values()))[0]
        machine = environment(first.trial.device, torch.get_num_threads())
        report = _report(experiment, failures, measured, machine)
        return finish(folder, report, _results(name, experiment, failures, measured, machine), show_images)


@dataclass(frozen=True)
class MeasuredSection:
    """A section with what it measured, or why it could not."""

    section: Section[Experiment]
    record: Record | None
    problem: str
    seconds: float

    @property
    def findings(self) -> Sequence[Finding]:
        if self.record is None:
            sentence = f"Not measured: {self.problem}"
            numbers = {"not_measured": self.problem}
            return [Finding(self.section.KEY, self.section.TITLE, (sentence,), numbers=numbers)]
        return self.section.findings(self.record)

    @property
    def published(self) -> JsonObject:
        """What of its numbers goes into the study's results."""
        if self.record is None:
            return {}
        publish = getattr(self.section, "published", Record.to_json)
        return publish(self.record)


def _measured(section: Section[Experiment], experiment: Experiment) -> MeasuredSection:
    """A section's measurement, made now or read.

    It is read if it was made of the same trials, under the same settings, in the same version.
    """
    began = perf_counter()
    asked: Any = {
        "trials": [[member.trial.digest for member in group] for group in experiment.members.values()],
        "study": experiment.study.settings_for(section.KEY),
        "version": [section.VERSION, SEMANTICS],
    }

    def measure() -> Record:
        experiment.console.print(spoken(section.TITLE, "bold"))
        record = section.measure(experiment)
        if record is None:
            raise ValueError(f"section {section.KEY} is asked for, and measured nothing")
        return record

    record, problem = None, ""
    try:
        record = experiment.measurements.once(section.KEY, record_of(section), asked, measure)
    except Diverged as error:
        problem = str(error)
    return MeasuredSection(section, record, problem, round(perf_counter() - began, 1))


def _results(
    name: str,
    experiment: Experiment,
    failures: Sequence[Failed],
    measured: Sequence[MeasuredSection],
    machine: Environment,
) -> JsonObject:
    members = experiment.members
    first = next(iter(members.values()))[0]
    return {
        "schema": "shiftassay.study/1",
        "study": name,
        "command": command(),
        "environment": {**machine.to_json(), "section_seconds": {row.section.KEY: row.seconds for row in measured}},
        "recipe": experiment.study.training_recipe().to_json(),
        "data": {"name": first.trial.data, "digest": first.trial.data_digest},
        "trials": {network: [member.trial.digest for member in group] for network, group in members.items()},
        "failed": [str(failed) for failed in failures],
        "sections": {row.section.KEY: row.published for row in measured if row.record},
    }


def _report(
    experiment: Experiment, failures: Sequence[Failed], measured: Sequence[MeasuredSection], machine: Environment
) -> Report:
    members = [member for group in experiment.members.values() for member in group]
    findings = [finding for row in measured for finding in row.findings]
    records = {row.section.KEY: row.record for row in measured if row.record is not None}
    answered, claims = answers(records), claims_table(records, experiment.study.statements)
    tables = (claims,) if claims.rows else ()
    return Report(
        title=title(records) or experiment.study.title,
        question=experiment.study.question,
        summary=answered[:SUMMARY],
        findings=(
            Finding("answers", "Answers", answered, tables),
            *findings,
            *([failed_finding(failures)] if failures else []),
        ),
        provenance=provenance(members, experiment.dataset),
        environment=surroundings(machine),
    )
