"""Which shift lies between two sets: the verdict without its proof."""

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from torch import nn

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.adversarial import AdversarialEvidence, adversarial_evidence
from shiftassay.diagnosis.calibration import calibration
from shiftassay.diagnosis.evidence import EVEN_ODDS, shown_by
from shiftassay.diagnosis.labels import label_shift, relabeling
from shiftassay.diagnosis.paired.candidate import Candidate
from shiftassay.diagnosis.paired.completion import searched
from shiftassay.diagnosis.paired.search import search
from shiftassay.diagnosis.paired.task import Task
from shiftassay.diagnosis.paired.verdict import paired_verdict
from shiftassay.diagnosis.pairing.matched import Order, matched_sets
from shiftassay.diagnosis.pairing.pair import Pairing
from shiftassay.diagnosis.pairing.shared import apart
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.diagnosis.summary import parameters_of, summarized
from shiftassay.diagnosis.unpaired.verdict import UnpairedVerdict, unpaired_verdict
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.progress import Watch, unwatched
from shiftassay.random_stream import seed_for
from shiftassay.shifts.ascent import NoGradient
from shiftassay.shifts.catalog import attacks, make
from shiftassay.shifts.compose import Compose
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift

Search = Callable[[Task, Callable[[], bool]], list[Candidate]]


@dataclass(frozen=True, eq=False)
class Identified:
    """A verdict on images that have partners.

    `candidates` are best first; `adversarial` tells whether the change was aimed at the model, if that was asked.
    """

    verdict: Verdict
    candidates: tuple[Candidate, ...] = ()
    adversarial: AdversarialEvidence | None = None


def searched_families() -> list[str]:
    """The families that a search tries one by one."""
    return [f for f in FAMILIES if FAMILIES[f].group not in ("sample", "several", "attack", "framing")]


def identify(
    reference: ImageSet,
    shifted: ImageSet,
    pairing: Pairing,
    *,
    model: nn.Module | None = None,
    others: Mapping[str, nn.Module] | None = None,
    seed: int = 0,
    find: Search = search,
    watch: Watch = unwatched,
) -> Identified:
    """Which shift lies between images that have partners. `find` looks for candidates.

    The model is only asked whether the change was aimed at it: where no single shift fits, and where the verdict is
    noise or unknown. `others` are models that an attack may hurt as well; `watch` is told how far the search has come.
    """
    assert pairing.order is not None
    before, after = matched_sets(reference, shifted, pairing.order)
    matched = Pairs(before.images, after.images, left_out=shifted.left_out)
    share, pairs = changed_images(matched)
    touched = _touched(matched, shifted, pairing.order) if 0 < share < 1 else None
    if share == 0:
        labels = label_shift(reference, shifted, pairing)
        return Identified(Verdict(labels, parameters_of(labels) if labels else {}, {}, 1.0, _of_all_alike(len(pairs))))
    if share < 1 and round(share * len(after)) < _fewest_changed(after):
        return Identified(Verdict(None, {}, {}, share, EVEN_ODDS, touched=touched))

    @cache
    def evidence() -> AdversarialEvidence | None:
        if model is None or not attacks():
            return None
        watch("testing whether the change was aimed at the model", 0, 0)
        try:
            return adversarial_evidence(model, before.images, after.images, before.labels, seed, others)
        except NoGradient:
            return None

    def is_attack() -> bool:
        measured = evidence() if is_uniform(pairs) else None
        return measured is not None and measured.is_adversarial

    pairs = pairs.subset(np.random.default_rng(seed_for(seed, "diagnose", "split")).permutation(len(pairs)))
    pairs, candidates = searched(
        pairs,
        seed,
        lambda some: replace(split(some, searched_families(), seed), watch=watch),
        lambda task: find(task, is_attack),
    )
    if not candidates:
        return Identified(Verdict(None, {}, {}, share, EVEN_ODDS, touched=touched))
    watch("measuring what was found on more images", 0, 0)
    verdict = paired_verdict(candidates, pairs, share)
    noisy = candidates[0].remake.noise_fraction > 0
    adversarial = evidence() if verdict.shift is None or noisy else None
    if adversarial is not None and adversarial.is_adversarial:
        verdict = _attack_verdict(adversarial, share)
    elif model is None and (verdict.shift is None or verdict.shift.imitates_attack) and is_uniform(pairs):
        verdict = replace(verdict, equivalent=tuple(dict.fromkeys((*verdict.equivalent, *attacks()))))
    verdict = replace(_with_labels(verdict, relabeling(reference, shifted, pairing)), touched=touched)
    return Identified(verdict, candidates, adversarial)


def identify_unpaired(
    reference: ImageSet,
    shifted: ImageSet,
    pairing: Pairing,
    seed: int = 0,
    families: Sequence[str] | None = None,
    watch: Watch = unwatched,
) -> UnpairedVerdict:
    """The verdict on sets whose images have no partners.

    Images that are in both sets are left out, unless too few are left. `families` are those to try, by default all.
    """
    families = searched_families() if families is None else families
    rest = apart(reference, shifted, pairing.shared)
    if not pairing.shared or min(map(len, rest)) < thresholds.FEWEST_IMAGES:
        return unpaired_verdict(reference, shifted, families, seed, watch=watch)
    result = unpaired_verdict(*rest, families, seed, len(pairing.shared), watch)
    everywhere = result.verdict.family in ("identity", "class_prior")
    share = 1.0 if everywhere else len(rest[1]) / len(shifted)
    return result._replace(verdict=replace(result.verdict, share=share))


def split(pairs: Pairs, families: Sequence[str], seed: int) -> Task:
    """The task of a search.

    Parameters are fitted to the first pairs, candidates judged on others. Of large pictures these are few, and of those
    with detail. Of few pairs, all are used for both.
    """
    budget = SETTINGS
    if len(pairs) < budget.few:
        few = pairs.first_affordable(len(pairs), budget.values_fit, budget.fewest_large)
        return Task(few, few, families, seed)
    cut = min(int(0.6 * len(pairs)), budget.n_fit)
    fit, others = pairs.first(cut), pairs.subset(np.arange(cut, len(pairs)))
    return Task(
        fit.first_detailed(budget.n_fit, budget.values_fit, budget.fewest_large),
        others.first_detailed(budget.n_held_out, budget.values_held_out, budget.fewest_large),
        families,
        seed,
    )


def changed_images(pairs: Pairs) -> tuple[float, Pairs]:
    """The share of images that changed beyond rounding, and their pairs.

    All pairs if nearly all, or too few, changed.
    """
    changed = pairs.changed
    share = float(changed.mean())
    if not changed.any():
        return 0.0, pairs
    if 1 - share <= thresholds.UNCHANGED:
        return 1.0, pairs
    return share, pairs if changed.sum() < _fewest_changed(pairs) else pairs.subset(np.flatnonzero(changed))


def _fewest_changed(images: Sized) -> float:
    """How many images have to have changed to be diagnosed alone: of few images, half of them."""
    return min(float(thresholds.FEWEST_CHANGED), len(images) / 2)


def _of_all_alike(n: int) -> float:
    """The confidence where n pairs of images are the same.

    That the next is, too, by the rule of succession.
    """
    return min(shown_by(n), thresholds.SAME_IMAGES)


def _touched(pairs: Pairs, shifted: ImageSet, order: Order) -> tuple[int | str, ...]:
    """The images that changed: their file names, or their places in the shifted set."""
    places = np.flatnonzero(order >= 0)[pairs.changed].tolist()
    return tuple(places) if shifted.names is None else tuple(shifted.names[place] for place in places)


def is_uniform(pairs: Pairs) -> bool:
    """Whether the change is about as large on every image and nowhere large, as an attack's is."""
    change = np.abs(pairs.shifted - pairs.reference)
    largest = change.max((1, 2, 3))
    length = np.sqrt((change**2).sum((1, 2, 3)))
    variation = min(float(size.std() / max(size.mean(), 1e-9)) for size in (largest, length))
    return variation < thresholds.EVEN_SIZE and float(largest.mean()) < thresholds.LARGEST_CHANGE


def _attack_verdict(evidence: AdversarialEvidence, share: float) -> Verdict:
    shift = make(attacks()[0], {"epsilon": evidence.epsilon, "norm": evidence.norm})
    ends = {"epsilon": list(evidence.epsilon_interval)}
    most = calibration().confidence["paired known"].most  # no verdict of a search is surer
    return Verdict(shift, parameters_of(shift), ends, share, min(evidence.probability, most))


def _with_labels(verdict: Verdict, labels: Shift | None) -> Verdict:
    """The verdict on images and labels, if both changed."""
    if labels is None or verdict.shift is None:
        return verdict
    parts = [part.to_json() for part in (*map(summarized, labels.components), *verdict.parts)]
    ends = verdict.intervals.get("parts", [verdict.intervals]) if verdict.intervals else []
    return replace(
        verdict,
        shift=Compose((*labels.components, *verdict.shift.components)),
        parameters={"parts": parts},
        intervals={"parts": [*({} for _ in labels.components), *ends]} if ends else {},
    )
