"""A diagnosis in plain words: what the terminal and the page say alike."""

import textwrap
from collections.abc import Sequence
from typing import Any

from shiftassay.diagnosis.explanation import drawn
from shiftassay.diagnosis.proof import Accuracies
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.shifts.wording import in_words

WIDTH = 100
NEAREST = 5  # candidates that are told
INFORMATION = {
    "preserved": "preserved: the shift can be undone exactly, up to rounding",
    "reduced": "reduced: undoing the shift brings back a part",
    "destroyed": "destroyed: only what ignores position survives",
}
PAIRINGS = {
    "same_order": "the same images in the same order",
    "reordered": "the same images in another order",
    "unpaired": "no image of one set was found in the other",
}
ACCURACIES = {
    "reproduced": "remade",
    "restored_with_partner": "restored with partners",
    "restored_blind": "restored without",
}


def plain(found: Diagnosis) -> str:
    """The diagnosis for a terminal, at most 100 characters wide.

    >>> from shiftassay.imagesets.dataset import load_dataset
    >>> from shiftassay.diagnosis.diagnose import diagnose
    >>> digits = load_dataset("mnist").test.first(50)
    >>> print(plain(diagnose(digits, digits)))
    Verdict: identity; confidence 99%.
      images       the same images in the same order
      information  preserved: the shift can be undone exactly, up to rounding
    """
    facts = {"images": pairing(found)}
    if found.verdict.information:
        facts["information"] = INFORMATION[found.verdict.information]
    if found.evaluations:
        facts["accuracy"] = "\n".join(map(str, found.evaluations))
    if found.accuracy is not None and (made := proved(found)):
        facts["proof"] = made
    if found.verdict.equivalent:
        facts["equivalent"] = ", ".join(found.verdict.equivalent)
    lines = _wrapped(f"Verdict: {verdict(found)}")
    for name, said in facts.items():
        for place, line in enumerate(said.split("\n")):
            lines += _wrapped(f"  {name if place == 0 else '':<11}  {line}", 15)
    said = reasons(found)
    if said and (sample := sampled(found)):
        lines += _wrapped(f"Why, measured {sample}:")
    for reason in said:
        lines += _wrapped(f"- {reason}", 2)
    return "\n".join(lines + _table(found))


def verdict(found: Diagnosis) -> str:
    """The shift with its numbers and their intervals, its scope, and how sure that is."""
    it = found.verdict
    said = in_words(it, it.intervals)
    if it.shift is None:
        said = "unknown, nothing in the catalogue makes this shift"
    touched = f"; it touched {percent(it.share)} of the images" if it.share < 1 else ""
    return f"{said}{touched}; confidence {_sure(it.confidence)}."


def pairing(found: Diagnosis) -> str:
    """Which image belongs to which."""
    said, share = PAIRINGS[found.pairing.kind], found.pairing.found
    if shared := found.pairing.shared:
        return f"{len(shared):,} of one set {'are' if len(shared) > 1 else 'is'} in the other too; no other was found there"
    return f"{said} ({percent(share)} found)" if share is not None and share < 1 else said


def proved(found: Diagnosis) -> str:
    """The model's accuracy with the shift made again and undone, and of how many images; nothing where neither could be done."""
    told = "" if found.accuracy is None else accuracies(found.accuracy)
    images, of = found.images.remade, max((e.n for e in found.evaluations), default=0)
    return f"{told} ({drawn(images, of)})" if told and images < of else told


def sampled(found: Diagnosis) -> str:
    """On what sample the reasons were measured; nothing where it was on all images."""
    images, of = found.images.mechanisms, max((e.n for e in found.evaluations), default=0)
    return drawn(images, of) if 0 < images < of else ""


def accuracies(accuracy: Accuracies) -> str:
    """What the model does with the shift made again, and undone.

    >>> accuracies(Accuracies(0.98, 0.5, reproduced=0.5, restored_with_partner=0.97))
    '50.00% remade → 97.00% restored with partners'
    """
    told = {name: getattr(accuracy, key) for key, name in ACCURACIES.items()}
    if told["restored with partners"] == told["restored without"]:
        told["restored"] = told.pop("restored with partners")
        del told["restored without"]
    return " → ".join(f"{100 * value:.2f}% {name}" for name, value in told.items() if value is not None)


def reasons(found: Diagnosis) -> list[str]:
    """Why the model did what it did, whether the change was aimed at it, and what can be reached, from what was measured."""
    said = [m.sentence for m in found.mechanisms if m.present][: SETTINGS.reasons]
    if found.adversarial is not None and found.adversarial.is_adversarial:
        said.insert(0, found.adversarial.sentence)
    if found.ceiling is not None:
        said.append(found.ceiling.sentence + "." * (not found.ceiling.sentence.endswith(".")))
    if found.pairing.kind == "unpaired":
        said.insert(0, found.explanation)
    return said


def left(candidate: CandidateSummary) -> str:
    """What a candidate leaves: a share of the change, or, where no image has a partner, a distance in sampling errors."""
    if candidate.unexplained is None:
        return f"{candidate.misfit:.1f} sampling errors"
    return percent(candidate.misfit) if candidate.misfit < 1 else "all"


def percent(share: float) -> str:
    """A share for a sentence, never rounded to all or none.

    >>> percent(0.438), percent(0.004), percent(0.0), percent(0.9999)
    ('44%', '0.4%', '0.0%', '> 99.9%')
    """
    if 0.999 < share < 1:
        return "> 99.9%"
    return f"{100 * share:.0f}%" if 0.1 <= share <= 0.99 or share == 1 else f"{100 * share:.1f}%"


def _sure(confidence: float) -> str:
    return "over 99%" if confidence > 0.995 else f"{100 * confidence:.0f}%"


def distinct(candidates: Sequence[CandidateSummary]) -> list[CandidateSummary]:
    """The candidates, of those that are made of the same families and scopes only the first."""
    kept: dict[Any, CandidateSummary] = {}
    for candidate in candidates:
        kept.setdefault(frozenset((p.family, p.scope) for p in candidate.parts), candidate)
    return list(kept.values())


def _table(found: Diagnosis) -> list[str]:
    """The nearest candidates and what each leaves; nothing where nothing had to be looked for."""
    if not found.candidates:
        return []
    rows = [(in_words(c), left(c)) for c in distinct(found.candidates)[:NEAREST]]
    column = max(len(said) for _, said in rows)
    room = WIDTH - column - 4
    lines = [f"Tried, {'nearest' if found.verdict.shift is None else 'best'} first, and what each leaves unexplained:"]
    for name, said in rows:
        head, *more = textwrap.wrap(name, room, subsequent_indent="  ", break_on_hyphens=False)
        lines.append(f"  {head:<{room}}  {said:>{column}}")
        lines += [f"  {line}" for line in more[:1]]
    return lines


def _wrapped(text: str, indent: int = 0) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)
