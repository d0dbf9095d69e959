"""The proof of a verdict: does the model answer the remake as it does the shifted set?

The shift is made again from the reference, and undone on the shifted set. Each check stands beside its null: what two
remakes of the same shift, drawn apart, do to each other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from jaxtyping import Bool, Float32, Int64
from torch import nn

from shiftassay.diagnosis.paired.left_out import beside_left_out
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.evaluation.agreement import agreed
from shiftassay.evaluation.evaluate import Evaluation, assess
from shiftassay.execution.threads import one_thread_each
from shiftassay.imagesets.image_set import Images, ImageSet
from shiftassay.models.predict import aimed_at, labels_of, predict
from shiftassay.random_stream import seed_for
from shiftassay.records import JsonObject, Record
from shiftassay.shifts import catalog
from shiftassay.shifts.estimation.pairs import Pairs
from shiftassay.shifts.family import Context, Shift
from shiftassay.shifts.identity import Identity
from shiftassay.shifts.sample import Reorder
from shiftassay.statistics.intervals import wilson
from shiftassay.words.numbers import percent, percent_with_interval

Right = Bool[np.ndarray, "n"]
Classes = Int64[np.ndarray, "n"]
Logits = tuple[Float32[np.ndarray, "n c"], Float32[np.ndarray, "m c"]]


@dataclass(frozen=True)
class Accuracies(Record):
    """A model's accuracy on both sets, and with the shift made again and undone.

    None where that could not be done. `restored_with_partner` may use each image's partner in the reference,
    `restored_blind` may not. Where the sets share images, the last two are without those.
    """

    reference: float
    shifted: float
    reproduced: float | None = None
    restored_with_partner: float | None = None
    restored_blind: float | None = None
    reference_without_shared: float | None = None
    shifted_without_shared: float | None = None

    def __str__(self) -> str:
        """What the model does with the shift made again, and undone.

        >>> print(Accuracies(0.98, 0.5, reproduced=0.5, restored_with_partner=0.97))
        50.00% with the shift made again, 97.00% undone by partners
        """
        return _stages(self)

    def to_json(self) -> JsonObject:
        """Its fields, the last two only where the sets share images."""
        return {k: v for k, v in super().to_json().items() if v is not None or not k.endswith("_without_shared")}


@dataclass(frozen=True)
class Agreements(Record):
    """Shares of images that a model answers as their partners in the reference.

    No labels are needed. Of the shifted set, and with the shift made again and undone, as in `Accuracies`.
    """

    shifted: float
    reproduced: float | None = None
    restored_with_partner: float | None = None
    restored_blind: float | None = None

    def __str__(self) -> str:
        return _stages(self)


@dataclass(frozen=True)
class Check(Record):
    """One number that a remake must reproduce, and its null.

    The null is what two remakes of the shift, drawn apart, give.
    """

    check: str
    value: float
    null: float
    passed: bool


@dataclass(frozen=True, eq=False)
class Proof:
    """Accuracies, checks beside their nulls, and sentences on both.

    Accuracies are None without a model or labels, agreements without a model or partners. `evaluations` are what
    `evaluate` says of all images of the reference and of the shifted set; `images` is how many were made again and
    undone.
    """

    accuracy: Accuracies | None
    agreement: Agreements | None = None
    evaluations: tuple[Evaluation, ...] = ()
    images: int = 0
    checks: tuple[Check, ...] = ()
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Asked:
    """The images on which a verdict is proved, their labels if any, and the model's answers."""

    clean: Images
    shifted: Images
    labels: Classes | None
    clean_answers: Classes
    shifted_answers: Classes
    left_out: Bool[np.ndarray, "h w"] | None = None
    model_draws: bool = False

    @property
    def targets(self) -> Classes:
        """The answer that an image is to have: its label, else the answer to its partner."""
        return self.clean_answers if self.labels is None else self.labels


@dataclass(frozen=True, eq=False)
class _Answered:
    """The model's answers to two remakes, with what was wanted, and to the shift undone."""

    remade: Classes
    again: Classes
    targets: tuple[Classes, Classes]
    undone: Mapping[str, Classes]


@one_thread_each()
def prove(
    verdict: Verdict,
    before: ImageSet,
    after: ImageSet,
    order: Int64[np.ndarray, "m"] | None,
    model: nn.Module,
    logits: Logits,
    seed: int,
    device: str,
    model_draws: bool = False,
) -> Proof:
    """Ask the model about both sets, about a remake, and about the shift undone.

    The last two need partners. `order` says which image of the reference is the partner of each of the shifted set, −1
    for none; `logits` are the answers to both sets. A set without labels takes those of its partners; where neither has
    any, the answers to the reference stand in for them. `model_draws` says that it answers otherwise each time.
    Raises `BadInput` for labels that the model has no output for.
    """
    if order is not None and (before.labels is None) != (after.labels is None):
        before, after, order, logits = _labeled(before, after, order, logits)
    accuracy, evaluations, measured = None, (), ()
    if before.labels is not None and after.labels is not None:
        evaluations = (assess(before, logits[0]), assess(after, logits[1], before, logits[0]))
        accuracy, measured = Accuracies(*(e.correct / e.n for e in evaluations)), tuple(map(str, evaluations))
    shift = Identity() if isinstance(verdict.shift, Reorder) else verdict.shift  # partners are in one order
    if order is None:
        return Proof(accuracy, evaluations=evaluations, sentences=measured)
    some = np.flatnonzero(order >= 0)
    agreed_on = agreed(logits[1][some], logits[0][order[some]], after.name, before.name, some)
    agreement = Agreements(agreed_on.share.estimate)
    measured = measured or (str(agreed_on),)
    if len(some) > SETTINGS.proved:
        some = np.sort(np.random.default_rng(seed_for(seed, "proof")).permutation(some)[: SETTINGS.proved])
    asked = _Asked(
        before.images[order[some]],
        after.images[some],
        None if accuracy is None or before.labels is None else before.labels[order[some]],
        labels_of(logits[0])[order[some]],
        labels_of(logits[1])[some],
        after.left_out,
        model_draws,
    )
    answers = None if shift is None else _answers(shift, verdict.share, asked, model, seed, device)
    if answers is None:
        return Proof(accuracy, agreement, evaluations, sentences=measured)
    agreement = replace(
        agreement,
        reproduced=_share(answers.remade == asked.clean_answers),
        **{name: _share(undone == asked.clean_answers) for name, undone in answers.undone.items()},
    )
    remade, again = (a == t for a, t in zip((answers.remade, answers.again), answers.targets, strict=True))
    restored = {name: undone == asked.targets for name, undone in answers.undone.items()}
    sample = f" on {len(some):,} of the {len(after):,} images" if len(some) < len(after) else ""
    if accuracy is None or after.labels is None:
        check = _alike("same answers", asked.shifted_answers == answers.remade, answers.remade == answers.again)
        sentences = (*measured, *_sentences_without_labels(remade, restored, check, sample))
        return Proof(None, agreement, (), len(some), (check,), sentences)
    accuracy = replace(accuracy, reproduced=_share(remade), **{name: _share(right) for name, right in restored.items()})
    right = asked.shifted_answers == after.labels[some]
    check = _alike("same mistakes", right == remade, remade == again)
    sentences = (*measured, *_sentences(remade, restored, check, sample))
    return Proof(accuracy, agreement, evaluations, len(some), (check,), sentences)


def beyond_chance(check: Check, right: float, images: int) -> bool:
    """Whether two remakes agree on more images than unrelated classifiers as accurate would.

    By two standard errors or more; else agreement tells nothing of the verdict.

    >>> at_chance, agreed = (Check("same mistakes", null, null, True) for null in (0.82, 0.97))
    >>> beyond_chance(at_chance, 0.1, 1000), beyond_chance(agreed, 0.1, 1000)
    (False, True)
    """
    chance = right**2 + (1 - right) ** 2
    return check.null > chance + 2 * sqrt(chance * (1 - chance) / max(images, 1))


def undoable_blind(shift: Shift) -> bool:
    """Whether a shift can be undone without partners: it did the same to all images.

    Noise may differ, as no undo takes it away.
    """
    return all(part.scope == "shared" or part.random for part in shift.components)


def _labeled(
    before: ImageSet, after: ImageSet, order: Int64[np.ndarray, "m"], logits: Logits
) -> tuple[ImageSet, ImageSet, Int64[np.ndarray, "k"], Logits]:
    """The images that have partners, in one order.

    Both sets have the labels that one of them has.
    """
    paired = np.flatnonzero(order >= 0)
    labels = before.labels[order[paired]] if before.labels is not None else after.labels
    if before.labels is None and labels is not None:
        labels = labels[paired]
    return (
        replace(before.subset(order[paired]), labels=labels),
        replace(after.subset(paired), labels=labels),
        np.arange(len(paired)),
        (logits[0][order[paired]], logits[1][paired]),
    )


def _answers(shift: Shift, share: float, asked: _Asked, model: nn.Module, seed: int, device: str) -> _Answered | None:
    """The model's answers to two remakes, and with the shift undone.

    None where the shift changes how many images there are.
    """
    pairs = Pairs(asked.clean, asked.shifted, left_out=asked.left_out)
    touched = np.ones(len(pairs), bool) if share == 1 else pairs.changed

    last: list[tuple[Images, Classes]] = []

    def answers(images: Images, others: Images) -> Classes:
        images = _only(touched, images, others)
        if asked.left_out is not None:  # there the model is shown one grey value, as in both sets
            images = np.where(asked.left_out, asked.shifted, images)
        # Of a shift without draws, two remakes are the same images, and so is what it was undone to.
        if asked.model_draws or not last or not np.array_equal(images, last[0][0]):
            last[:] = [(images, labels_of(predict(images, model=model, device=device)))]
        return last[0][1]

    context = Context(asked.targets, aimed_at(model, device)) if shift.needs_model else None
    clean = ImageSet(asked.clean, asked.labels)
    remakes = [catalog.shift(clean, shift, seed_, context) for seed_ in (seed + 1, seed + 2)]
    if any(len(remake) != len(clean) for remake in remakes):
        return None
    if not shift.needs_model:
        remakes = [replace(r, images=beside_left_out(r.images, shift, pairs)) for r in remakes]
    first, second = (asked.targets if remake.labels is None else remake.labels for remake in remakes)
    undone: dict[str, Classes] = {}
    for name, undoing in (
        ("restored_with_partner", shift.infer_draws(pairs)),
        ("restored_blind", shift if undoable_blind(shift) else None),
    ):
        images = undoing.undo(asked.shifted, np.random.default_rng(0)) if undoing is not None else None
        if images is not None:
            undone[name] = answers(images, asked.shifted)
    remade, again = (answers(remake.images, asked.clean) for remake in remakes)
    return _Answered(remade, again, (first, second), undone)


def _only(touched: Right, images: Images, others: Images) -> Images:
    """The images that the shift touched, the others from another set."""
    return np.where(touched[:, None, None, None], images, others)


def _alike(name: str, values: Right, null: Right) -> Check:
    """How far a remake is answered as the shifted set is, beside two remakes' own agreement."""
    value, expected = _share(values), _share(null)
    return Check(name, value, expected, value >= expected - 0.03)


def _share(of: Right) -> float:
    return float(np.mean(of))


def _stages(shares: Accuracies | Agreements) -> str:
    """What becomes of a share with the shift made again, and undone."""
    if shares.restored_with_partner == shares.restored_blind:
        undone = {"undone": shares.restored_blind}
    else:
        undone = {
            "undone by partners": shares.restored_with_partner,
            "undone without": shares.restored_blind,
        }
    named = {"with the shift made again": shares.reproduced, **undone}
    return ", ".join(f"{percent(share, 2)} {name}" for name, share in named.items() if share is not None)


def _sentences(remade: Right, undone: Mapping[str, Right], check: Check, sample: str) -> Iterator[str]:
    yield f"With the shift made again{sample}, accuracy is {_accuracy(remade)}."
    if beyond_chance(check, float(remade.mean()), len(remade)):
        yield (
            f"Shifted set and remake are right or wrong alike on {percent(check.value)} of images, two remakes on "
            f"{percent(check.null)}."
        )
    if "restored_with_partner" in undone:
        yield f"With the shift undone, accuracy is {_accuracy(undone['restored_with_partner'])}."


def _sentences_without_labels(remade: Right, undone: Mapping[str, Right], check: Check, sample: str) -> Iterator[str]:
    yield f"With the shift made again{sample}, {_accuracy(remade)} are answered as on the reference."
    yield (
        f"Shifted set and remake are answered alike on {percent(check.value)} of images, two remakes on "
        f"{percent(check.null)}."
    )
    if "restored_with_partner" in undone:
        right = undone["restored_with_partner"]
        yield f"With the shift undone, {_accuracy(right)} are answered as on the reference."


def _accuracy(right: Right) -> str:
    return percent_with_interval(wilson(int(right.sum()), len(right)))
