"""The models of a study of shifted test sets: trained or found in the store, and evaluated."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from shiftassay.evaluation.evaluate import Evaluation, assess
from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import predict
from shiftassay.runs.recipe import recipe_named
from shiftassay.studies.shifted.study import ShiftedTestSets
from shiftassay.studies.shifted.variants import Variants
from shiftassay.training.engine import split
from shiftassay.training.progress import progress
from shiftassay.training.train import Failed, Trained, TrainingFailed, resolve_recipe, train


def train_members(
    study: ShiftedTestSets, dataset: Dataset, out: Path, device: str, console: Console
) -> tuple[list[Trained], list[Failed]]:
    """The study's models, and the trainings that failed.

    Raises `TrainingFailed` if all of them did.
    """
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


def evaluate_members(members: Sequence[Trained], variants: Variants, margin: float) -> list[list[Evaluation]]:
    """For each model its evaluation on clean, and on every variant against clean."""
    evaluations = []
    for member in members:
        clean = predict(variants.clean.images, model=member.model)
        row = [assess(variants.clean, clean, margin=margin)]
        row += [
            assess(images, predict(images.images, model=member.model), variants.clean, clean, margin)
            for images in variants.shifted
        ]
        evaluations.append(row)
    return evaluations


def held_out(study: ShiftedTestSets, dataset: Dataset) -> ImageSet | None:
    """The training images that the study's recipe keeps for validation."""
    return split(dataset.train, recipe_named(study.recipe).held_out, dataset.classes).validation
