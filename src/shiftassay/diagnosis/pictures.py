"""What a verdict looks like: a few images, their remakes, the shift undone, and what nearest candidates leave in each pixel."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from torch import nn

from shiftassay.diagnosis.result import Diagnosis
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.imagesets.image_set import Images, ImageSet
from shiftassay.models.predict import aimed_at
from shiftassay.random_stream import seed_for
from shiftassay.shifts.catalogue import generator
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Context, Shift

SHOWN = 10  # images in a row
ENOUGH = 300  # images that the mean of what is left is taken over


@dataclass(frozen=True, eq=False)
class Pictures:
    """Rows of the same images, by what was done to them; and what is left in each pixel, by candidate.

    `rows` are in [0, 1] but for `left`, which is shifted − remade. `paired` says whether a column is one image in all rows. `unexplained`
    holds mean squares over images and channels, the whole change first; nothing where no image has a partner.
    """

    rows: Mapping[str, Images]
    paired: bool
    unexplained: tuple[tuple[CandidateSummary | None, Float64[np.ndarray, "h w"]], ...]


def pictures(
    before: ImageSet, after: ImageSet, found: Diagnosis, model: nn.Module | None = None, seed: int = 0
) -> Pictures:
    """Remake the verdict's shift from some of the reference's images, and undo it on the shifted ones.

    What a shift drew for an image is found out again where that can be done; else the remake draws afresh. `model` is what an
    adversarial shift is aimed at: without it, that one is not remade.
    """
    order = _partners(before, after, found)
    paired = order is not None
    partner = order if paired else np.arange(min(len(before), len(after)))
    seen = np.flatnonzero(partner >= 0)
    clean, shifted = before.images[partner[seen]], after.images[seen]
    labels = None if before.labels is None else before.labels[partner[seen]]
    columns = _columns(clean, shifted, labels if paired else None, seed)
    rows: dict[str, Images] = {"reference": clean[columns], "shifted": shifted[columns]}
    how = found.verdict.shift
    if how is not None and FAMILIES[how.family].group not in ("none", "sample"):
        rows |= _remade(how, rows, None if labels is None else labels[columns], paired, model, seed)
    few = np.sort(np.random.default_rng(seed_for(seed, "pictures")).permutation(len(clean))[:ENOUGH])
    maps = _maps(found, Pairs(clean[few], shifted[few]), seed) if paired and how is None else ()
    return Pictures(rows, paired, maps)


def _partners(before: ImageSet, after: ImageSet, found: Diagnosis) -> Int64[np.ndarray, "n"] | None:
    if found.pairing.kind == "unpaired":
        return None
    order = found.pairing.order
    return np.arange(min(len(before), len(after))) if order is None else order


def _columns(clean: Images, shifted: Images, labels: np.ndarray | None, seed: int) -> Int64[np.ndarray, "k"]:
    """Images that changed, of as many classes as there are, in the order of their classes."""
    changed = Pairs(clean, shifted).changed
    order = np.random.default_rng(seed_for(seed, "pictures", "columns")).permutation(len(clean))
    order = order[np.argsort(~changed[order], kind="stable")]
    if labels is None:
        return order[:SHOWN]
    turn = np.zeros(len(order), np.int64)  # the how-manieth of its class each image is
    for name in np.unique(labels):
        own = labels[order] == name
        turn[own] = np.arange(own.sum())
    chosen = order[np.argsort(turn, kind="stable")][:SHOWN]
    return chosen[np.argsort(labels[chosen], kind="stable")]


def _remade(
    how: Shift, rows: Mapping[str, Images], labels: np.ndarray | None, paired: bool, model: nn.Module | None, seed: int
) -> dict[str, Images]:
    """The remake, what is left of the shifted images beside it, and the shifted images with the shift undone."""
    clean, shifted = rows["reference"], rows["shifted"]
    context = None
    if how.needs_model:
        if model is None or labels is None:
            return {}
        context = Context(labels, aimed_at(model))
    infer_draws = how.infer_draws(Pairs(clean, shifted)) if paired else None
    known = infer_draws if infer_draws is not None else how
    made = known.apply(clean, generator(how, seed + 1, "pictures"), context)
    found = {"remade": made}
    undone = known.undo(shifted, np.random.default_rng(0)) if infer_draws is not None or how.scope == "shared" else None
    if undone is not None:
        found["undone"] = undone
    return {**found, "left": shifted - made} if paired else found


def _maps(found: Diagnosis, pairs: Pairs, seed: int) -> tuple[tuple[CandidateSummary | None, np.ndarray], ...]:
    """The mean square of the whole change, and of what the nearest candidates leave of it."""
    maps: list[tuple[CandidateSummary | None, np.ndarray]] = [(None, _mean_square(pairs.shifted - pairs.reference))]
    for candidate in found.candidates:
        how = candidate.shift
        if how is None or how.needs_model or any(_alike(candidate, other) for other, _ in maps[1:]):
            continue
        known = how.infer_draws(pairs) or how
        made = known.apply(pairs.reference, generator(how, seed + 1, "pictures"))
        maps.append((candidate, _mean_square(pairs.shifted - made)))
        if len(maps) > SETTINGS.pictured_candidates:
            break
    return tuple(maps)


def _alike(one: CandidateSummary, other: CandidateSummary | None) -> bool:
    """Whether two candidates are made of the same families."""
    return other is not None and {p.family for p in one.parts} == {p.family for p in other.parts}


def _mean_square(images: Images) -> Float64[np.ndarray, "h w"]:
    return np.asarray(np.mean(images.astype(np.float64) ** 2, axis=(0, 1)))
