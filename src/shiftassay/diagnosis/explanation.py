"""The explanation of a diagnosis, composed from what was measured."""

from collections.abc import Sequence

from shiftassay.diagnosis.adversarial import AdversarialEvidence
from shiftassay.diagnosis.ceiling.ceiling import Ceiling
from shiftassay.diagnosis.mechanisms import Mechanism
from shiftassay.diagnosis.mechanisms.matched import without_harmless_control
from shiftassay.diagnosis.paired.candidate import Candidate
from shiftassay.diagnosis.proof import Proof
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.diagnosis.wording import on_sample, unexplained_in_words
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.compose import in_normal_form
from shiftassay.words.numbers import percent


def explained(
    verdict: Verdict,
    candidates: Sequence[Candidate],
    proof: Proof,
    mechanisms: Sequence[Mechanism],
    images: int,
    measured: int,
    evidence: AdversarialEvidence | None,
    ceiling: Ceiling | None,
) -> str:
    """What happened, the evidence, what it did to the model, and why.

    `images` is the number of images that have partners, `measured` that on which mechanisms were measured.
    """
    sentences = [_what_happened(verdict, candidates), *proof.sentences]
    if evidence is not None and evidence.is_adversarial:
        sentences.append(evidence.sentence)
    reasons = [mechanism for mechanism in mechanisms if mechanism.explains][: SETTINGS.reasons]
    if reasons and images > measured:
        sentences.append(f"The reasons are measured {on_sample(measured, images)}.")
    sentences += [mechanism.sentence for mechanism in reasons] + without_harmless_control(reasons)
    if ceiling is not None:
        sentences.append(ceiling.sentence)
    return " ".join(sentences)


def fitted_note(candidates: Sequence[Candidate], shifted: ImageSet) -> tuple[str, ...]:
    """A sentence where images are too few to judge a shift on others than it was fitted to."""
    if not candidates or not candidates[0].task.is_judged_on_fitted:
        return ()
    few = "one image" if len(shifted) == 1 else f"the same {len(shifted)} images"
    return (f"Parameters are fitted to and judged on {few}: there are too few to keep some for judging alone.",)


def _what_happened(verdict: Verdict, candidates: Sequence[Candidate]) -> str:
    if verdict.shift is None:
        return _nothing_fits(verdict, candidates)
    name = str(verdict.shift)
    sentences = f"{name[0].upper()}{name[1:]}."
    if verdict.share < 1:
        sentences += f" It touched {percent(verdict.share)} of the images."
    if verdict.shift.needs_model or not candidates:
        return sentences
    best = candidates[0]
    family = in_normal_form(best.shift).family
    rivals = [c for c in candidates if in_normal_form(c.shift).family != family]
    fitted = best.task.is_judged_on_fitted
    judged = "on the same few images that it was fitted to" if fitted else "on images that it was not fitted to"
    beside = f"; the next family, {in_normal_form(rivals[0].shift).family}, {_unexplained(rivals[0])}" if rivals else ""
    return (
        f"{sentences} Made again from the reference, {judged}, it leaves "
        f"{_unexplained(best)} of the change unexplained{beside}."
    )


def _nothing_fits(verdict: Verdict, candidates: Sequence[Candidate]) -> str:
    if not candidates and verdict.share < 1:
        return f"Only {percent(verdict.share)} of the images changed, too few to say how."
    if not candidates:
        return "The images are as they were, and what happened to their labels is not in the catalogue."
    nearest = min(candidates, key=lambda c: c.misfit)
    return (
        f"Nothing in the catalogue makes this shift. Nearest is {in_normal_form(nearest.shift)}, which leaves "
        f"{_unexplained(nearest)} of the change unexplained."
    )


def _unexplained(candidate: Candidate) -> str:
    return unexplained_in_words(candidate.remake.misfit)
