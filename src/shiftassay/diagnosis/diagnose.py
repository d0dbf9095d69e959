"""From two image sets to a verdict: pairing, labels, search, proof."""

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
from jaxtyping import Int64
from torch import nn

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.adversarial import AdversarialEvidence, adversarial_evidence
from shiftassay.diagnosis.asking import without_gradient
from shiftassay.diagnosis.ceiling.ceiling import ceiling as ceiling_of
from shiftassay.diagnosis.explanation import explained
from shiftassay.diagnosis.labels import label_shift, relabelling, renumbering
from shiftassay.diagnosis.mechanisms import mechanisms
from shiftassay.diagnosis.paired.candidate import Candidate, fits, limit
from shiftassay.diagnosis.paired.confidence import confidence_of
from shiftassay.diagnosis.paired.intervals import intervals
from shiftassay.diagnosis.paired.refit import refitted
from shiftassay.diagnosis.paired.search import search
from shiftassay.diagnosis.paired.task import Task
from shiftassay.diagnosis.pairing.pair import Pairing, pair
from shiftassay.diagnosis.pairing.shared import accuracy_without, apart, shared_note
from shiftassay.diagnosis.proof import Logits, Proof, prove
from shiftassay.diagnosis.result import Diagnosis, ImageCounts
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.diagnosis.summary import CandidateSummary, parameters_of, summarized
from shiftassay.diagnosis.unpaired.verdict import unpaired_verdict
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.errors import BadInput
from shiftassay.execution.threads import one_thread_each
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.labels import check_range
from shiftassay.imagesets.values import to_unit
from shiftassay.models.predict import predict
from shiftassay.random_stream import seed_for
from shiftassay.shifts.ascent import NoGradient
from shiftassay.shifts.catalogue import attacks, make
from shiftassay.shifts.compose import Compose, in_normal_form
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import FAMILIES, Shift

CHANNELS = 4  # at most


def diagnose(
    reference: ImageSet | np.ndarray,
    shifted: ImageSet | np.ndarray,
    *,
    model: nn.Module | None = None,
    others: Mapping[str, nn.Module] | None = None,
    labels: Int64[np.ndarray, "n"] | None = None,
    train: ImageSet | None = None,
    ceiling: bool = False,
    seed: int = 0,
    device: str = "cpu",
) -> Diagnosis:
    """Name the shift that lies between a reference set and a shifted one, with its parameters and the proof.

    Sets are image sets, or arrays `(n, h, w)` or `(n, c, h, w)`; `labels` are those of both, where the sets bring none.
    With a model and labels, the proof asks whether the remake hurts the model as the shifted set does, on the same images; `others`,
    by name, are models that an attack on it may hurt as well. The ceiling is that of the images that changed.
    Raises `BadInput` for fewer than 50 images, images of different sizes, sets of one grey value, or values that are not finite.

    >>> from shiftassay.imagesets.dataset import load_dataset
    >>> from shiftassay.shifts.catalogue import shift
    >>> digits = load_dataset("mnist").test.first(200)
    >>> verdict = diagnose(digits, shift(digits, "rotate:angle=15")).verdict
    >>> verdict.family, round(verdict.parameters["angle"], 1), verdict.scope
    ('rotate', 15.0, 'shared')
    """
    begun = time.monotonic()
    before, after, notes = _checked(reference, shifted, labels)
    logits, unasked = (None, ()) if model is None else _asked(model, before, after, seed, device)
    notes = (*notes, *unasked)
    pairing = pair(before, after, seed)
    if pairing.order is None:
        verdict, listed, said = _unpaired(before, after, pairing, seed)
        proof = Proof(None)
        if model is not None and logits is not None:
            proof = prove(verdict, before, after, None, model, logits, seed, device)
        accuracy = proof.accuracy
        if pairing.shared:
            notes = (*notes, shared_note(before, after, pairing.shared))
        if pairing.shared and accuracy is not None and logits is not None:
            without, beside = accuracy_without(before, after, pairing.shared, logits)
            accuracy, notes = replace(accuracy, **without), (*notes, beside)
        if model is not None or ceiling:
            notes = (*notes, "Without partners, neither what harms the model nor the ceiling is asked about.")
        return Diagnosis(
            verdict=verdict,
            pairing=pairing,
            candidates=listed,
            accuracy=accuracy,
            explanation=said,
            notes=notes,
            evaluations=proof.evaluations,
            seconds=time.monotonic() - begun,
        )
    alone = int(np.sum(pairing.order < 0))
    if alone:
        notes = (*notes, f"{alone:,} of {len(after):,} images of {after.name} have no partner and were left out.")
    again = len(after) - alone - len(np.unique(pairing.order[pairing.order >= 0]))
    if again:
        notes = (*notes, f"{again:,} images of {after.name} have a partner in {before.name} that another has too.")
    renumbered = renumbering(before, after, pairing)
    notes = notes if renumbered is None else (*notes, renumbered)
    matched = _matched(before, after, pairing)
    verdict, candidates, aim = _named(before, after, pairing, matched, model, seed, others)
    proof = Proof(None)
    if model is not None and logits is not None:
        proof = prove(verdict, before, after, pairing.order, model, logits, seed, device)
    why = mechanisms(model, *matched, train=train, seed=seed) if model is not None else []
    bound = None
    known = matched[0].labels if matched[1].labels is None else matched[1].labels
    if ceiling and verdict.shift is not None and train is not None and known is not None:
        changed = (
            Pairs(matched[0].images, matched[1].images).changed if verdict.share < 1 else np.ones(len(known), bool)
        )
        variant = replace(matched[1], images=matched[1].images[changed], labels=known[changed])
        bound = ceiling_of(verdict.shift, train, variant, model=model, seed=seed)
    return Diagnosis(
        verdict=verdict,
        pairing=pairing,
        candidates=tuple(_listed(c) for c in candidates[: SETTINGS.listed]),
        accuracy=proof.accuracy,
        proof=proof.checks,
        explanation=explained(verdict, candidates, proof, why, len(matched[1]), aim, bound),
        notes=notes,
        mechanisms=tuple(why),
        ceiling=bound,
        adversarial=aim,
        evaluations=proof.evaluations,
        images=ImageCounts(proof.images, min(SETTINGS.mechanism_images, len(matched[1])) if why else 0),
        seconds=time.monotonic() - begun,
    )


@one_thread_each()
def _asked(
    model: nn.Module, before: ImageSet, after: ImageSet, seed: int, device: str
) -> tuple[Logits | None, tuple[str, ...]]:
    """The model's answers to both sets, None where the shifted set's labels can't be judged by; and what can't be asked of it.

    Raises `BadInput` for images that don't fit the model, answers that are none, and labels of the reference that it has no
    output for. Those of the shifted set may be what is wrong with it.
    """
    predict(before.images[:2], model=model, device=device, finite=False)  # says it at once where the images do not fit
    logits = (
        predict(before.images, model=model, device=device, name=before.name),
        predict(after.images, model=model, device=device, name=after.name),
    )
    some = np.random.default_rng(seed_for(seed, "diagnose", "gradient")).permutation(len(before))[: SETTINGS.gradients]
    without = without_gradient(model, before.images[some])
    notes = (
        [] if without is None else [f"{without} What needs one is left out: whether the change was aimed at the model."]
    )
    for images, own in ((before, logits[0]), (after, logits[1])):
        try:
            if images.labels is not None:
                check_range(images.labels, own.shape[1], images.name)
        except BadInput as error:
            if images is before:
                raise
            return None, (*notes, f"{error} So its accuracy is not measured.")
    return logits, tuple(notes)


def _searched() -> list[str]:
    return [f for f in FAMILIES if FAMILIES[f].group not in ("sample", "several", "attack")]


def verdict_on(reference: ImageSet, shifted: ImageSet, *, model: nn.Module | None = None, seed: int = 0) -> Verdict:
    """The verdict of `diagnose` alone, without its proof: the model is only asked whether the change was aimed at it."""
    before, after, _ = _checked(reference, shifted, None)
    pairing = pair(before, after, seed)
    if pairing.order is None:
        return _unpaired(before, after, pairing, seed)[0]
    return _named(before, after, pairing, _matched(before, after, pairing), model, seed)[0]


def _unpaired(
    before: ImageSet, after: ImageSet, pairing: Pairing, seed: int
) -> tuple[Verdict, tuple[CandidateSummary, ...], str]:
    """The verdict on sets whose images have no partners: on those that are not in both, where there are enough."""
    others = apart(before, after, pairing.shared)
    if not pairing.shared or min(map(len, others)) < thresholds.FEWEST_IMAGES:
        return unpaired_verdict(before, after, _searched(), seed)
    verdict, listed, said = unpaired_verdict(*others, _searched(), seed, len(pairing.shared))
    touched = 1.0 if verdict.family in ("identity", "class_prior") else len(others[1]) / len(after)
    return replace(verdict, share=touched), listed, said


def _named(
    before: ImageSet,
    after: ImageSet,
    pairing: Pairing,
    matched: tuple[ImageSet, ImageSet],
    model: nn.Module | None,
    seed: int,
    others: Mapping[str, nn.Module] | None = None,
) -> tuple[Verdict, tuple[Candidate, ...], AdversarialEvidence | None]:
    """The verdict on images that have partners, the candidates, and whether the change was aimed at the model."""
    share, pairs = _touched(Pairs(matched[0].images, matched[1].images))
    if share == 0:
        best = label_shift(before, after, pairing)
        return Verdict(best, parameters_of(best) if best else {}, {}, 1.0, thresholds.SAME_IMAGES), (), None
    if round(share * len(matched[1])) < thresholds.FEWEST_CHANGED:
        return Verdict(None, {}, {}, share, thresholds.EVEN_ODDS), (), None
    pairs = pairs.subset(np.random.default_rng(seed_for(seed, "diagnose", "split")).permutation(len(pairs)))
    cut = min(SETTINGS.fit, int(0.6 * len(pairs)))
    held = pairs.subset(np.arange(cut, min(cut + SETTINGS.held_out, len(pairs))))

    @cache
    def evidence() -> AdversarialEvidence | None:
        if model is None or not attacks():
            return None
        try:
            return adversarial_evidence(model, matched[0].images, matched[1].images, matched[0].labels, seed, others)
        except NoGradient:
            return None

    def aimed() -> bool:
        found = evidence() if _even(pairs) else None
        return found is not None and found.is_adversarial

    ranked = search(Task(pairs.first(cut), held, _searched(), seed), aimed)
    verdict = _verdict(ranked, pairs, share)
    # Asked only where chance, or nothing in the catalogue, is the other explanation.
    aim = evidence() if verdict.shift is None or ranked[0].remake.noise_fraction > 0 else None
    if aim is not None and aim.is_adversarial:
        how = make(attacks()[0], {"epsilon": aim.epsilon, "norm": aim.norm})
        verdict = Verdict(how, parameters_of(how), {"epsilon": list(aim.epsilon_interval)}, share, aim.probability)
    elif model is None and (verdict.shift is None or verdict.shift.imitates_attack) and _even(pairs):
        verdict = replace(verdict, equivalent=tuple(dict.fromkeys((*verdict.equivalent, *attacks()))))
    return _with_labels(verdict, relabelling(before, after, pairing)), tuple(ranked), aim


def _with_labels(verdict: Verdict, labels: Shift | None) -> Verdict:
    """The verdict on images and labels, if both changed."""
    if labels is None or verdict.shift is None:
        return verdict
    first = labels.components
    parts = [part.to_json() for part in (*map(summarized, first), *verdict.parts)]
    spread = verdict.intervals.get("parts", [verdict.intervals]) if verdict.intervals else []
    return replace(
        verdict,
        shift=Compose((*first, *verdict.shift.components)),
        parameters={"parts": parts},
        intervals={"parts": [*({} for _ in first), *spread]} if spread else {},
    )


def _matched(before: ImageSet, after: ImageSet, pairing: Pairing) -> tuple[ImageSet, ImageSet]:
    """Both sets in the order of the shifted one, without the images that have no partner."""
    assert pairing.order is not None
    found = np.flatnonzero(pairing.order >= 0)
    partner = pairing.order[found]
    own = None if before.labels is None else before.labels[partner]
    given = None if after.labels is None else after.labels[found]
    return replace(before, images=before.images[partner], labels=own), replace(
        after, images=after.images[found], labels=given
    )


def _even(pairs: Pairs) -> bool:
    """Whether the change is about as large on every image and nowhere large, as an attack's is."""
    change = np.abs(pairs.shifted - pairs.reference)
    largest = change.max((1, 2, 3))
    length = np.sqrt((change**2).sum((1, 2, 3)))
    even = min(float(side.std() / max(side.mean(), 1e-9)) for side in (largest, length))
    return even < thresholds.EVEN_SIZE and float(largest.mean()) < thresholds.LARGEST_CHANGE


def _checked(
    reference: ImageSet | np.ndarray, shifted: ImageSet | np.ndarray, labels: np.ndarray | None
) -> tuple[ImageSet, ImageSet, tuple[str, ...]]:
    before = _image_set(reference, "reference")
    after = _image_set(shifted, "shifted", before)
    for images in (before, after):
        if len(images) < thresholds.FEWEST_IMAGES:
            raise BadInput(
                f"{images.name}: a diagnosis needs at least {thresholds.FEWEST_IMAGES} images, found {len(images)}. Give more."
            )
        if not np.isfinite(images.images).all():
            raise BadInput(f"{images.name}: it holds NaN or infinity. Repair or leave out those images.")
        if float(np.ptp(images.images)) == 0:
            raise BadInput(
                f"{images.name}: all pixels of all images have the same value, {images.images.flat[0]:g}. There is nothing to tell "
                "shifts apart by: give the images themselves."
            )
    if before.shape != after.shape:
        raise BadInput(
            f"{after.name}: its images are {_size(after)}, those of {before.name} {_size(before)}. A resize or a crop may be the "
            "shift itself: bring both to one size, in the way that you suspect, and diagnose again."
        )
    notes: list[str] = []
    if labels is not None:
        if len(labels) not in (len(before), len(after)):
            raise BadInput(
                f"{len(labels)} labels for {len(before)} images of {before.name} and {len(after)} of {after.name}: give one for each image."
            )
        before = before if before.labels is not None or len(labels) != len(before) else replace(before, labels=labels)
        after = after if after.labels is not None or len(labels) != len(after) else replace(after, labels=labels)
    if (before.labels is None) != (after.labels is None):
        has, lacks = (before, after) if after.labels is None else (after, before)
        notes.append(f"{has.name} has labels and {lacks.name} has none: shifts of labels can't be seen.")
    return before, after, (*notes, *before.notes, *after.notes)


def _image_set(images: ImageSet | np.ndarray, name: str, beside: ImageSet | None = None) -> ImageSet:
    if isinstance(images, ImageSet):
        return images
    if images.ndim not in (3, 4):
        raise BadInput(f"{name}: expected images (n, h, w) or (n, c, h, w), found an array of shape {images.shape}.")
    if images.ndim == 4 and images.shape[1] > CHANNELS >= images.shape[3]:
        raise BadInput(
            f"{name}: an array of shape {images.shape} seems to have its channels last. Give images.transpose(0, 3, 1, 2)."
        )
    if not images.size:
        raise BadInput(f"{name}: a diagnosis needs at least {thresholds.FEWEST_IMAGES} images, found none. Give more.")
    values, unit, said = to_unit(images if images.ndim == 4 else images[:, None], name, beside)
    return ImageSet(np.ascontiguousarray(values), None, name, unit, images.dtype.kind in "bui", (f"{name}: {said}.",))


def _size(images: ImageSet) -> str:
    c, h, w = images.shape
    return f"{h} × {w}" + (f" in {c} channels" if c > 1 else "")


def _touched(pairs: Pairs) -> tuple[float, Pairs]:
    """The share of images that changed beyond rounding, and those, or all pairs if nearly all or too few did."""
    changed = pairs.changed
    share = float(changed.mean())
    if not changed.any():
        return 0.0, pairs
    if 1 - share <= thresholds.UNCHANGED:
        return 1.0, pairs
    return share, pairs if changed.sum() < thresholds.FEWEST_CHANGED else pairs.subset(np.flatnonzero(changed))


@one_thread_each()
def _verdict(ranked: list[Candidate], pairs: Pairs, share: float) -> Verdict:
    best = ranked[0]
    alike = [
        c
        for c in ranked[1:]
        if c.misfit <= best.misfit + thresholds.EQUIVALENT_MISFIT and c.shift.family != best.shift.family
    ]
    names = tuple(dict.fromkeys(_name(c.shift) for c in alike if _name(c.shift) != _name(best.shift)))[:5]
    rivals = [c for c in ranked[1:] if _name(c.shift) != _name(best.shift) or c.shift.scope != best.shift.scope]
    confidence = confidence_of(best, rivals)
    torn = isinstance(best.shift, Compose) and confidence < thresholds.EVEN_ODDS
    if not fits(best) or torn:
        return Verdict(None, {}, {}, share, max(confidence, 1 - confidence), ())
    few = pairs.first(SETTINGS.refitted_composition if isinstance(best.shift, Compose) else SETTINGS.refitted)
    how = in_normal_form(refitted(in_normal_form(best.shift), few, best.remake.resampling))
    spread = intervals(how, few, best.remake.resampling, thresholds.LEVEL) if how.scope == "shared" else {}
    draws = how.infer_draws(pairs.first(SETTINGS.fit))
    parameters = parameters_of(how, draws)
    if (hidden := how.unidentified(pairs.shifted)) is not None:
        parameters["unidentified"] = hidden
    return Verdict(how, parameters, spread, share, confidence, names)


def _name(how: Shift) -> str:
    how = in_normal_form(how)
    parts = getattr(how, "parts", None)
    return " + ".join(p.family for p in parts) if parts else how.family


def _listed(candidate: Candidate) -> CandidateSummary:
    summary, remade = summarized(in_normal_form(candidate.shift)), candidate.remake
    return CandidateSummary(
        summary.family,
        summary.parameters,
        summary.scope,
        score=max(0.0, 1 - remade.misfit),
        misfit=remade.misfit,
        limit=limit(candidate),
        unexplained=remade.unexplained,
        mismatch=remade.details,
    )
