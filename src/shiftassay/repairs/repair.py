"""Repaired models for a shifted set.

Each is judged on images that it was not fitted to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Literal

import numpy as np
import torch
from jaxtyping import Int64
from torch import nn

from shiftassay.diagnosis.asking import without_gradient
from shiftassay.diagnosis.ceiling.ceiling import Ceiling
from shiftassay.diagnosis.ceiling.ceiling import ceiling as ceiling_of
from shiftassay.diagnosis.pairing.matched import matched_sets
from shiftassay.diagnosis.pairing.pair import pair
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.errors import BadInput
from shiftassay.evaluation.attack_set import QUICK, THOROUGH, AttackBudget
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.items import ImageSource, image_set
from shiftassay.imagesets.labels import check_range
from shiftassay.imagesets.left_out import Region, leaving_out, left_out_of_both
from shiftassay.model import Model
from shiftassay.models.predict import as_bad_input, copied, labels_of, precision_of, predict
from shiftassay.models.prepared import module_of
from shiftassay.repairs.bench import Bench, split_set
from shiftassay.repairs.choose import Choice, choose, nothing_to_repair
from shiftassay.repairs.judge import judge_all
from shiftassay.repairs.result import Attempt, HalfOfVariant, Repair, Timing
from shiftassay.repairs.tasks import tasks_of, training_images

FEWEST = 100
EPOCHS = 4
IMAGES, IMAGES_QUICK = 60_000, 5_000  # training images in an epoch, at most
WITHOUT_LABELS = (
    "There are no labels: the model's own answers to the reference stand in for them, and what is called accuracy here "
    "is agreement with those."
)
GRADIENTS = 64  # images that the model is asked for its gradient on


def repair(
    reference: ImageSource,
    shifted: ImageSource,
    *,
    model: Model,
    labels: Int64[np.ndarray, "n"] | None = None,
    train: ImageSource | None = None,
    diagnosis: Diagnosis | Verdict | None = None,
    seed: int = 0,
    epochs: int | None = None,
    ceiling: Ceiling | None = None,
    quick: bool = False,
    attacks: AttackBudget | None = None,
    leave_out: Sequence[Region] = (),
    device: str = "cpu",
    harmed: bool = False,
) -> Repair:
    """Repair a model for a shifted set, and say which repair to take.

    Strategies are tried from the least intrusive to the most. The variant is cut into halves; a repair is fitted to
    what one half shows of the shift and judged on the other, both ways round. It is trained on `train`, or on the
    training images that the model's card names; the labels of the sets are used to judge, never to train. With the
    `diagnosis` of the whole variant, the halves only estimate the parameters of its shift, which is faster than a
    diagnosis of each. `ceiling` is that of the shift, where it is known; else, if the shift destroys what the image
    was, it is estimated from 5,000 training images. `quick` takes fewer images and weaker attacks, unless `attacks`
    says what to spend on those. `harmed` says that accuracy is known to be lower, from more images than these: repairs
    are then tried even if these do not show it. What lies in the regions to `leave_out` is not compared, and models are
    shown the reference's mean grey there (see `leaving_out`); images to train on stay whole.

    Without labels, the model's answers to the reference stand in for them, where images have partners: what is called
    accuracy is then agreement with these.

    Raises `BadInput` without labels and partners, for fewer than 100 images, or if training images are those of the
    reference.
    """
    began = perf_counter()
    reference = image_set(reference, "reference")
    shifted = image_set(shifted, "shifted", reference)
    shifted = leaving_out(shifted, leave_out, like=reference)
    reference, shifted = left_out_of_both(_labeled(reference, labels), _labeled(shifted, labels))
    model, notes = _fitting(module_of(model), reference, shifted, device)
    judged_by: Literal["labels", "agreement"] = "labels"
    if reference.labels is None and shifted.labels is None:
        judged_by, notes = "agreement", (*notes, WITHOUT_LABELS)
    if reference.labels is None or shifted.labels is None:
        reference, shifted = _with_partners_labels(reference, shifted, model, seed, device)
    _check_labels(reference, shifted)
    verdict = diagnosis.verdict if isinstance(diagnosis, Diagnosis) else diagnosis
    attacks = attacks or (QUICK if quick else THOROUGH)
    bench = split_set(
        reference, shifted, model=model, verdict=verdict, seed=seed, attacks=attacks, device=device, harmed=harmed
    )
    notes = (*notes, *bench.disagreement())
    if bench.is_harmless:
        return _result(bench, nothing_to_repair(bench), notes, judged_by, began)
    data = training_images(bench, None if train is None else image_set(train, "training images"))
    tasks = tasks_of(bench, data, epochs=epochs or EPOCHS, images=IMAGES_QUICK if quick else IMAGES)
    attempts, skipped = judge_all(bench, tasks)
    bound = _ceiling(bench, data, ceiling) if tasks else None
    return _result(bench, choose(bench, attempts, bound), notes, judged_by, began, attempts, skipped, bound)


def _labeled(images: ImageSet, labels: np.ndarray | None) -> ImageSet:
    if images.labels is None and labels is not None and len(labels) == len(images):
        images = replace(images, labels=labels)
    if len(images) < FEWEST:
        raise BadInput(f"{images.name}: a repair needs at least {FEWEST} images, found {len(images)}. Give more.")
    return images


def _with_partners_labels(
    reference: ImageSet, shifted: ImageSet, model: nn.Module, seed: int, device: str
) -> tuple[ImageSet, ImageSet]:
    """The images that have partners, both with the labels that one set has.

    Where none has any, the answers to the reference stand in for them.
    """
    order = pair(reference, shifted, seed).order
    if order is None or np.sum(order >= 0) < FEWEST:
        return reference, shifted
    before, after = matched_sets(reference, shifted, order)
    labels = after.labels if before.labels is None else before.labels
    if labels is None:
        labels = labels_of(predict(before.images, model=model, device=device, name=before.name))
    return replace(before, labels=labels), replace(after, labels=labels)


def _check_labels(*sets: ImageSet) -> None:
    for images in sets:
        if images.labels is None:
            raise BadInput(
                f"{images.name}: a repair is judged by accuracy, and there are no labels; nor do the images have "
                "partners, whose answers could stand in for them. Pass --labels FILE."
            )


def _fitting(
    model: nn.Module, reference: ImageSet, shifted: ImageSet, device: str
) -> tuple[nn.Module, tuple[str, ...]]:
    """The model in single precision, and notes on what can't be asked of it.

    Raises `BadInput` for images that don't fit, and for labels that the model has no output for.
    """
    classes = predict(reference.images[:2], model=model, device=device, finite=False).shape[1]
    for images in (reference, shifted):
        if images.labels is not None:
            check_range(images.labels, classes, images.name)
    notes = []
    precision = precision_of(model)
    if precision != torch.float32:
        kind = str(precision).removeprefix("torch.")
        with as_bad_input(f"repairs are made in float32, the model is of {kind}, and its copy fails there"):
            model = copied(model).float()
            predict(reference.images[:2], model=model, device=device, finite=False)
        notes.append(f"The model is of {kind}: it is repaired, and judged, as a copy in float32.")
    without = without_gradient(model, reference.images[:GRADIENTS])
    if without is not None:
        notes.append(f"{without} What needs one is left out: whether the change was aimed at the model.")
    return model, tuple(notes)


def _ceiling(bench: Bench, data: ImageSet | None, ceiling: Ceiling | None) -> Ceiling | None:
    """The ceiling that is known, or an estimate where the shift destroys what the image was."""
    shift = bench.shifts[0]
    if ceiling is not None or shift is None or data is None or shift.information != "destroyed":
        return ceiling
    return ceiling_of(shift, data, bench.shifted, model=bench.model, seed=bench.seed, quick=True)


def _result(
    bench: Bench,
    choice: Choice,
    notes: Sequence[str],
    judged_by: Literal["labels", "agreement"],
    began: float,
    attempts: Sequence[Attempt] = (),
    skipped: Mapping[str, str] | None = None,
    ceiling: Ceiling | None = None,
) -> Repair:
    return Repair(
        outcome=choice.outcome,
        recommended=choice.recommended,
        sentence=choice.sentence,
        clean=bench.clean,
        variant=bench.variant,
        missing=bench.missing,
        attempts=tuple(attempts),
        skipped=skipped or {},
        halves=tuple(HalfOfVariant(len(half.shifted), half.verdict) for half in bench.halves),
        ceiling=ceiling,
        notes=tuple(notes),
        judged_by=judged_by,
        environment=Timing(perf_counter() - began, {attempt.strategy: attempt.seconds for attempt in attempts}),
    )
