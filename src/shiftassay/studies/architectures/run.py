"""Running a study of architectures: train, then each section measures, then each says what it found."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from rich.console import Console

from shiftassay.datasets.distorted import check_name
from shiftassay.errors import BadInput, unknown_name
from shiftassay.imagesets.dataset import Dataset
from shiftassay.networks.registry import build, check_parameters
from shiftassay.report.finding import Finding, Report
from shiftassay.report.write import write_report
from shiftassay.runs.environment import environment
from shiftassay.runs.recipe import recipe_named
from shiftassay.runs.store import write_json
from shiftassay.shifts.catalogue import parse
from shiftassay.studies.architectures.lab import Lab, Members
from shiftassay.studies.architectures.sections import Section, sections
from shiftassay.studies.architectures.study import Architectures
from shiftassay.studies.folder import working_in
from shiftassay.studies.measurements import Measurements
from shiftassay.studies.outcome import RESULTS, StudyRun, command, failed_finding, provenance, surroundings
from shiftassay.studies.strict import as_stored
from shiftassay.training.engine import SEMANTICS
from shiftassay.training.history import Diverged
from shiftassay.training.train import Failed, TrainingFailed
from shiftassay.words.terminal import spoken

FIRST_SEEDS = 3
# Parts of a study file that only the section of their name measures, or none.
OTHERS = {"quick", "full", "title", "question", "suggestions", "distortions", "robustness"}


def run_architectures(
    name: str,
    study: Architectures,
    dataset: Dataset,
    folder: Path,
    *,
    out: Path,
    device: str,
    console: Console,
) -> StudyRun:
    """Run a study of architectures into its folder."""
    check_study(study, dataset)
    with working_in(folder):
        lab = Lab(study, dataset, out, Measurements(folder), device, console)
        study, members, failures = _members(lab)
        lab = replace(lab, study=study)
        measured, seconds, unmeasured = {}, {}, {}
        for section in sections():
            if getattr(study, section.KEY, True) is None:
                continue
            began = perf_counter()
            try:
                measured[section.KEY] = _measured(section, lab, members)
            except Diverged as error:
                said = (f"Not measured: {error}",)
                unmeasured[section.KEY] = Finding(
                    section.KEY, section.TITLE, said, numbers={"not_measured": str(error)}
                )
            seconds[section.KEY] = round(perf_counter() - began, 1)
        everyone = [member for group in members.values() for member in group]
        made = environment(everyone[0].trial.device, torch.get_num_threads())
        results = {
            "schema": "shiftassay.study/1",
            "study": name,
            "command": command(),
            "environment": {**made.to_json(), "section_seconds": seconds},
            "recipe": lab.recipe().to_json(),
            "data": {"name": everyone[0].trial.data, "digest": everyone[0].trial.data_digest},
            "trials": {network: [member.trial.digest for member in group] for network, group in members.items()},
            "failed": [str(failed) for failed in failures],
            "sections": {s.KEY: _published(s, measured[s.KEY]) for s in sections() if s.KEY in measured},
        }
        write_json(folder / RESULTS, results)
        found = [
            unmeasured.get(section.KEY) or section.finding(measured[section.KEY])
            for section in sections()
            if section.KEY in {**measured, **unmeasured}
        ]
        report = Report(
            title=study.title,
            question=study.question,
            summary=tuple(finding.sentences[0] for finding in found),
            findings=(*found, *([failed_finding(failures)] if failures else [])),
            provenance=provenance(everyone, dataset),
            environment=surroundings(made),
        )
        return StudyRun(write_report(folder, report), results)


def _members(lab: Lab) -> tuple[Architectures, Members, list[Failed]]:
    """The members that are compared, the study without networks that all failed, and the failures.

    Seeds are blocks: one in which a network failed is left out of the others too, but for a network of which no seed trained.
    """
    study = lab.study
    # Three seeds of every network before more of any: what is broken off is then a comparison all the same.
    for seeds in sorted({min(FIRST_SEEDS, study.seeds), study.seeds}):
        trained, failures = {}, []
        for network in study.networks:
            try:
                trained[network] = lab.train(network, range(seeds))
            except TrainingFailed as error:
                trained[network] = error.trained
                failures += error.failures
    if not failures:
        return study, trained, []
    networks = tuple(network for network in study.networks if trained[network])
    seeds_of = [{member.trial.seed for member in trained[network]} for network in networks]
    whole = set.intersection(*seeds_of) if seeds_of else set()
    if not whole or study.control not in networks:
        raise Diverged(f"{'; '.join(map(str, failures))}. Nothing is left to compare with {study.control}.")
    claims = tuple(claim for claim in study.claims if claim.network in networks)
    study = study.model_copy(update={"networks": networks, "seeds": len(whole), "claims": claims})
    return study, {n: [m for m in trained[n] if m.trial.seed in whole] for n in networks}, failures


def check_study(study: Architectures, dataset: Dataset) -> None:
    """Raise `BadInput` for a name or value that can't be used, before anything is trained."""
    recipe = recipe_named(study.recipe)
    if not recipe.validate_on_test:
        raise BadInput(
            f"recipe {study.recipe}: a study of architectures reads its runs on the test set after every epoch. Use one that "
            "validates on the test set, such as seed-003."
        )
    for name in (*study.networks, *(claim.network for claim in study.claims)):
        check_parameters(name, ())
    if len(set(study.networks)) < len(study.networks):
        raise BadInput(f"networks: {', '.join(study.networks)}. Name each once.")
    if study.control not in study.networks:
        raise unknown_name("control among the networks", study.control, study.networks)
    shape, classes = dataset.train.shape, dataset.classes
    asked: list[tuple[str, dict[str, Any], dict[str, Any]]] = [(network, {}, {}) for network in study.networks]
    for ablation in study.ablations:
        if ablation.network not in study.networks or ablation.name in study.networks:
            raise BadInput(
                f"ablation {ablation.name!r} of {ablation.network}: it needs a name of its own, and a network among the study's."
            )
        asked.append((ablation.network, ablation.parameters, ablation.recipe))
    if study.suggestions:
        factors = product(study.suggestions.networks, study.suggestions.dropout, study.suggestions.optimizers.values())
        asked += [(network, {"dropout": dropout}, optimizer) for network, dropout, optimizer in factors]
    if study.distortions:
        asked.append((study.control, {}, study.distortions.recipe))
        for name in study.distortions.datasets:
            check_name(name)
    for network, given, changes in asked:
        check_parameters(network, given)
        with torch.random.fork_rng(devices=[]):
            build(network, shape, classes, given)
        for key in changes:
            if key not in vars(recipe):
                raise unknown_name("setting of a recipe", key, vars(recipe))
    for text in study.robustness.shifts if study.robustness else ():
        parse(text)


def _published(section: Section, measured: dict[str, Any]) -> dict[str, Any]:
    """What of a section's numbers goes into the results."""
    return getattr(section, "published", lambda all_of_it: all_of_it)(measured)


def _measured(section: Section, lab: Lab, members: Members) -> dict[str, Any]:
    """What a section measures, or measured before of the same trials, under the same settings, in the same version."""
    asked = {
        "trials": [[member.trial.digest for member in group] for group in members.values()],
        "study": as_stored(lab.study.model_dump(mode="json", exclude=OTHERS - {section.KEY})),
        "version": [section.VERSION, SEMANTICS],
    }

    def measure() -> dict[str, Any]:
        lab.console.print(spoken(section.TITLE, "bold"))
        return section.measure(lab, members)

    return lab.measurements.once_untyped(section.KEY, asked, measure)
