"""What repairs are judged on.

The two sets, the halves of the variant, and what the unrepaired model gets right.
"""

from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from jaxtyping import Int64
from torch import nn

from shiftassay.diagnosis.diagnose import refit, verdict_on
from shiftassay.diagnosis.pairing.pair import pair
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.evaluation.attack_set import AttackBudget, Robustness, attack_set, joined
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import labels_of, predict
from shiftassay.random_stream import seed_for
from shiftassay.repairs.result import Attempt, Right, accuracy_difference
from shiftassay.shifts.family import Shift
from shiftassay.statistics.intervals import Interval, wilson

Places = Int64[np.ndarray, "k"]


@dataclass(frozen=True, eq=False)
class Half:
    """A half of the variant.

    Its images, those of the reference that go with them, and the verdict, with parameters from this half alone.
    """

    shifted: Places
    reference: Places
    verdict: Verdict


@dataclass(frozen=True, eq=False)
class Bench:
    """The sets on which repairs are judged, and the halves of the variant.

    `clean_right` and `variant_right`: which images the unrepaired model gets right. `paired`: both sets are the same
    images in the same order. `attacks` is what is spent on fresh attacks, `attacked` what they leave of the unrepaired
    model. `harmed`: a loss of accuracy is known, whether these images show it or not.
    """

    reference: ImageSet
    shifted: ImageSet
    model: nn.Module
    halves: tuple[Half, Half]
    paired: bool
    clean_right: Right
    variant_right: Right
    attacked: Robustness | None
    attacks: AttackBudget
    seed: int
    device: str
    harmed: bool = False

    @property
    def shifts(self) -> tuple[Shift | None, Shift | None]:
        """What was diagnosed on each half."""
        return self.halves[0].verdict.shift, self.halves[1].verdict.shift

    @property
    def families(self) -> tuple[str, ...]:
        """The families that the halves show, each once."""
        return tuple(dict.fromkeys(half.verdict.family for half in self.halves))

    @cached_property
    def clean(self) -> Interval:
        """Accuracy of the unrepaired model on the reference."""
        return wilson(int(self.clean_right.sum()), len(self.reference))

    @cached_property
    def variant(self) -> Interval:
        """Accuracy of the unrepaired model on the variant."""
        return wilson(int(self.variant_right.sum()), len(self.shifted))

    @cached_property
    def missing(self) -> Interval:
        """Accuracy on the variant minus that on the reference, before any repair."""
        return accuracy_difference(self.clean_right, self.variant_right, self.paired)

    @property
    def loss_is_shown(self) -> bool:
        """Whether these images show that accuracy is lower on the variant."""
        return self.missing.high < 0

    @property
    def is_harmless(self) -> bool:
        """Whether there is nothing to repair.

        Either no loss is shown, or the shift is not in the images.
        """
        aimed = any(shift is not None and shift.ball is not None for shift in self.shifts)
        group = self.shifts[0].group if self.shifts[0] else ""
        return (not (self.loss_is_shown or self.harmed or aimed)) or (
            group in ("none", "sample") and len(self.families) == 1
        )

    def disagreement(self) -> list[str]:
        """A note, if the halves show different shifts."""
        if len(self.families) == 1:
            return []
        first, second = self.families
        return [f"The two halves of the variant show different shifts: {first} and {second}."]

    def remaining_loss(self, attempt: Attempt) -> Interval:
        """Accuracy after a repair minus that on clean images before it.

        Both are of attacked images, or both of all.
        """
        if attempt.attacked_right is None:
            return accuracy_difference(self.clean_right, attempt.variant_right, self.paired)
        places = [attacked_places(half, self.attacks.images, self.seed) for half in self.halves]
        return accuracy_difference(self.clean_right[np.concatenate(places)], attempt.attacked_right, True)

    def falls_short(self, attempt: Attempt) -> bool:
        """Whether accuracy after the repair is shown to be below that on clean images before it."""
        return self.remaining_loss(attempt).high < 0


def split_set(
    reference: ImageSet,
    shifted: ImageSet,
    *,
    model: nn.Module,
    verdict: Verdict | None = None,
    seed: int,
    attacks: AttackBudget,
    device: str,
    harmed: bool = False,
) -> Bench:
    """What repairs are judged on, with the variant cut into halves and a verdict on each.

    With the `verdict` on the whole variant, the halves only estimate its parameters again, each by itself.
    """
    clean_right, variant_right = (right_of(images, model=model, device=device) for images in (reference, shifted))
    pairing = pair(reference, shifted, seed)
    paired = pairing.in_place and len(reference) == len(shifted)
    bench = Bench(
        reference=reference,
        shifted=shifted,
        model=model,
        halves=_halves(reference, shifted, paired, verdict, model, seed),
        paired=paired,
        clean_right=clean_right,
        variant_right=variant_right,
        attacked=None,
        attacks=attacks,
        seed=seed,
        device=device,
        harmed=harmed,
    )
    if bench.is_harmless or not all(shift is not None and shift.ball is not None for shift in bench.shifts):
        return bench
    return replace(bench, attacked=joined([attack_half(bench, half, model=model) for half in bench.halves]))


def halves_of(n: int, seed: int, name: str) -> tuple[Places, Places]:
    """The places 0 … n − 1 in two random halves, each in order."""
    order = np.random.default_rng(seed_for(seed, "repair", "halves", name)).permutation(n)
    return np.sort(order[: n // 2]), np.sort(order[n // 2 :])


def part(images: ImageSet, places: Places) -> ImageSet:
    """Some images with their labels."""
    return replace(images.subset(places), notes=())


def right_of(images: ImageSet, *, model: nn.Module, device: str) -> Right:
    """Which images a model gets right."""
    return labels_of(predict(images.images, model=model, device=device, name=images.name)) == images.labels


def attacked_places(half: Half, attacked: int, seed: int) -> Places:
    """The images of a half that are attacked afresh, drawn at random.

    They are half of as many as are attacked in all.
    """
    rng = np.random.default_rng(seed_for(seed, "repair", "attacked"))
    return np.sort(rng.permutation(half.reference)[: attacked // 2])


def attack_half(bench: Bench, half: Half, *, model: nn.Module) -> Robustness:
    """What fresh attacks on a model, of the diagnosed size, leave of a half."""
    shift = half.verdict.shift
    if shift is None or shift.ball is None:
        raise ValueError("no attack was diagnosed on this half")
    clean = part(bench.reference, attacked_places(half, bench.attacks.images, bench.seed))
    return attack_set(clean, shift.ball, model=model, budget=bench.attacks, seed=bench.seed)


def _halves(
    reference: ImageSet, shifted: ImageSet, paired: bool, verdict: Verdict | None, model: nn.Module, seed: int
) -> tuple[Half, Half]:
    """The two halves of the shifted set, each with its verdict.

    The verdict is against the half's own reference images, or against all if unpaired.
    """
    places = halves_of(len(shifted), seed, "shifted")
    reference_places = places if paired else halves_of(len(reference), seed, "reference")
    diagnosed = verdict_on if verdict is None else partial(refit, verdict)
    halves = []
    for own, beside in zip(places, reference_places, strict=True):
        before = part(reference, beside) if paired else reference
        halves.append(Half(own, beside, diagnosed(before, part(shifted, own), model=model, seed=seed)))
    return halves[0], halves[1]
