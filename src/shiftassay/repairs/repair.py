"""From a reference, a shifted set and a model to repaired models, each judged on images that it was not fitted to."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from torch import nn

from shiftassay.datasets.distorted import named_dataset
from shiftassay.diagnosis.asking import without_gradient
from shiftassay.diagnosis.ceiling.ceiling import Ceiling
from shiftassay.diagnosis.ceiling.ceiling import ceiling as bracket
from shiftassay.diagnosis.diagnose import verdict_on
from shiftassay.diagnosis.pairing.pair import pair
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.labels import check_range
from shiftassay.models.classifier import Classifier
from shiftassay.models.predict import copied, precision_of, predict, said_by
from shiftassay.repairs.judge import Half, Trial, attacked_places, attacked_right, halves_of, part, right_of, tried
from shiftassay.repairs.result import Attempt, Outcome, Repair, Right, change, lab_card, missing
from shiftassay.repairs.strategy import Task, by_intrusiveness
from shiftassay.repairs.words import nothing_sentence, recommended_sentence, unrepaired_sentence
from shiftassay.runs.store import Run
from shiftassay.shifts.family import Shift
from shiftassay.statistics.intervals import wilson
from shiftassay.training.engine import split

FEWEST = 100
EPOCHS = 4
MOST, MOST_QUICK = 60_000, 5_000  # training images in an epoch
ATTACKED, ATTACKED_QUICK = 1000, 100  # images; RobustBench takes 1,000 of a test set
RESTARTS, RESTARTS_QUICK = 2, 1
HELD_OUT = 5000
GRADIENTS = 64  # images that the model is asked for its gradient on
SHARED = 0.01  # of the reference that may be among the training images, as duplicates are


def repair(
    reference: ImageSet,
    shifted: ImageSet,
    *,
    model: nn.Module,
    labels: Int64[np.ndarray, "n"] | None = None,
    train: ImageSet | None = None,
    seed: int = 0,
    epochs: int | None = None,
    ceiling: Ceiling | None = None,
    quick: bool = False,
    device: str = "cpu",
) -> Repair:
    """Repair a model for a shifted set, from the least intrusive strategy to the most, and say which to take.

    The variant is cut into halves; a repair is fitted to what one half shows of the shift and judged on the other, both
    ways round. It is trained on `train`, or on the training images that the model's card names; the labels of the sets
    are used to judge, never to train. `ceiling` is that of the shift, where it is known; else, if the shift destroys what
    the image was, it is estimated from 5,000 training images. `quick` takes fewer images and weaker attacks.

    Raises `BadInput` without labels, for fewer than 100 images, or if training images are those of the reference.
    """
    began = perf_counter()
    before, after = _labelled(reference, labels), _labelled(shifted, labels)
    model, unasked = _fit_for(model, before, after, device)
    clean_right, variant_right = right_of(model, before, device), right_of(model, after, device)
    pairing = pair(before, after, seed)
    paired = pairing.kind == "same_order" and pairing.complete
    halves = _halves(before, after, paired, model, seed)
    lost = missing(clean_right, variant_right, paired)
    known = [half.verdict.shift for half in halves]
    about: dict[str, Any] = {
        "halves": tuple({"images": len(h.shifted), "verdict": h.verdict.to_json()} for h in halves),
        "clean": wilson(int(clean_right.sum()), len(before)),
        "variant": wilson(int(variant_right.sum()), len(after)),
        "missing": lost,
    }
    notes = (*unasked, *_disagreement(halves))
    group = known[0].group if known[0] else ""
    harmless = lost.high >= 0 and not any(how is not None and how.ball is not None for how in known)
    if harmless or (group in ("none", "sample") and len({h.verdict.family for h in halves}) == 1):
        said = nothing_sentence(halves[0].verdict.family, group, about["clean"], about["variant"], lost)
        return Repair(
            "nothing_to_repair",
            None,
            (),
            {},
            ceiling=None,
            sentence=said,
            notes=notes,
            **about,
            seconds=perf_counter() - began,
        )
    trial = Trial(
        reference=before,
        shifted=after,
        model=model,
        halves=halves,
        clean_right=clean_right,
        variant_right=variant_right,
        attacked_right=None,
        attacked=ATTACKED_QUICK if quick else ATTACKED,
        restarts=RESTARTS_QUICK if quick else RESTARTS,
        seed=seed,
        device=device,
    )
    if trial.how is not None and known[1] is not None and known[1].ball is not None:
        trial = replace(trial, attacked_right=np.concatenate([attacked_right(trial, model, h) for h in halves]))
    data = _training_images(model, train, before, after)
    attempts: list[Attempt] = []
    skipped: dict[str, str] = {}
    if None not in known:
        tasks = _tasks(trial, data, epochs or EPOCHS, MOST_QUICK if quick else MOST)
        for strategy in by_intrusiveness():
            short = all(_short(trial, a, paired).high < 0 for a in attempts)
            found = tried(strategy, [replace(task, lost=short) for task in tasks], trial)
            if isinstance(found, str):
                skipped[strategy.name] = found
            else:
                attempts.append(found)
        told = _ceiling(known[0], data, after, model, ceiling, seed)
    else:
        told = None
    outcome, recommended, said = _recommended(trial, attempts, told, paired)
    return Repair(
        outcome,
        recommended,
        tuple(attempts),
        skipped,
        ceiling=told and told.to_json(),
        sentence=said,
        notes=notes,
        **about,
        seconds=perf_counter() - began,
    )


def room_to_keep(model: nn.Module, folder: Path) -> int:
    """The bytes that `keep` needs for a repair of this model. Raises `BadInput` before it, where `keep` would after it."""
    if lab_card(model) is None:
        raise BadInput(
            f"{folder}: a model of your own can't be kept as a run. Import its weights first (shiftassay import)."
        )
    Run(folder).check_free()
    return sum(tensor.nbytes for tensor in model.state_dict().values())


def keep(found: Repair, folder: Path) -> None:
    """Keep the recommended model as a run that `load_model` reads. Raises `BadInput` if there is none, or none that can be kept."""
    if found.chosen is None or found.recommended == "none":
        raise BadInput(f"{folder}: there is no repaired model to keep. {found.sentence}")
    card = lab_card(found.chosen.model)
    if card is None:
        raise BadInput(
            f"{folder}: a model of your own can't be kept as a run. Import its weights first (shiftassay import)."
        )
    network: Any = getattr(found.chosen.model, "network")  # noqa: B009
    weights = {name: tensor.cpu().numpy() for name, tensor in network.state_dict().items()}
    Run(folder).keep_imported(card, weights, found.to_json())


def _labelled(images: ImageSet, labels: np.ndarray | None) -> ImageSet:
    if images.labels is None and labels is not None and len(labels) == len(images):
        images = replace(images, labels=labels)
    if images.labels is None:
        raise BadInput(f"{images.name}: a repair is judged by accuracy, and there are no labels. Pass --labels FILE.")
    if len(images) < FEWEST:
        raise BadInput(f"{images.name}: a repair needs at least {FEWEST} images, found {len(images)}. Give more.")
    return images


def _fit_for(model: nn.Module, before: ImageSet, after: ImageSet, device: str) -> tuple[nn.Module, tuple[str, ...]]:
    """The model, as single precision where it is of another, and what can't be asked of it.

    Raises `BadInput` for images that don't fit, and labels that the model has no output for.
    """
    classes = predict(before.images[:2], model=model, device=device, finite=False).shape[1]
    for images in (before, after):
        check_range(images.labels, classes, images.name)  # pyright: ignore[reportArgumentType]
    notes = []
    own = precision_of(model)
    if own != torch.float32:
        kind = str(own).removeprefix("torch.")
        with said_by(f"repairs are made in float32, the model is of {kind}, and its copy fails there"):
            model = copied(model).float()
            predict(before.images[:2], model=model, device=device, finite=False)
        notes.append(f"The model is of {kind}: it is repaired, and judged, as a copy in float32.")
    without = without_gradient(model, before.images[:GRADIENTS])
    if without is not None:
        notes.append(f"{without} What needs one is left out: whether the change was aimed at the model.")
    return model, tuple(notes)


def _halves(before: ImageSet, after: ImageSet, same_order: bool, model: nn.Module, seed: int) -> tuple[Half, Half]:
    """What each half of the shifted set shows by itself, against its own reference images, or all where order is lost."""
    cut = halves_of(len(after), seed, "shifted")
    beside = cut if same_order else halves_of(len(before), seed, "reference")
    found = []
    for places, own in zip(cut, beside, strict=True):
        seen = part(before, own) if same_order else before
        verdict = verdict_on(seen, part(after, places), model=model, seed=seed)
        found.append(Half(places, own, verdict))
    return found[0], found[1]


def _disagreement(halves: Sequence[Half]) -> list[str]:
    names = [half.verdict.family for half in halves]
    if len(set(names)) == 1:
        return []
    return [f"The two halves of the variant show different shifts: {names[0]} and {names[1]}."]


def _training_images(model: nn.Module, train: ImageSet | None, before: ImageSet, after: ImageSet) -> ImageSet | None:
    """The images to train on; none of those that repairs are judged on may be among them."""
    if train is None and isinstance(model, Classifier):
        try:
            train = named_dataset(model.card.data).train
        except BadInput:
            train = None
    if train is None or train.shape != before.shape:
        return None
    if train.labels is None:
        raise BadInput(f"{train.name}: no labels to train on. Put labels.npy beside the images.")
    known = {image.tobytes() for image in train.images}
    for images in (before, after):
        found = sum(image.tobytes() in known for image in images.images)
        if found > SHARED * len(images):
            raise BadInput(
                f"{train.name}: {found:,} of the {len(images):,} images of {images.name} are among the training images, so that a repair "
                "would be judged on what it was trained on. Pass training images that are none of these."
            )
    return train


def _tasks(trial: Trial, data: ImageSet | None, epochs: int, most: int) -> list[Task]:
    classes = predict(trial.reference.images[:2], model=trial.model).shape[1]
    if data is not None and data.labels is not None:
        check_range(data.labels, classes, data.name)
    cut = split(data, min(HELD_OUT, len(data) // 10), classes) if data is not None else None
    train = ImageSet(cut.images, cut.labels, data.name) if cut and data else None
    tasks = []
    for half in trial.halves:
        how = half.verdict.shift
        assert how is not None
        tasks.append(
            Task(
                how=how,
                share=half.verdict.share,
                model=trial.model,
                train=train,
                held_out=cut.validation if cut else None,
                classes=classes,
                shape=trial.reference.shape,
                epochs=epochs,
                images=most,
                seed=trial.seed,
                device=trial.device,
            )
        )
    return tasks


def _short(trial: Trial, attempt: Attempt, paired: bool) -> Any:
    """Accuracy after the repair less that on clean images before it."""
    if attempt.right[1] is not None:
        clean = np.concatenate(
            [trial.clean_right[attacked_places(h, trial.attacked, trial.seed)] for h in trial.halves]
        )
        return missing(clean, attempt.right[1], True)
    return missing(trial.clean_right, attempt.right[0], paired)


def _ceiling(
    how: Shift | None, data: ImageSet | None, after: ImageSet, model: nn.Module, given: Ceiling | None, seed: int
) -> Ceiling | None:
    if given is not None or how is None or data is None or how.information != "destroyed":
        return given
    return bracket(how, data, after, model=model, seed=seed, quick=True)


def _recommended(
    trial: Trial, attempts: Sequence[Attempt], told: Ceiling | None, paired: bool
) -> tuple[Outcome, str | None, str]:
    """The least intrusive repair that is not worse than the best by more than the interval, if there is one that helps.

    What lies above the model's accuracy on clean images is more training, not more repair: a repair that is not shown to
    fall short of that is as good as the best.
    """
    verdict = next((h.verdict for h in trial.halves if h.verdict.shift is None), trial.halves[0].verdict)
    real = [a for a in attempts if a.strategy != "none"]
    helped = [a for a in real if a.deciding.direction == "higher"]
    clean = wilson(int(trial.clean_right.sum()), len(trial.clean_right))
    destroyed = verdict.information == "destroyed" and all(_short(trial, a, paired).high < 0 for a in real)
    if destroyed or not helped:
        bounded = told is not None and told.above is not None and told.above.high < clean.low
        content = told.to_json() if told else None
        said = unrepaired_sentence(verdict.family, real, clean, content, bounded)
        return ("cannot_be_repaired", "none", said) if bounded else ("no_repair_found", None, said)
    best = max(helped, key=lambda a: a.deciding.after.estimate)
    whole = [a.strategy for a in helped if _short(trial, a, paired).high >= 0]
    chosen = next(a for a in helped if a.strategy in whole or _as_good(a.deciding_right, best.deciding_right))
    still = _short(trial, chosen, paired)
    return (
        "partly_repaired" if still.high < 0 else "repaired",
        chosen.strategy,
        recommended_sentence(chosen, real, still, clean),
    )


def _as_good(one: Right, best: Right) -> bool:
    return change(best, one).difference.high >= 0
