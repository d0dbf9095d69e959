"""Running a study: train, make or read the variants, evaluate, find, report. What is done is not done again."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from rich.console import Console

from shiftassay.arrays.dataset import Dataset, load_dataset
from shiftassay.arrays.image_set import ImageSet
from shiftassay.arrays.layout import check_same_shape
from shiftassay.errors import BadInput
from shiftassay.evaluation.evaluate import assess
from shiftassay.networks.load import load_model
from shiftassay.networks.predict import predict
from shiftassay.networks.registry import check_parameters
from shiftassay.report.finding import Report, Table
from shiftassay.report.write import write_report
from shiftassay.runs.environment import environment
from shiftassay.runs.store import write_arrays, write_json
from shiftassay.shifts.catalogue import make
from shiftassay.studies.schema import HarmlessWithin, SameAs, Study, load_study
from shiftassay.studies.shifted_test_sets import SAMPLES, Evaluations, findings, sample_images, summary
from shiftassay.studies.variants import Variants, make_variants, read_variants, write_variants
from shiftassay.training.engine import split
from shiftassay.training.progress import progress
from shiftassay.training.recipe import recipe_named
from shiftassay.training.train import Trained, resolve_recipe, train

RESULTS = "results.json"


@dataclass(frozen=True)
class StudyRun:
    """Where a study's report is, and its results as JSON (schema `shiftassay.study/1`)."""

    report: Path
    results: dict[str, Any]


def run_study(
    name: str | Path,
    data: Dataset | None = None,
    *,
    size: Literal["default", "quick", "full"] = "default",
    seeds: int | None = None,
    out: str | Path = "out",
    variants: str | Path | None = None,
    unpickle: bool = False,
    device: str = "auto",
    console: Console | None = None,
) -> StudyRun:
    """Run a study, built in or from a TOML file, to its report; on `data` if given, else on the data set that it names.

    Models are kept in `out/runs`, everything else in `out/studies/<name>`; a run that was broken off goes on where it was.
    `variants` is a folder of the user's own to use in place of the study's. Raises `BadInput`, before anything is trained
    where that can be known.

    >>> import tempfile
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 2, 600)
    >>> images = (labels[:, None, None, None] * rng.random((600, 1, 6, 6))).astype(np.float32)
    >>> data = Dataset("lamps", ImageSet(images[:500], labels[:500]), ImageSet(images[500:], labels[500:]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     study = Path(folder, "lamps.toml")
    ...     _ = study.write_text('''
    ...         kind = "shifted-test-sets"
    ...         title = "Lamps"
    ...         question = "On or off?"
    ...         network = "mlp"
    ...         recipe = "seed-003"
    ...         epochs = 30
    ...         variants = [{name = "dim", family = "gain", parameters = {factor = 0.9}}]
    ...     ''')
    ...     done = run_study(study, data, out=folder)
    ...     done.report.name, [found["name"] for found in done.results["sets"]]
    ('report.html', ['clean', 'dim'])
    """
    console = console or Console(quiet=True)
    title, study = load_study(name)
    study = study.sized(size, seeds)
    check_study(study)
    dataset = data if data is not None else load_dataset(study.data)
    given = _given_variants(study, variants, dataset, unpickle)
    folder = (
        Path(out)
        / "studies"
        / (
            title
            + ("" if size == "default" else f"-{size}")
            + (f"-{Path(variants).resolve().name}" if variants else "")
        )
    )
    console.print(f"[bold]{study.title}[/bold]: {study.seeds} seed{'s' * (study.seeds > 1)}", highlight=False)
    members = train_members(study, dataset, Path(out), device, console)
    if given is None:
        console.print("making the variants")
        given = make_variants(study, dataset.test, _held_out(study, dataset), members[0].model)
        write_variants(folder / "variants", given)
    console.print("evaluating")
    evaluations = evaluate_members(members, given, study.margin)
    made = environment(members[0].trial.device, torch.get_num_threads())
    results = _results(title, study, members, given, evaluations, made)
    write_json(folder / RESULTS, results)
    write_arrays(folder / SAMPLES, sample_images(given))
    report = Report(
        title=study.title if variants is None else f"{study.network} meets the shifted test sets in {variants}",
        question=study.question,
        summary=summary(given, evaluations),
        findings=tuple(findings(members, given, evaluations, dataset.classes)),
        provenance=_provenance(members, given, dataset, made),
    )
    return StudyRun(write_report(folder, report), results)


def check_study(study: Study) -> None:
    """Raise `BadInput` for a name or value in a study that can't be used, before anything is trained."""
    resolve_recipe(study.network, study.recipe, study.epochs)
    check_parameters(study.network, study.network_parameters)
    for variant in study.variants:
        known = {k: 0.1 if isinstance(v, HarmlessWithin | SameAs) else v for k, v in variant.parameters.items()}
        make(variant.family, known, variant.scope)


def study_variants(
    name: str | Path,
    folder: Path,
    model: str | None = None,
    weights: Path | None = None,
    out: str | Path = "out",
    device: str = "auto",
    console: Console | None = None,
) -> Variants:
    """Write a study's variants into a folder, made for the given model or for the study's own of seed 0."""
    _, study = load_study(name)
    check_study(study)
    dataset = load_dataset(study.data)
    if model is not None:
        target = load_model(model, weights)
    else:
        target = train_members(study.sized("default", 1), dataset, Path(out), device, console or Console(quiet=True))[
            0
        ].model
    made = make_variants(study, dataset.test, _held_out(study, dataset), target)
    write_variants(folder, made)
    return made


def train_members(study: Study, dataset: Dataset, out: Path, device: str, console: Console) -> list[Trained]:
    """The study's models, trained or found in the store."""
    recipe = resolve_recipe(study.network, study.recipe, study.epochs)
    with progress(study.seeds, recipe.epochs, console) as watch:
        return train(
            study.network,
            dataset,
            recipe=recipe,
            seeds=range(study.seeds),
            parameters=study.network_parameters,
            store=out,
            device=device,
            watch=watch,
        )


def evaluate_members(members: list[Trained], variants: Variants, margin: float) -> Evaluations:
    """Every model on clean and on every variant, against clean."""
    evaluations = []
    for member in members:
        clean = predict(member.model, variants.clean.images)
        row = [assess(variants.clean, clean, margin=margin)]
        row += [assess(s, predict(member.model, s.images), variants.clean, clean, margin) for s in variants.shifted]
        evaluations.append(row)
    return evaluations


def _held_out(study: Study, dataset: Dataset) -> ImageSet | None:
    return split(dataset.train, recipe_named(study.recipe).held_out, dataset.classes).validation


def _given_variants(study: Study, variants: str | Path | None, dataset: Dataset, unpickle: bool) -> Variants | None:
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
    study: Study,
    members: list[Trained],
    variants: Variants,
    evaluations: Evaluations,
    made: dict[str, Any],
) -> dict[str, Any]:
    return {
        "schema": "shiftassay.study/1",
        "study": name,
        "command": _command(),
        "environment": made,
        "recipe": members[0].trial.recipe,
        "data": {"name": members[0].trial.data, "digest": members[0].trial.data_digest},
        "sets": [{"name": found.name, "origin": origin, "digest": found.digest} for found, origin in variants.sets],
        "members": [
            {
                "seed": member.trial.seed,
                "trial": member.trial.digest,
                "validation_accuracy": member.metrics[-1].validation_accuracy,
                "seconds": sum(epoch.seconds for epoch in member.metrics),
                "evaluations": [evaluation.to_json() for evaluation in row],
            }
            for member, row in zip(members, evaluations, strict=True)
        ],
    }


def _command() -> str:
    return " ".join(["shiftassay", *sys.argv[1:]]) if sys.argv[0].endswith("shiftassay") else "shiftassay.run_study"


def _provenance(members: list[Trained], variants: Variants, dataset: Dataset, made: dict[str, Any]) -> Table:
    trial = members[0].trial
    packages = ", ".join(f"{name} {version}" for name, version in made["packages"].items())
    rows = [
        ("command", _command()),
        ("made", made["made"]),
        ("commit", made["commit"] or "not a checkout"),
        ("software", f"Python {made['python']}, {packages}"),
        ("machine", f"{made['system']}, {made['processor']}, {made['cores']} cores, device {made['device']}"),
        ("data", f"{dataset.name}, SHA-256 {trial.data_digest}…"),
        ("seeds", ", ".join(str(member.trial.seed) for member in members)),
        ("trials", ", ".join(f"{m.trial.digest}{' (from the store)' if m.reused else ''}" for m in members)),
        *((found.name, f"SHA-256 {found.digest}…") for found, _ in variants.sets),
        *(("read", note) for found, _ in variants.sets for note in found.notes),
    ]
    return Table(("", ""), tuple(rows))
