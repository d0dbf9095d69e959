"""From two image sets to a diagnosis: pairing, verdict, proof, reasons, ceiling."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import Int64
from torch import nn

from shiftassay.diagnosis.aliasing import aliasing_note
from shiftassay.diagnosis.asking import Answers, ask
from shiftassay.diagnosis.ceiling.ceiling import Ceiling
from shiftassay.diagnosis.ceiling.ceiling import ceiling as ceiling_of
from shiftassay.diagnosis.explanation import explained, fitted_note
from shiftassay.diagnosis.identify import identify, identify_unpaired, searched_families
from shiftassay.diagnosis.inputs import check_sets, check_unpaired
from shiftassay.diagnosis.labels import renumbering
from shiftassay.diagnosis.mechanisms import measured_on, mechanisms
from shiftassay.diagnosis.one_size import OneSize, at_one_size
from shiftassay.diagnosis.paired.search import search_again
from shiftassay.diagnosis.paired.verdict import summaries
from shiftassay.diagnosis.pairing.matched import MatchedSets, Order, matched_sets, order_notes
from shiftassay.diagnosis.pairing.pair import Pairing, few_note, names_note, pair
from shiftassay.diagnosis.pairing.shared import accuracy_without, shared_note
from shiftassay.diagnosis.proof import Proof, prove
from shiftassay.diagnosis.result import Diagnosis, ImageCounts
from shiftassay.diagnosis.turned import Turned, turned
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.items import ImageSource, image_set
from shiftassay.imagesets.left_out import Region, leaving_out, left_out_of_both
from shiftassay.model import Model
from shiftassay.models.prepared import module_of
from shiftassay.models.remembered import Remembered, remembering
from shiftassay.progress import Watch, unwatched
from shiftassay.shifts.estimation.pairs import Pairs


def diagnose(
    reference: ImageSource,
    shifted: ImageSource,
    *,
    model: Model | None = None,
    labels: Int64[np.ndarray, "n"] | None = None,
    others: Mapping[str, Model] | None = None,
    train: ImageSource | None = None,
    ceiling: bool = False,
    leave_out: Sequence[Region] = (),
    seed: int = 0,
    device: str = "cpu",
    watch: Watch = unwatched,
) -> Diagnosis:
    """Name the shift between a reference set and a shifted one, with its parameters and the proof.

    Sets are image sets, arrays `(n, h, w)` or `(n, c, h, w)`, or datasets of PyTorch or Hugging Face (see
    `imagesets.items.image_set`); `labels` are those of both, where the sets bring none. With a model and labels, the
    proof asks whether the remake hurts the model as the shifted set does, on the same images; `others`, by name, are
    models that an attack on it may hurt as well. The ceiling is that of the images that changed. Images with names are
    paired by name. Raises `BadInput` for no images, fewer than 50 without partners, sets of one grey value, or values
    that are not finite.

    What lies in the regions to `leave_out`, in pixels of the shifted images, is not compared (see `leaving_out`).

    Of sets of two sizes, the resize, crop or frame is found that leads from the reference's pictures to the shifted
    ones. The reference is then brought to that size, and what else changed is found as between sets of one size.

    `watch` is called with each stage, how much of it is through, and of how much (see `progress.Watch`).

    >>> from shiftassay.imagesets.dataset import load_dataset
    >>> from shiftassay.shifts.catalog import shift
    >>> digits = load_dataset("mnist").test.first(200)
    >>> verdict = diagnose(digits, shift(digits, "rotate:angle=15")).verdict
    >>> verdict.family, round(verdict.parameters["angle"], 1), verdict.scope
    ('rotate', 15.0, 'shared')
    """
    started = time.monotonic()
    before, after, notes = check_sets(reference, shifted, labels, of_one_size=False)
    if len(leave_out):
        after = leaving_out(after, leave_out, like=before)
        notes = (*notes, after.notes[-1])
    one = at_one_size(before, after, seed)
    before, after, notes = one.reference, one.shifted, (*notes, *one.notes)
    before, after = left_out_of_both(before, after)
    module = None if model is None else module_of(model)
    beside = {name: module_of(other) for name, other in (others or {}).items()}
    answers = Answers() if module is None else ask(module, before, after, seed, device, watch)
    watch("finding which image became which", 0, 0)
    pairing = pair(before, after, seed)
    question = _Question(before, after, one, pairing, module, answers, seed, device, watch)
    with remembering(question.remembered):
        if pairing.order is None:
            diagnosis = _without_partners(question)
            if model is not None or ceiling:
                note = "Without partners, neither what harms the model nor the ceiling is asked about."
                diagnosis = replace(diagnosis, notes=(*diagnosis.notes, note))
        else:
            training = None if train is None else image_set(train, "training images")
            diagnosis = _with_partners(question, pairing.order, beside, training, ceiling)
    by_name = names_note(before, after, pairing) or few_note(before, after, pairing)
    notes = (*notes, *([by_name] if by_name else []), *answers.notes, *diagnosis.notes)
    return replace(
        diagnosis,
        verdict=one.named(diagnosis.verdict),
        framing=one.shift,
        left_out=0.0 if after.left_out is None else float(after.left_out.mean()),
        explanation=one.sentence + diagnosis.explanation,
        notes=notes,
        seconds=time.monotonic() - started,
    )


def verdict_on(reference: ImageSet, shifted: ImageSet, *, model: nn.Module | None = None, seed: int = 0) -> Verdict:
    """The verdict of `diagnose` without its proof.

    The model is only asked whether the change was aimed at it.
    """
    before, after, _ = check_sets(reference, shifted)
    pairing = pair(before, after, seed)
    if pairing.order is None:
        return identify_unpaired(before, after, pairing, seed).verdict
    return identify(before, after, pairing, model=model, seed=seed).verdict


def refit(
    verdict: Verdict, reference: ImageSet, shifted: ImageSet, *, model: nn.Module | None = None, seed: int = 0
) -> Verdict:
    """The verdict with its parameters estimated from these images alone.

    The images may be a half of those that the verdict is of. Only its families are looked for, so that this is much
    faster than `verdict_on`; that decides where they do not fit these images. Confidence and equivalent families stay
    those of the verdict. An unknown shift stays unknown.
    """
    if verdict.shift is None:
        return verdict
    before, after, _ = check_sets(reference, shifted)
    pairing = pair(before, after, seed)
    if pairing.order is None:
        families = [verdict.family] if verdict.family in searched_families() else []
        again = identify_unpaired(before, after, pairing, seed, families).verdict
    else:
        find = partial(search_again, shift=verdict.shift)
        again = identify(before, after, pairing, model=model, seed=seed, find=find).verdict
    if again.shift is None or [p.family for p in again.parts] != [p.family for p in verdict.parts]:
        return verdict_on(reference, shifted, model=model, seed=seed)
    return replace(again, confidence=verdict.confidence, equivalent=verdict.equivalent)


@dataclass(frozen=True, eq=False)
class _Question:
    """Two sets, how they are paired, and the model with its answers to them."""

    before: ImageSet
    after: ImageSet
    one: OneSize
    pairing: Pairing
    model: nn.Module | None
    answers: Answers
    seed: int
    device: str
    watch: Watch

    @property
    def remembered(self) -> Remembered | None:
        """The model's answers to both sets.

        None where an answer does not depend on the image alone.
        """
        if self.model is None or self.answers.logits is None or not self.answers.steady:
            return None
        remembered = Remembered(self.model)
        for side, logits in zip((self.before, self.after), self.answers.logits, strict=True):
            remembered.know(side.images, logits)
        return remembered

    def proof_of(self, verdict: Verdict, order: Order | None) -> Proof:
        """The proof of a verdict; an empty one without a model, or without its answers."""
        if self.model is None or self.answers.logits is None:
            return Proof(None)
        self.watch("making the shift again, and undoing it", 0, 0)
        return prove(
            verdict,
            self.before,
            self.after,
            order,
            self.model,
            self.answers.logits,
            self.seed,
            self.device,
            self.answers.draws,
        )

    def turned(self, order: Order) -> Turned | None:
        """The images that the model lost and gained, if it was asked."""
        logits = self.answers.logits
        return None if logits is None else turned(self.before, self.after, order, logits, self.seed)


def _without_partners(question: _Question) -> Diagnosis:
    before, after, pairing = question.before, question.after, question.pairing
    check_unpaired(before, after)
    verdict, candidates, sentence = identify_unpaired(before, after, pairing, question.seed, watch=question.watch)
    proof = question.proof_of(verdict, None)
    accuracy, notes = proof.accuracy, []
    if pairing.shared:
        notes.append(shared_note(before, after, pairing.shared))
    if pairing.shared and accuracy is not None and question.answers.logits is not None:
        without_shared, note = accuracy_without(before, after, pairing.shared, question.answers.logits)
        accuracy = replace(accuracy, **without_shared)
        notes.append(note)
    return Diagnosis(
        pairing=pairing,
        verdict=verdict,
        candidates=candidates,
        accuracy=accuracy,
        explanation=sentence,
        notes=tuple(notes),
        evaluations=proof.evaluations,
    )


def _with_partners(
    question: _Question, order: Order, others: Mapping[str, nn.Module], train: ImageSet | None, ceiling: bool
) -> Diagnosis:
    before, after, model, seed = question.before, question.after, question.model, question.seed
    matched = matched_sets(before, after, order)
    identified = identify(before, after, question.pairing, model=model, others=others, seed=seed, watch=question.watch)
    verdict = identified.verdict
    proof = question.proof_of(verdict, order)
    reasons = mechanisms(model, *matched, train=train, seed=seed, watch=question.watch) if model is not None else []
    if ceiling:
        question.watch("estimating what any classifier could reach", 0, 0)
    bound = _ceiling(verdict, matched, train, model, seed) if ceiling else None
    renumbered = renumbering(before, after, question.pairing)
    return Diagnosis(
        pairing=question.pairing,
        verdict=verdict,
        candidates=summaries(identified.candidates),
        accuracy=proof.accuracy,
        agreement=proof.agreement,
        ceiling=bound,
        explanation=explained(
            question.one.named(verdict),
            identified.candidates,
            proof,
            reasons,
            len(matched.shifted),
            measured_on(matched.shifted),
            identified.adversarial,
            bound,
        ),
        proof=proof.checks,
        mechanisms=tuple(reasons),
        adversarial=identified.adversarial,
        notes=(
            *order_notes(before, after, order),
            *([renumbered] if renumbered else []),
            *fitted_note(identified.candidates, matched.shifted),
            *(aliasing_note(Pairs(matched.reference.images, matched.shifted.images)) if verdict.shift is None else ()),
        ),
        evaluations=proof.evaluations,
        turned=question.turned(order),
        images=ImageCounts(proof.images, measured_on(matched.shifted) if reasons else 0),
    )


def _ceiling(
    verdict: Verdict, matched: MatchedSets, train: ImageSet | None, model: nn.Module | None, seed: int
) -> Ceiling | None:
    """The ceiling on the images that changed.

    None without training images, labels or a known shift.
    """
    before, after = matched
    labels = before.labels if after.labels is None else after.labels
    if verdict.shift is None or train is None or labels is None:
        return None
    changed = Pairs(before.images, after.images).changed if verdict.share < 1 else np.ones(len(labels), bool)
    variant = replace(after, labels=labels).subset(np.flatnonzero(changed))
    return ceiling_of(verdict.shift, train, variant, model=model, seed=seed)
