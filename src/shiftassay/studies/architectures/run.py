"""Running a study of architectures: train, then each section measures, then each says what it found."""

import hashlib
import json
from itertools import product
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any

import torch
from rich.console import Console

from shiftassay.arrays.dataset import Dataset
from shiftassay.errors import BadInput, unknown_name
from shiftassay.networks.registry import build, check_parameters
from shiftassay.report.finding import Report
from shiftassay.report.write import write_report
from shiftassay.runs.environment import environment
from shiftassay.runs.store import read_json, write_json
from shiftassay.shifts.catalogue import parse
from shiftassay.shifts.distorted import check_name
from shiftassay.studies.architectures import (
    accuracies,
    batches,
    costs,
    distortions,
    modules,
    parameters,
    reproduction,
    robustness,
    spikes,
    stability,
    suggestions,
)
from shiftassay.studies.architectures.lab import Lab, Members
from shiftassay.studies.architectures.study import Architectures
from shiftassay.studies.outcome import RESULTS, StudyRun, command, provenance
from shiftassay.training.engine import SEMANTICS
from shiftassay.training.recipe import recipe_named

FIRST_SEEDS = 3
# Parts of a study file that only the section of their name measures, or none.
OTHERS = {"quick", "full", "title", "question", "suggestions", "distortions", "robustness"}


# Each has KEY, TITLE, measure(lab, members) to JSON, finding(measured), which says what was found, and VERSION, which is raised
# with every change of what is measured, so that stored numbers never outlive a fix.
SECTIONS: tuple[ModuleType, ...] = (
    reproduction,
    accuracies,
    stability,
    spikes,
    parameters,
    batches,
    suggestions,
    distortions,
    robustness,
    modules,
    costs,
)


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
    lab = Lab(study, dataset, out, folder, device, console)
    # Three seeds of every network before more of any: what is broken off is then a comparison all the same.
    for seeds in sorted({min(FIRST_SEEDS, study.seeds), study.seeds}):
        members = {network: lab.train(network, range(seeds)) for network in study.networks}
    measured, seconds = {}, {}
    for section in SECTIONS:
        if getattr(study, section.KEY, True) is None:
            continue
        began = perf_counter()
        measured[section.KEY] = _measured(section, lab, members)
        seconds[section.KEY] = round(perf_counter() - began, 1)
    everyone = [member for group in members.values() for member in group]
    made = environment(everyone[0].trial.device, torch.get_num_threads())
    results = {
        "schema": "shiftassay.study/1",
        "study": name,
        "command": command(),
        "environment": made,
        "recipe": lab.recipe().to_json(),
        "data": {"name": everyone[0].trial.data, "digest": everyone[0].trial.data_digest},
        "trials": {network: [member.trial.digest for member in group] for network, group in members.items()},
        "section_seconds": seconds,
        "sections": {**measured, modules.KEY: modules.without_draws(measured[modules.KEY])},
    }
    write_json(folder / RESULTS, results)
    found = [section.finding(measured[section.KEY]) for section in SECTIONS if section.KEY in measured]
    report = Report(
        title=study.title,
        question=study.question,
        summary=tuple(finding.sentences[0] for finding in found),
        findings=tuple(found),
        provenance=provenance(everyone, dataset, made),
    )
    return StudyRun(write_report(folder, report), results)


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
        factors = product(study.suggestions.networks, study.suggestions.dropout, study.suggestions.optimisers.values())
        asked += [(network, {"dropout": dropout}, optimiser) for network, dropout, optimiser in factors]
    if study.distortions:
        asked.append((study.control, {}, study.distortions.recipe))
        for name in study.distortions.datasets:
            check_name(name)
    for network, given, changes in asked:
        check_parameters(network, given)
        with torch.random.fork_rng(devices=[]):
            build(network, shape, classes, given)
        for key in changes:
            if key not in recipe.to_json():
                raise unknown_name("setting of a recipe", key, recipe.to_json())
    for text in study.robustness.shifts if study.robustness else ():
        parse(text)


def _measured(section: ModuleType, lab: Lab, members: Members) -> dict[str, Any]:
    """What a section measures, or measured before of the same trials, under the same settings, in the same version."""
    asked = {
        "trials": [[member.trial.digest for member in group] for group in members.values()],
        "study": lab.study.model_dump(mode="json", exclude=OTHERS - {section.KEY}),
        "version": [section.VERSION, SEMANTICS],
    }
    key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
    path = lab.folder / "measured" / f"{section.KEY}.json"
    if path.is_file():
        kept = read_json(path)
        if kept["key"] == key:
            return kept["measured"]
    lab.console.print(f"[bold]{section.TITLE}[/bold]", highlight=False)
    found = json.loads(json.dumps(section.measure(lab, members)))
    write_json(path, {"key": key, "measured": found})
    return found
