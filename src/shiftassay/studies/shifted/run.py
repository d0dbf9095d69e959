"""Running a study of shifted test sets, from training to the report.

Variants are made or read, evaluated, diagnosed and repaired.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console

from shiftassay.errors import BadInput
from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.layout import check_same_shape
from shiftassay.networks.registry import check_parameters
from shiftassay.records import JsonObject, JsonValue, Record, plain
from shiftassay.report.finding import Report
from shiftassay.runs.environment import Environment, environment
from shiftassay.runs.results import total_seconds
from shiftassay.shifts.catalog import make
from shiftassay.studies.folder import working_in
from shiftassay.studies.measurements import Measurements
from shiftassay.studies.outcome import StudyRun, command, failed_finding, finish, provenance, surroundings
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.diagnose_variants import diagnose_variants
from shiftassay.studies.shifted.members import evaluate_members, held_out, train_members
from shiftassay.studies.shifted.overview import overview, title
from shiftassay.studies.shifted.repair_variants import repair_variants
from shiftassay.studies.shifted.sections import contrast_pages, one_for_all, outcomes, sections
from shiftassay.studies.shifted.sections.accuracy import summary
from shiftassay.studies.shifted.sections.variant_pages import FEWEST
from shiftassay.studies.shifted.study import HarmlessWithin, SameAs, ShiftedTestSets
from shiftassay.studies.shifted.variants import Variants, make_variants, read_variants, write_variants
from shiftassay.training.train import resolve_recipe
from shiftassay.words.lists import plural
from shiftassay.words.terminal import spoken


def run_shifted(
    name: str,
    study: ShiftedTestSets,
    dataset: Dataset,
    folder: Path,
    *,
    out: Path,
    variants: str | Path | None,
    unpickle: bool,
    device: str,
    show_images: bool,
    console: Console,
) -> StudyRun:
    """Run a study of shifted test sets into its folder."""
    check_study(study)
    sets = _folder_variants(study, variants, dataset, unpickle)
    with working_in(folder):
        members, failures = train_members(study, dataset, out, device, console)
        if sets is None:
            console.print(spoken("making the variants"))
            sets = make_variants(study, dataset.test, held_out(study, dataset), members[0].model)
            write_variants(folder / "variants", sets, own=True)
        console.print(spoken("evaluating"))
        evaluations = evaluate_members(members, sets, study.margin)
        context = StudyContext(study, dataset, members, sets, evaluations, Measurements(folder), out, device, console)
        if study.argument is not None:
            argued = [images.name for images in sets.shifted if len(images) >= FEWEST]
            context = replace(context, diagnoses=diagnose_variants(context, argued))
            context = replace(context, repairs=repair_variants(context, argued))
        measured = {section.KEY: section.measure(context) for section in sections()}
        findings = [
            finding
            for section in sections()
            if (record := measured[section.KEY]) is not None
            for finding in section.findings(record)
        ]
        machine = environment(members[0].trial.device, torch.get_num_threads())
        became = measured[outcomes.KEY]
        answered = became.answers if isinstance(became, outcomes.Outcomes) else ()
        report = Report(
            title=title(
                {name: effect.effect for name, effect in context.effects.items()},
                {row.variant: row.outcome for row in answered},
            ),
            question=study.question,
            summary=summary(context),
            findings=(*findings, *([failed_finding(failures)] if failures else [])),
            provenance=provenance(members, dataset, _sources(sets)),
            environment=surroundings(machine),
            facts=(f"study · {study.title}", f"{len(sets.clean):,} images", plural(len(members), "seed")),
            overview=overview(context, answered),
        )
        return finish(folder, report, _results(name, context, measured, machine), show_images)


def check_study(study: ShiftedTestSets) -> None:
    """Raise `BadInput` for a name or value in a study that can't be used.

    This comes before anything is trained.
    """
    resolve_recipe(study.network, study.recipe, study.epochs)
    check_parameters(study.network, study.network_parameters)
    check_parameters(study.experiments.control, {})
    for variant in study.variants:
        parameters = {
            name: 0.1 if isinstance(value, HarmlessWithin | SameAs) else value
            for name, value in variant.parameters.items()
        }
        make(variant.family, parameters, variant.scope)


def compact(value: JsonValue, most: int = 32) -> JsonValue:
    """Numbers for a reader of the results.

    A list that is longer than `most` is given by its length and first numbers.

    >>> compact({"permutation": list(range(784))}, most=3)
    {'permutation': {'length': 784, 'first': [0, 1, 2]}}
    """
    if isinstance(value, dict):
        return {name: compact(entry, most) for name, entry in value.items()}
    if isinstance(value, list):
        if len(value) > most and not isinstance(value[0], dict):
            return {"length": len(value), "first": compact(value[:most], most)}
        return [compact(entry, most) for entry in value]
    return value


def _folder_variants(
    study: ShiftedTestSets, variants: str | Path | None, dataset: Dataset, unpickle: bool
) -> Variants | None:
    """The variants of a folder; None if the study makes its own.

    The folder is the given one, or the study's. Raises `BadInput`.
    """
    folder = variants if variants is not None else study.folder
    if folder is None:
        return None
    sets = read_variants(Path(folder), unpickle)
    clean = sets.clean
    check_same_shape(clean.shape, dataset.test.shape, f"{folder}/{clean.name}", f"{dataset.name}'s")
    if clean.required_labels.max() >= dataset.classes:
        raise BadInput(
            f"{clean.name}: labels up to {clean.required_labels.max()}, but the study trains on {dataset.name} with "
            f'{dataset.classes} classes. Set data = "…" in a study file to the training set that belongs to these '
            "variants."
        )
    return sets


def _sources(variants: Variants) -> list[tuple[str, str]]:
    """The content hash of each set, and the notes on how it was read."""
    return [
        *((images.name, f"SHA-256 {images.digest}…") for images, _ in variants.sets),
        *(("read", note) for images, _ in variants.sets for note in images.notes),
    ]


def _results(
    name: str, context: StudyContext, measured: Mapping[str, Record | None], machine: Environment
) -> JsonObject:
    first = context.members[0].trial
    return {
        "schema": "shiftassay.study/1",
        "study": name,
        "command": command(),
        "environment": machine.to_json(),
        "recipe": first.recipe.to_json(),
        "data": {"name": first.data, "digest": first.data_digest},
        "sets": [
            {"name": images.name, "origin": origin, "digest": images.digest} for images, origin in context.variants.sets
        ],
        "members": [
            {
                "seed": member.trial.seed,
                "trial": member.trial.digest,
                "validation_accuracy": member.metrics[-1].validation_accuracy,
                "environment": {"seconds": total_seconds(member.metrics)},
                "evaluations": [evaluation.to_json() for evaluation in evaluations],
            }
            for member, evaluations in zip(context.members, context.evaluations, strict=True)
        ],
        "effects": {effect_name: effect.to_json() for effect_name, effect in context.effects.items()},
        "answers": _part(measured, outcomes.KEY, "answers"),
        "argument": compact(_argument(context, measured)) if context.study.argument else {},
    }


def _argument(context: StudyContext, measured: Mapping[str, Record | None]) -> JsonObject:
    served = measured[one_for_all.KEY]
    return {
        "diagnoses": plain(context.diagnoses),
        "repairs": plain(context.repairs),
        "contrasts": _part(measured, contrast_pages.KEY, "contrasts"),
        "one_for_all": served.to_json() if served else None,
    }


def _part(measured: Mapping[str, Record | None], key: str, part: str) -> JsonValue:
    """A list that a section measured; empty if it was not asked for."""
    record = measured[key]
    return [] if record is None else record.to_json()[part]
