"""What a diagnosis answers at first sight: a title, four cards, and code to paste."""

from collections.abc import Sequence
from dataclasses import replace

from shiftassay.diagnosis.pictures import Pictures
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.diagnosis.wording import (
    confidence_in_words,
    distinct,
    on_sample,
    unexplained_in_words,
)
from shiftassay.evaluation.evaluate import Comparison
from shiftassay.report.finding import Card, Code, Tone
from shiftassay.shifts.family import FAMILIES
from shiftassay.shifts.listing import families
from shiftassay.shifts.wording import as_known, in_short, in_words
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import brackets, number, percent, points
from shiftassay.words.shifts import SCOPES

LONGEST_NAME = 56  # letters of a shift in the title
LONGEST_CODE = 20_000  # letters of code on a page


def title(diagnosis: Diagnosis) -> str:
    """What happened, and what it costs."""
    name = _name(diagnosis)
    happened = f"{name[0].upper()}{name[1:]}"
    if diagnosis.verdict.shift is None:
        happened = "An unknown change: nothing in the catalogue makes it"
    elif diagnosis.verdict.family == "identity":
        happened = "Nothing changed"
    return f"{happened}. {_cost(diagnosis)}".rstrip()


def cards(diagnosis: Diagnosis, shown: Pictures, has_model: bool) -> tuple[Card, ...]:
    """What happened, how sure that is, whether it matters, and what to do now."""
    four = _happened(diagnosis), _sure(diagnosis), _matters(diagnosis, shown, has_model), _now(diagnosis)
    return tuple(replace(card, detail=_capital(card.detail)) for card in four)


def code(diagnosis: Diagnosis) -> tuple[Code, ...]:
    """Commands to go on with, and code to paste: what the diagnosis says of both."""
    commands = "\n".join(f"$ {command}" for command in diagnosis.commands)
    blocks = [Code("Go on with", commands)] if commands else []
    undo, instead = diagnosis.code, diagnosis.code_instead
    text = undo or instead
    if text is not None and len(text) > LONGEST_CODE:
        text = None
        blocks.append(Code("Undo it", "--json FILE", "The code is too long for a page: a diagnosis as JSON has it."))
    if text is not None:
        titled = (
            _undoing(diagnosis)
            if undo
            else "Look at what is left"
            if diagnosis.verdict.shift is None
            else "Train with it"
        )
        blocks.append(Code(titled, text, "Pictures have 0 for black and 1 for white."))
    return tuple(blocks)


def _name(diagnosis: Diagnosis) -> str:
    """The shift as a person says it."""
    whole = in_words(diagnosis.verdict, brief=True)
    return whole.replace("_", " ") if len(whole) <= LONGEST_NAME else as_known(diagnosis.verdict)


def _change(diagnosis: Diagnosis) -> Comparison | None:
    return diagnosis.evaluations[1].comparison if len(diagnosis.evaluations) > 1 else None


def _cost(diagnosis: Diagnosis) -> str:
    change = _change(diagnosis)
    if change is not None:
        size = f"{points(abs(change.difference.estimate), 1)} points"
        words = {
            "harmed": f"It costs {size} of accuracy.",
            "slightly harmed": f"It costs {size} of accuracy.",
            "improved": f"Accuracy is {size} higher.",
            "not shown to change": "No loss of accuracy is shown.",
        }[change.effect]
        return words + _regained(diagnosis)
    if diagnosis.agreement is not None:
        return f"The model answers {percent(1 - diagnosis.agreement.shifted, 1)} of the images in another way."
    return "What it costs was not measured."


def _regained(diagnosis: Diagnosis) -> str:
    """What undoing brings back, of accuracy that was lost."""
    accuracy, change = diagnosis.accuracy, _change(diagnosis)
    if accuracy is None or accuracy.restored_blind is None or change is None or "harmed" not in change.effect:
        return ""
    if diagnosis.verdict.family == "identity":
        return ""
    return f" Undone, it is {percent(accuracy.restored_blind, 1)}."


def _happened(diagnosis: Diagnosis) -> Card:
    verdict = diagnosis.verdict
    question = "What happened"
    if verdict.shift is None:
        nearest = distinct(diagnosis.candidates)[:1]
        detail = f"nearest is {in_short(nearest[0])}, which {_leaves(nearest[0])}" if nearest else ""
        return Card(question, "Not in the catalogue", detail)
    if verdict.family == "identity":
        return Card(question, "Nothing", "the pictures of both sets are the same, but for chance")
    what = families().get(verdict.family, "") if len(verdict.parts) == 1 else ""
    scope = SCOPES[verdict.scope].removeprefix(", ")
    details = [
        what.removesuffix("."),
        in_words(verdict, verdict.intervals) if verdict.intervals or len(verdict.parts) > 1 else scope,
        f"it touched {percent(verdict.share)} of the images" if verdict.share < 1 else "",
    ]
    detail = ": ".join(part for part in (details[0], _joined(details[1:])) if part)
    return Card(question, _capital(as_known(verdict, scopes=False)), detail)


def _sure(diagnosis: Diagnosis) -> Card:
    verdict, candidates = diagnosis.verdict, distinct(diagnosis.candidates)
    own = {part.family for part in verdict.parts}
    details = []
    mine = next((c for c in candidates if {part.family for part in c.parts} == own), None)
    if mine is not None and verdict.family != "identity":
        details.append(f"made again, it {_leaves(mine)}")
    rival = next((c for c in candidates if {part.family for part in c.parts} != own), None)
    if rival is not None:
        place = "nearest" if verdict.shift is None else "nearest other"
        details.append(f"{place}, {in_short(rival)}, {_leaves(rival)}")
    details += [
        f"{check.check}: {percent(check.value)} (of two remakes {percent(check.null)})" for check in diagnosis.proof
    ]
    if verdict.equivalent:
        details.append(f"as good: {', '.join(verdict.equivalent)}")
    tone: Tone = "good" if verdict.confidence >= 0.9 else "plain"
    return Card("How sure", _capital(confidence_in_words(verdict.confidence)), _joined(details), tone)


def _matters(diagnosis: Diagnosis, shown: Pictures, has_model: bool) -> Card:
    question, change = "Does it matter", _change(diagnosis)
    if change is not None:
        before, after = (e.accuracy.estimate for e in diagnosis.evaluations)
        counts = (
            f"; {plural(change.lost, 'image')} lost, {change.gained or 0:,} gained" if change.lost is not None else ""
        )
        detail = f"{points(before)} → {percent(after, 2)} {brackets(change.difference)}{counts}: {change.effect}"
        harmed = "harmed" in change.effect
        tone: Tone = "bad" if harmed else "good" if change.equivalent or change.effect == "improved" else "plain"
        return Card(question, f"{points(change.difference.estimate, sign=True)} points", detail, tone)
    if diagnosis.agreement is not None:
        share = percent(1 - diagnosis.agreement.shifted, 2)
        detail = "of the images are answered in another way than their partners; labels would say which is right"
        return Card(question, f"{share} change", detail, "bad" if diagnosis.agreement.shifted < 1 else "good")
    size = f"the pictures change by {number(shown.change, 3)} of black to white on average" if shown.change else ""
    needed = (
        "accuracy needs labels of both sets, or images with partners"
        if has_model
        else "no model was asked: give one with --model"
    )
    return Card(question, "Not measured", _joined([needed, size]))


def _now(diagnosis: Diagnosis) -> Card:
    """What to do in a few words; below, what the diagnosis advises."""
    accuracy, n = diagnosis.accuracy, diagnosis.images.remade
    answer, tone = "Train with it", "action"
    if diagnosis.verdict.shift is None:
        answer = "Look at what is left"
    elif diagnosis.verdict.family == "identity":
        answer, tone = "Nothing", "good"
    elif diagnosis.code is not None and accuracy is not None and accuracy.restored_blind is not None:
        answer = f"{_undoing(diagnosis)}: {percent(accuracy.restored_blind, 1)}"
    elif diagnosis.code is not None:
        answer = _undoing(diagnosis)
    elif FAMILIES[diagnosis.verdict.shift.family].group == "sample":
        answer = "Look at how the set was made"
    of = diagnosis.evaluations[1].n if len(diagnosis.evaluations) > 1 else n
    some = f" Accuracy once undone is {on_sample(n, of)}." if "%" in answer and 0 < n < of else ""
    return Card("What now", answer, f"{diagnosis.advice}{some}", tone)


def _undoing(diagnosis: Diagnosis) -> str:
    """What to undo: all of it, or the parts that can be."""
    shift = diagnosis.verdict.shift
    parts = [] if shift is None else shift.components
    undoable = [part.family.replace("_", " ") for part in parts if part.known_undo is not None]
    return "Undo it" if len(undoable) == len(parts) else f"Undo {listed(undoable)}"


def _leaves(candidate: CandidateSummary) -> str:
    left = unexplained_in_words(candidate.misfit, candidate.unexplained is not None)
    return f"stays {left} away" if candidate.unexplained is None else f"leaves {left} of the change unexplained"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _joined(parts: Sequence[str]) -> str:
    return "; ".join(part for part in parts if part)
