"""Pictures of a verdict: images, their remakes, the shift undone, and candidates' residuals."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from torch import nn

from shiftassay.diagnosis.one_size import alike
from shiftassay.diagnosis.paired.left_out import beside_left_out
from shiftassay.diagnosis.proof import undoable_blind
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.imagesets.image_set import Images, ImageSet
from shiftassay.imagesets.left_out import left_out_of_both
from shiftassay.models.predict import aimed_at
from shiftassay.random_stream import seed_for
from shiftassay.shifts.catalog import generator
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Shift

SHOWN = 10  # images in a row
AVERAGED = 300  # images that a mean square is taken over


@dataclass(frozen=True, eq=False)
class ResidualMap:
    """The mean square that a candidate leaves in each pixel; of no candidate, the whole change."""

    candidate: CandidateSummary | None
    mean_square: Float64[np.ndarray, "h w"]


@dataclass(frozen=True, eq=False)
class Pictures:
    """The same few images as they were, shifted, remade, and restored.

    Rows that can't be made are None. `residual` is shifted − remade, where images have partners. `paired` says whether
    images at one place of all rows are one image. `maps` are empty where there is a verdict, or no image has a partner;
    else the whole change comes first. `change` is the mean absolute difference of values, of some images and their
    partners; None where no image has one.
    """

    reference: Images
    shifted: Images
    remade: Images | None
    undone: Images | None
    residual: Images | None
    paired: bool
    maps: tuple[ResidualMap, ...]
    change: float | None = None


@dataclass(frozen=True, eq=False)
class _Remade:
    remade: Images | None = None
    undone: Images | None = None


def pictures(
    before: ImageSet, after: ImageSet, diagnosis: Diagnosis, model: nn.Module | None = None, seed: int = 0
) -> Pictures:
    """Remake the verdict's shift on some of the reference's images, and undo it on shifted ones.

    What a shift drew for an image is inferred where possible; else the remake draws again. `model` is what an
    adversarial shift is aimed at: without it, that one is not remade.
    """
    before, after = left_out_of_both(*alike(before, after, diagnosis.framing))
    order = _partners(before, after, diagnosis)
    paired = order is not None
    partners = order if paired else np.arange(min(len(before), len(after)))
    places = np.flatnonzero(partners >= 0)
    clean, shifted = before.images[partners[places]], after.images[places]
    labels = None if before.labels is None else before.labels[partners[places]]
    columns = _columns(clean, shifted, labels if paired else None, seed)
    few, own = (
        Pairs(clean[columns], shifted[columns], left_out=after.left_out),
        None if labels is None else labels[columns],
    )
    shift, remade = diagnosis.beside_framing, _Remade()
    if shift is not None and FAMILIES[shift.family].group not in ("none", "sample"):
        remade = _remade(shift, few, own, paired, model, seed)
    some = np.sort(np.random.default_rng(seed_for(seed, "pictures")).permutation(len(clean))[:AVERAGED])
    return Pictures(
        reference=few.reference,
        shifted=few.shifted,
        remade=remade.remade,
        undone=remade.undone,
        residual=few.shifted - remade.remade if paired and remade.remade is not None else None,
        paired=paired,
        maps=tuple(_maps(diagnosis, Pairs(clean[some], shifted[some], left_out=after.left_out), seed))
        if paired and shift is None
        else (),
        change=float(np.abs(shifted[some] - clean[some]).mean()) if paired else None,
    )


def _partners(before: ImageSet, after: ImageSet, diagnosis: Diagnosis) -> Int64[np.ndarray, "n"] | None:
    if diagnosis.pairing.kind == "unpaired":
        return None
    order = diagnosis.pairing.order
    return np.arange(min(len(before), len(after))) if order is None else order


def _columns(clean: Images, shifted: Images, labels: np.ndarray | None, seed: int) -> Int64[np.ndarray, "k"]:
    """Images that changed, of as many classes as there are, in the order of their classes."""
    changed = Pairs(clean, shifted).changed
    order = np.random.default_rng(seed_for(seed, "pictures", "columns")).permutation(len(clean))
    order = order[np.argsort(~changed[order], kind="stable")]
    if labels is None:
        return order[:SHOWN]
    rank = np.zeros(len(order), np.int64)  # within its class
    for name in np.unique(labels):
        own = labels[order] == name
        rank[own] = np.arange(own.sum())
    chosen = order[np.argsort(rank, kind="stable")][:SHOWN]
    return chosen[np.argsort(labels[chosen], kind="stable")]


def _remade(
    shift: Shift, pairs: Pairs, labels: np.ndarray | None, paired: bool, model: nn.Module | None, seed: int
) -> _Remade:
    context = None
    if shift.needs_model:
        if model is None or labels is None:
            return _Remade()
        context = Context(labels, aimed_at(model))
    inferred = shift.infer_draws(pairs) if paired else None
    with_draws = inferred if inferred is not None else shift
    remade = with_draws.apply(pairs.reference, generator(shift, seed + 1, "pictures"), context)
    if context is None:
        remade = beside_left_out(remade, with_draws, pairs)
    undoable = inferred is not None or undoable_blind(shift)
    return _Remade(remade, with_draws.undo(pairs.shifted, np.random.default_rng(0)) if undoable else None)


def _maps(diagnosis: Diagnosis, pairs: Pairs, seed: int) -> Iterator[ResidualMap]:
    """Maps of the whole change, and of the nearest candidates' residuals.

    There is one candidate for each set of families.
    """
    yield ResidualMap(None, _mean_square(pairs.shifted - pairs.reference))
    families: list[set[str]] = []
    for candidate in diagnosis.candidates:
        shift, own = candidate.shift, {part.family for part in candidate.parts}
        if shift is None or shift.needs_model or own in families:
            continue
        families.append(own)
        shift = shift.infer_draws(pairs) or shift
        remade = shift.apply(pairs.reference, generator(shift, seed + 1, "pictures"))
        yield ResidualMap(candidate, _mean_square(pairs.shifted - beside_left_out(remade, shift, pairs)))
        if len(families) >= SETTINGS.pictured_candidates:
            break


def _mean_square(images: Images) -> Float64[np.ndarray, "h w"]:
    return np.asarray(np.mean(images.astype(np.float64) ** 2, axis=(0, 1)))
