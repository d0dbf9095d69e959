"""The proof of a verdict: made again from the reference, and undone on the shifted set, does the model do as it did?

Each check stands beside its null: what two remakes of the same shift, drawn apart, do to each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from shiftassay.arrays.image_set import ImageSet
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.networks.predict import labels_of, predict
from shiftassay.shifts.catalogue import shift
from shiftassay.shifts.family import Context, Images, Shift
from shiftassay.shifts.none import Identity
from shiftassay.shifts.pairs import Pairs
from shiftassay.shifts.sample import Reorder
from shiftassay.shifts.several import parts_of

MOST = 4000


@dataclass(frozen=True, eq=False)
class Proof:
    """Accuracies (None without a model or labels), checks beside their nulls, and what to say of them."""

    accuracy: Mapping[str, float | None] | None
    checks: tuple[Mapping[str, Any], ...] = ()
    sentences: tuple[str, ...] = ()


def prove(
    verdict: Verdict, before: ImageSet, after: ImageSet, model: nn.Module | None, seed: int, device: str
) -> Proof:
    """Ask the model about the reference, the shifted set, its remake, and the shifted set with the shift undone."""
    labels = after.labels if before.labels is None else before.labels
    if model is None or labels is None:
        return Proof(None)
    clean, seen = before.images[:MOST], after.images[:MOST]
    own = labels[:MOST]
    given = own if after.labels is None else after.labels[:MOST]
    pairs = Pairs(clean, seen)
    touched = np.ones(len(seen), bool) if verdict.share == 1 else pairs.changed
    right = {
        name: _right(model, images, labels, device)
        for name, images, labels in (("reference", clean, own), ("shifted", seen, given))
    }
    accuracy: dict[str, float | None] = {name: float(r.mean()) for name, r in right.items()}
    accuracy |= dict.fromkeys(("reproduced", "restored_with_partner", "restored_blind"))
    how = Identity() if isinstance(verdict.shift, Reorder) else verdict.shift  # the sets lie in the same order here
    if how is None:
        return Proof(accuracy)
    context = Context(own, lambda images: model(images.to(device)).float().cpu()) if how.needs_model else None
    remakes = [shift(ImageSet(clean, own), how, seed_, context) for seed_ in (seed + 1, seed + 2)]
    same = all(len(r) == len(clean) for r in remakes)
    if not same:
        return Proof(accuracy)
    again = [
        _right(model, _only(touched, r.images, clean), own if r.labels is None else r.labels, device) for r in remakes
    ]
    accuracy["reproduced"] = float(again[0].mean())
    checks = [_mistakes(right["shifted"], again)]
    for name, undoing in (
        ("restored_with_partner", how.followed(pairs)),
        ("restored_blind", how if undoable_blind(how) else None),
    ):
        undone = undoing.undo(seen, np.random.default_rng(0)) if undoing is not None else None
        if undone is not None:
            accuracy[name] = float(_right(model, _only(touched, undone, seen), own, device).mean())
    return Proof(accuracy, tuple(checks), tuple(_sentences(accuracy, checks)))


def _right(model: nn.Module, images: np.ndarray, labels: np.ndarray, device: str) -> np.ndarray:
    return labels_of(predict(model, images, device)) == labels


def _only(touched: np.ndarray, images: Images, others: Images) -> Images:
    """The images that the shift touched, the others from another set."""
    return np.where(touched[:, None, None, None], images, others)


def undoable_blind(how: Shift) -> bool:
    """Whether a shift can be undone without partners: it did the same to all images."""
    return all(part.scope == "shared" for part in parts_of(how))


def _mistakes(seen: np.ndarray, again: list[np.ndarray]) -> dict[str, Any]:
    """How far the images that the model gets wrong agree, beside two remakes' own agreement."""
    return {
        "check": "same mistakes",
        "value": float(np.mean(seen == again[0])),
        "null": float(np.mean(again[0] == again[1])),
        "passed": bool(np.mean(seen == again[0]) >= np.mean(again[0] == again[1]) - 0.03),
    }


def _sentences(accuracy: Mapping[str, float | None], checks: list[dict[str, Any]]) -> list[str]:
    a = {k: f"{100 * v:.1f}%" for k, v in accuracy.items() if v is not None}
    said = [f"Accuracy went from {a['reference']} to {a['shifted']}; the remake gives {a['reproduced']}"]
    said[0] += (
        f", with {100 * checks[0]['value']:.0f}% of images right or wrong alike ({100 * checks[0]['null']:.0f}% between two remakes)."
    )
    if "restored_with_partner" in a:
        said.append(f"Undone, accuracy is {a['restored_with_partner']}.")
    return said
