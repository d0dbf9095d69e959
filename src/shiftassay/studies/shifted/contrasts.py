"""The difference between two variants: what is measured of both, and the one experiment that varies nothing but it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import predict
from shiftassay.random_stream import seed_for
from shiftassay.runs.recipe import recipe_named
from shiftassay.shifts.catalogue import attacks, shift
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import Shift
from shiftassay.statistics.intervals import wilson
from shiftassay.statistics.paired import bootstrap_difference, mcnemar
from shiftassay.studies.shifted.diagnoses import shift_of
from shiftassay.studies.shifted.lab import Lab, spread_over
from shiftassay.training.train import train
from shiftassay.words.terminal import spoken

VERSION = 2
EPOCHS, BATCH = 8, 50  # enough steps to learn from a few thousand images
AIMED = (
    0.0,
    0.25,
    0.5,
    0.75,
    1.0,
)  # shares of pixels that change as in the aimed variant, the others as in the random one
TIMES = (1, 2, 3, 4, 6)
FIT = 500

Kind = Literal["draws", "aim"]


def measure(lab: Lab, one: str, other: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """What two variants have in common, what the unmodified model makes of them, and the experiment, where there is one."""
    lab.console.print(spoken(f"{one} / {other}: what isolates the difference"))
    kind = kind_of(found[one], found[other])
    return {
        "names": [one, other],
        "kind": kind,
        "unmodified": _unmodified(lab, one, other),
        "draws": _draws(lab, one, other, found) if kind == "draws" else None,
        "aim": _aim(lab, one, other, found) if kind == "aim" else None,
    }


def kind_of(one: Mapping[str, Any], other: Mapping[str, Any]) -> Kind | None:
    """What sets two variants apart by their verdicts: one draw for all against one for each, or aim; None if it is something else."""
    told = [side["diagnosis"]["verdict"] for side in (one, other)]
    if any(side["change"] is None for side in (one, other)):
        return None
    families, scopes = ({t[key] for t in told} for key in ("family", "scope"))
    if len(families) == 1 and scopes == {"shared", "per_image"} and "compose" not in families:
        return "draws"
    return "aim" if families & set(attacks()) and len(families - {"identity", "unknown"}) == 2 else None


def _unmodified(lab: Lab, one: str, other: str) -> dict[str, Any]:
    """The model on all images of both."""
    right, labels = [], []
    for name in (one, other):
        found = lab.shifted(name)
        assert found.labels is not None
        right.append(lab.right(found.images, found.labels))
        labels.append(found.labels)
    result: dict[str, Any] = {
        "accuracy": [_ends(wilson(int(r.sum()), len(r))) for r in right],
        "commonest": float(np.bincount(labels[0]).max() / len(labels[0])),
        "difference": None,
    }
    if np.array_equal(*labels):
        gained, lost = int((right[1] & ~right[0]).sum()), int((right[0] & ~right[1]).sum())
        result["difference"] = _ends(bootstrap_difference(gained, lost, len(right[0])))
        result["p_value"] = mcnemar(gained, lost)
    return result


def _draws(lab: Lab, one: str, other: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Undoing one draw that was fitted on half of the images; and accuracy as the number of draws goes from one to one for each image."""
    each = next(name for name in (one, other) if found[name]["diagnosis"]["verdict"]["scope"] == "per_image")
    how = shift_of(found[each])
    assert how is not None
    return {
        "each": each,
        "one_undone": {name: _one_undone(lab, name, how) for name in (one, other)},
        "learned": min(lab.argument.learned, len(lab.dataset.train)),
        "epochs": EPOCHS,
        "dose": [_dose(lab, each, how, count) for count in (*lab.argument.draws, None)],
    }


def _one_undone(lab: Lab, name: str, how: Shift) -> dict[str, Any] | None:
    """The shared shift of the family that half of the pairs show, undone on the other half; beside it what one at random puts back."""
    clean, seen = lab.looked_at(name)
    assert clean.labels is not None
    order = np.random.default_rng(seed_for("contrast", name)).permutation(len(clean))
    fit, judge = order[: len(order) // 2][:FIT], order[len(order) // 2 :]
    guesses = type(how).estimate(Pairs(clean.images[fit], seen.images[fit]))
    shared = next((guess for guess in guesses if guess.scope == "shared"), None)
    undone = shared.undo(seen.images[judge], np.random.default_rng(0)) if shared is not None else None
    if undone is None:
        return None
    own, moved = clean.images[judge], seen.images[judge]
    away = np.abs(moved - own).reshape(len(own), -1) > 0.75 / 255
    back = np.abs(undone - own).reshape(len(own), -1) <= 0.75 / 255
    rng = np.random.default_rng(seed_for("contrast", name, "at random"))
    by_lot = replace(how, scope="shared").realize(clean.shape, rng).undo(moved, rng)
    by_chance = away if by_lot is None else np.abs(by_lot - own).reshape(len(own), -1) <= 0.75 / 255
    return {
        "images": len(judge),
        "accuracy": float(lab.right(undone, clean.labels[judge]).mean()),
        "before": float(lab.right(moved, clean.labels[judge]).mean()),
        "put_back": float((away & back).sum() / max(away.sum(), 1)),
        "at_random": float((away & by_chance).sum() / max(away.sum(), 1)),
    }


def _dose(lab: Lab, name: str, how: Shift, count: int | None) -> dict[str, Any]:
    """`count` draws, dealt out among all images (None: one for each): the model as it is, and a network that learns from such images."""
    clean, _ = lab.looked_at(name)
    learned = spread_over(lab.dataset.train, lab.argument.learned)
    test = _dealt(clean, how, count, "test")
    made = Dataset(f"{lab.dataset.name} under {count or 'fresh'} draws", _dealt(learned, how, count, "train"), test)
    recipe = replace(recipe_named(lab.study.recipe), epochs=EPOCHS, held_out=0)
    recipe = replace(recipe, batch_size=min(recipe.batch_size, BATCH))
    [member] = train(lab.study.network, made, recipe=recipe, parameters=lab.study.network_parameters, device=lab.device)
    assert test.labels is not None
    right = predict(test.images, model=member.model.to("cpu")).argmax(1) == test.labels
    as_it_is = lab.right(test.images, test.labels)
    return {
        "draws": count,
        "unmodified": _ends(wilson(int(as_it_is.sum()), len(test))),
        "learned": _ends(wilson(int(right.sum()), len(test))),
    }


def _dealt(images: ImageSet, how: Shift, count: int | None, place: str) -> ImageSet:
    """Every image under one of `count` draws, which are the same for training and test images; a fresh one for each for None."""
    if count is None:
        return shift(images, how, seed_for("contrast", "fresh", place))
    made = np.empty_like(images.images)
    for which in range(count):
        rng = np.random.default_rng(seed_for("contrast", "draw", which))
        drawn = replace(how, scope="shared").realize(images.shape, rng)
        made[which::count] = drawn.apply(images.images[which::count], rng)
    return ImageSet(made, images.labels, images.name)


def _aim(lab: Lab, one: str, other: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Pixels that change as in the aimed variant or as in the other, mixed; and how much larger the other must be to harm as much."""
    aimed = next(n for n in (one, other) if found[n]["diagnosis"]["verdict"]["family"] in attacks())
    unaimed = other if aimed == one else one
    (clean, seen), (_, beside) = lab.looked_at(aimed), lab.looked_at(unaimed)
    assert clean.labels is not None
    pick = np.random.default_rng(seed_for("contrast", "aim")).random(clean.images.shape)
    rows, times = [], []
    for share in AIMED:
        mixed = np.where(pick < share, seen.images, beside.images)
        rows.append({"aimed": share, **_asked(lab, mixed, clean)})
    low, high = clean.images.min(), clean.images.max()
    for factor in TIMES:
        larger = np.clip(clean.images + factor * (beside.images - clean.images), low, high).astype(np.float32)
        times.append({"times": factor, **_asked(lab, larger, clean)})
    return {"aimed": aimed, "unaimed": unaimed, "images": len(clean), "mixed": rows, "larger": times}


def _asked(lab: Lab, images: np.ndarray, clean: ImageSet) -> dict[str, Any]:
    assert clean.labels is not None
    right = lab.right(images, clean.labels)
    away = (images - clean.images).reshape(len(images), -1).astype(np.float64)
    return {
        "accuracy": _ends(wilson(int(right.sum()), len(right))),
        "linf": float(np.median(np.abs(away).max(1))),
        "l2": float(np.median(np.sqrt((away**2).sum(1)))),
    }


def _ends(interval: Any) -> dict[str, float]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
