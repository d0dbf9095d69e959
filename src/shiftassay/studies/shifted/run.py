"""Running a study of shifted test sets: train, make or read the variants, evaluate, argue, report."""

from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from shiftassay.errors import BadInput
from shiftassay.evaluation.evaluate import assess
from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.layout import check_same_shape
from shiftassay.models.predict import predict
from shiftassay.networks.registry import check_parameters
from shiftassay.report.finding import Report
from shiftassay.report.write import write_report
from shiftassay.runs.environment import Environment, environment
from shiftassay.runs.recipe import recipe_named
from shiftassay.runs.results import total_seconds
from shiftassay.runs.store import write_arrays, write_json
from shiftassay.shifts.catalogue import make
from shiftassay.studies.folder import working_in
from shiftassay.studies.measurements import Measurements
from shiftassay.studies.outcome import RESULTS, StudyRun, command, failed_finding, provenance, surroundings
from shiftassay.studies.shifted.argument import Argued, argue, compact
from shiftassay.studies.shifted.findings import SAMPLES, Evaluations, findings, sample_images, summary
from shiftassay.studies.shifted.lab import Lab
from shiftassay.studies.shifted.study import HarmlessWithin, SameAs, ShiftedTestSets
from shiftassay.studies.shifted.variants import Variants, make_variants, read_variants, write_variants
from shiftassay.training.engine import split
from shiftassay.training.progress import progress
from shiftassay.training.train import Failed, Trained, TrainingFailed, resolve_recipe, train
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
    console: Console,
) -> StudyRun:
    """Run a study of shifted test sets into its folder."""
    check_study(study)
    given = _given_variants(study, variants, dataset, unpickle)
    with working_in(folder):
        members, failures = train_members(study, dataset, out, device, console)
        if given is None:
            console.print(spoken("making the variants"))
            given = make_variants(study, dataset.test, held_out(study, dataset), members[0].model)
            write_variants(folder / "variants", given, own=True)
        console.print(spoken("evaluating"))
        evaluations = evaluate_members(members, given, study.margin)
        argued = argue(Lab(study, dataset, members, given, Measurements(folder), out, device, console), evaluations)
        made = environment(members[0].trial.device, torch.get_num_threads())
        results = _results(name, members, given, evaluations, made, argued)
        write_json(folder / RESULTS, results)
        write_arrays(folder / SAMPLES, sample_images(given))
        report = Report(
            title=study.title,
            question=study.question,
            summary=summary(given, evaluations),
            findings=(
                *findings(members, given, evaluations, dataset.classes, argued.findings),
                *([failed_finding(failures)] if failures else []),
            ),
            provenance=provenance(
                members,
                dataset,
                [
                    *((found.name, f"SHA-256 {found.digest}…") for found, _ in given.sets),
                    *(("read", note) for found, _ in given.sets for note in found.notes),
                ],
            ),
            environment=surroundings(made),
        )
        return StudyRun(write_report(folder, report), results)


def check_study(study: ShiftedTestSets) -> None:
    """Raise `BadInput` for a name or value in a study that can't be used, before anything is trained."""
    resolve_recipe(study.network, study.recipe, study.epochs)
    check_parameters(study.network, study.network_parameters)
    for variant in study.variants:
        known = {k: 0.1 if isinstance(v, HarmlessWithin | SameAs) else v for k, v in variant.parameters.items()}
        make(variant.family, known, variant.scope)


def train_members(
    study: ShiftedTestSets, dataset: Dataset, out: Path, device: str, console: Console
) -> tuple[list[Trained], list[Failed]]:
    """The study's models, trained or found in the store, and what did not end in a model. Raises if that is all of them."""
    recipe = resolve_recipe(study.network, study.recipe, study.epochs)
    with progress(study.seeds, recipe.epochs, console) as watch:
        try:
            trained = train(
                study.network,
                dataset,
                recipe=recipe,
                seeds=range(study.seeds),
                parameters=study.network_parameters,
                store=out,
                device=device,
                watch=watch,
            )
        except TrainingFailed as error:
            if not error.trained:
                raise
            return error.trained, error.failures
    return trained, []


def evaluate_members(members: list[Trained], variants: Variants, margin: float) -> Evaluations:
    """Every model on clean and on every variant, against clean."""
    evaluations = []
    for member in members:
        clean = predict(variants.clean.images, model=member.model)
        row = [assess(variants.clean, clean, margin=margin)]
        row += [
            assess(s, predict(s.images, model=member.model), variants.clean, clean, margin) for s in variants.shifted
        ]
        evaluations.append(row)
    return evaluations


def held_out(study: ShiftedTestSets, dataset: Dataset) -> ImageSet | None:
    """The training images that the study's recipe keeps for validation."""
    return split(dataset.train, recipe_named(study.recipe).held_out, dataset.classes).validation


def _given_variants(
    study: ShiftedTestSets, variants: str | Path | None, dataset: Dataset, unpickle: bool
) -> Variants | None:
    folder = variants if variants is not None else study.folder
    if folder is None:
        return None
    given = read_variants(Path(folder), unpickle)
    check_same_shape(given.clean.shape, dataset.test.shape, f"{folder}/{given.clean.name}", f"{dataset.name}'s")
    _check_classes(given.clean, dataset)
    return given


def _check_classes(clean: ImageSet, dataset: Dataset) -> None:
    assert clean.labels is not None
    if clean.labels.max() >= dataset.classes:
        raise BadInput(
            f"{clean.name}: labels up to {clean.labels.max()}, but the study trains on {dataset.name} with {dataset.classes} classes. "
            'Set data = "…" in a study file to the training set that belongs to these variants.'
        )


def _results(
    name: str,
    members: list[Trained],
    variants: Variants,
    evaluations: Evaluations,
    made: Environment,
    argued: Argued,
) -> dict[str, Any]:
    return {
        "schema": "shiftassay.study/1",
        "study": name,
        "command": command(),
        "environment": made.to_json(),
        "recipe": members[0].trial.recipe.to_json(),
        "data": {"name": members[0].trial.data, "digest": members[0].trial.data_digest},
        "sets": [{"name": found.name, "origin": origin, "digest": found.digest} for found, origin in variants.sets],
        "members": [
            {
                "seed": member.trial.seed,
                "trial": member.trial.digest,
                "validation_accuracy": member.metrics[-1].validation_accuracy,
                "environment": {"seconds": total_seconds(member.metrics)},
                "evaluations": [evaluation.to_json() for evaluation in row],
            }
            for member, row in zip(members, evaluations, strict=True)
        ],
        "answers": argued.rows,
        "argument": compact(argued.measured),
    }
