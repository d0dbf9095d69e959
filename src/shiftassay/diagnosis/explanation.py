"""What to say of a diagnosis, composed from what was measured."""

from collections.abc import Sequence

from shiftassay.diagnosis.adversarial import AdversarialEvidence
from shiftassay.diagnosis.ceiling.ceiling import Ceiling
from shiftassay.diagnosis.mechanisms import Mechanism
from shiftassay.diagnosis.paired.candidate import Candidate
from shiftassay.diagnosis.proof import Proof
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.shifts.compose import in_normal_form


def explained(
    verdict: Verdict,
    candidates: Sequence[Candidate],
    proof: Proof,
    why: Sequence[Mechanism],
    images: int,
    aim: AdversarialEvidence | None,
    bound: Ceiling | None,
) -> str:
    """What happened, how that is known, what it did to the model, and why, of so many images that have partners."""
    said = [_what(verdict, candidates), *proof.sentences]
    if aim is not None and aim.is_adversarial:
        said.append(aim.sentence)
    reasons = [m.sentence for m in why if m.present][: SETTINGS.reasons]
    said += [
        f"Why is measured {drawn(SETTINGS.mechanism_images, images)}."
        for _ in reasons[:1]
        if images > SETTINGS.mechanism_images
    ] + reasons
    if bound is not None:
        said.append(bound.sentence)
    return " ".join(said)


def drawn(some: int, of: int) -> str:
    """That a number was measured on a sample.

    >>> drawn(2000, 10_000)
    'on 2,000 of the 10,000 images, drawn at random'
    """
    return f"on {some:,} of the {of:,} images, drawn at random"


def _what(verdict: Verdict, candidates: Sequence[Candidate]) -> str:
    if verdict.shift is None:
        if not candidates and verdict.share < 1:
            return f"Only {_percent(verdict.share)} of the images changed, too few to say how."
        if not candidates:
            return "The images are as they were, and what happened to their labels is not in the catalogue."
        nearest = candidates[0]
        return (
            f"Nothing in the catalogue makes this shift. Nearest is {in_normal_form(nearest.shift)}, which leaves "
            f"{_percent(nearest.remake.misfit)} of the change unexplained."
        )
    name = str(verdict.shift)
    said = f"{name[0].upper()}{name[1:]}."
    if verdict.share < 1:
        said += f" It touched {_percent(verdict.share)} of the images."
    if verdict.shift.needs_model or not candidates:
        return said
    best = candidates[0]
    said += f" Made again from the reference, on images that it was not fitted to, it leaves {_percent(best.remake.misfit)} of the change unexplained"
    rivals = [c for c in candidates if in_normal_form(c.shift).family != in_normal_form(best.shift).family]
    return said + (
        f"; the next family, {in_normal_form(rivals[0].shift).family}, {_percent(rivals[0].remake.misfit)}."
        if rivals
        else "."
    )


def _percent(share: float) -> str:
    return "all" if share >= 1 else f"{100 * share:.0f}%" if share >= 0.1 else f"{100 * share:.1f}%"
