"""What each variant is, how that is known, and the controls that other explanations are held against."""

from typing import Any

import numpy as np

from shiftassay.diagnosis.controls import shuffled_residual, transplanted_residual
from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.diagnosis.proof import undoable_blind
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import aimed_at
from shiftassay.random_stream import seed_for
from shiftassay.repairs.strategy import rounded
from shiftassay.shifts.catalogue import make, shift
from shiftassay.shifts.estimation.pairs import ROUNDING, Pairs
from shiftassay.shifts.family import Context, Shift
from shiftassay.statistics.intervals import wilson
from shiftassay.statistics.paired import bootstrap_difference, mcnemar
from shiftassay.studies.shifted.lab import Lab
from shiftassay.words.terminal import spoken

VERSION = 6
SHOWN = 10
CONTROLS = {"shuffled": shuffled_residual, "transplanted": transplanted_residual}


def measure(lab: Lab, name: str) -> dict[str, Any]:
    """Diagnose a variant, and measure what other explanations of its accuracy would predict."""
    clean, found = lab.looked_at(name)
    lab.console.print(spoken(f"{name}: diagnosing {len(found):,} images"))
    others = {f"seed {member.trial.seed}": member.model.to("cpu") for member in lab.members[1:]}
    told = diagnose(clean, found, model=lab.model, others=others, train=lab.dataset.train)
    how, ordered = told.verdict.shift, told.pairing.kind == "same_order"
    return {
        "pictures": _pictures(lab, name, clean, found, how if ordered else None),
        "images": len(found),
        "set": len(lab.shifted(name)),
        "diagnosis": told.to_json(),
        "shift": how.to_json() if how else None,
        "text": str(make(how.family, rounded(how.to_json()["parameters"]), how.to_json()["scope"])) if how else None,
        "change": _change(clean, found) if ordered else None,
        "controls": _controls(lab, clean, found) if ordered and _moved(clean, found) else None,
        "reaches": _reaches(lab, name, told),
    }


def shift_of(measured: dict[str, Any]) -> Shift | None:
    """The shift that was diagnosed."""
    said = measured["shift"]
    return make(said["family"], said["parameters"], said["scope"]) if said else None


def pictures(name: str) -> str:
    """Where a variant's pictures are kept, in the study's folder."""
    return f"pictures-{name}.safetensors"


def beyond(values: list[float]) -> bool:
    """Whether values run so far beyond black 0 and white 1 that they are drawn between their own ends."""
    return values[0] < -0.5 or values[1] > 1.5


def _moved(clean: ImageSet, found: ImageSet) -> bool:
    return bool(np.abs(found.images - clean.images).max() > ROUNDING)


def _change(clean: ImageSet, found: ImageSet) -> dict[str, Any]:
    """How large the change is in each image, and whether it left the image's pixel values as they were, whatever their places."""
    away = np.abs(found.images - clean.images).reshape(len(found), -1).astype(np.float64)
    before, after = (np.sort(x.images.reshape(len(x), -1), axis=1) for x in (clean, found))
    return {
        "linf": _quantiles(away.max(1)),
        "l2": _quantiles(np.sqrt((away**2).sum(1))),
        "touched": float((away.max(1) > ROUNDING).mean()),
        "same_values": float((np.abs(after - before).max(1) <= 1e-6).mean()),
        "labels_alike": float((clean.labels == found.labels).mean()),
    }


def _quantiles(values: np.ndarray) -> list[float]:
    return [float(v) for v in np.quantile(values, [0.05, 0.5, 0.95])]


def _controls(lab: Lab, clean: ImageSet, found: ImageSet) -> dict[str, Any]:
    """Accuracy under changes as large as the variant's: shuffled over each image's pixels, and taken from another image."""
    assert clean.labels is not None
    rng = np.random.default_rng(seed_for("study", "controls"))
    seen = lab.right(found.images, clean.labels)
    made = {}
    for name, control in CONTROLS.items():
        right = lab.right(control(clean.images, found.images, rng), clean.labels)
        gained, lost = int((seen & ~right).sum()), int((right & ~seen).sum())
        made[name] = {
            "accuracy": _ends(wilson(int(right.sum()), len(right))),
            "minus_control": _ends(bootstrap_difference(gained, lost, len(right))),
            "p_value": mcnemar(gained, lost),
        }
    return made


def _reaches(lab: Lab, name: str, told: Diagnosis) -> dict[str, Any] | None:
    """Whether images that the diagnosis did not see are made by the same shift: accuracy on those, and on their remake."""
    how, whole = told.verdict.shift, lab.shifted(name)
    clean = lab.variants.clean
    if how is None or not lab.in_step(name) or len(lab.looked_at(name)[1]) > 0.9 * len(whole) or told.verdict.share < 1:
        return None
    every = len(whole) // len(lab.looked_at(name)[1])
    rest = np.arange(len(whole)) % max(every, 2) == 1
    assert clean.labels is not None
    own, labels = ImageSet(clean.images[rest], clean.labels[rest]), clean.labels[rest]
    again = shift(own, how, 2, _context(lab, own) if how.needs_model else None)
    if len(again) != len(own):
        return None
    return {
        "images": len(own),
        "accuracy": float(lab.right(whole.images[rest], labels).mean()),
        "remade": float(lab.right(again.images, again.labels if again.labels is not None else labels).mean()),
    }


def _context(lab: Lab, images: ImageSet) -> Context:
    assert images.labels is not None
    return Context(images.labels, aimed_at(lab.model.requires_grad_(False)))


def _pictures(lab: Lab, name: str, clean: ImageSet, found: ImageSet, how: Shift | None) -> dict[str, list[float]]:
    """Kept, and for each row its values' range: the first image of each class of reference, shifted, made again from the reference, and the shifted one undone."""
    assert clean.labels is not None
    assert found.labels is not None
    places = np.unique(clean.labels, return_index=True)[1][:SHOWN]
    own = ImageSet(clean.images[places], clean.labels[places])
    rows = {lab.variants.clean.name: own.images}
    if how is None or how.group == "none":
        rows[name] = found.images[np.unique(found.labels, return_index=True)[1][:SHOWN]]
    else:
        seen = found.images[places]
        rows[name] = seen
        again = shift(own, how, 1, _context(lab, own) if how.needs_model else None)
        if len(again) == len(own):
            rows["made again"] = again.images
        blind = undoable_blind(how)
        undoing = how if blind else how.infer_draws(Pairs(own.images, seen))
        undone = undoing.undo(seen, np.random.default_rng(0)) if undoing is not None else None
        if undone is not None:
            rows["undone" if blind else "undone, told the draws"] = undone
    fewest = min(len(images) for images in rows.values())
    rows = {row: images[:fewest] for row, images in rows.items()}
    lab.measurements.keep(pictures(name), {row: _drawable(images) for row, images in rows.items()})
    return {row: [float(images.min()), float(images.max())] for row, images in rows.items()}


def _drawable(images: np.ndarray) -> np.ndarray:
    """Values that run far beyond black and white are brought between them."""
    low, high = float(images.min()), float(images.max())
    wide = beyond([low, high])
    return np.ascontiguousarray((images - low) / (high - low) if wide else images, np.float32)


def _ends(interval: Any) -> dict[str, float]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
