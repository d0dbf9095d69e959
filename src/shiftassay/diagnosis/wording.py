"""The parts of a diagnosis in words: what the terminal, a notebook and a page say alike."""

import textwrap
from collections.abc import Iterable, Sequence

from shiftassay.diagnosis.pairing.pair import Pairing
from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.shifts.parameters import Parameters
from shiftassay.shifts.wording import Described, in_words
from shiftassay.words.numbers import percent

WIDTH = 100
NEAREST = 5  # candidates in a table
INFORMATION = {
    "preserved": "preserved: the shift can be undone exactly, up to rounding",
    "reduced": "reduced: some of it is lost for good",
    "destroyed": "destroyed: only what ignores position survives",
}
PAIRINGS = {
    "same_order": "the same images in the same order",
    "by_name": "the same images by their file names",
    "reordered": "the same images in another order",
    "unpaired": "no image of one set was found in the other",
}


def verdict_in_words(shift: Described | None, intervals: Parameters, share: float, confidence: float) -> str:
    """A verdict in one line: the shift, the share of images that changed, and its confidence.

    The shift has its numbers, their intervals, and its scope.

    >>> verdict_in_words(None, {}, 0.25, 0.9)
    'unknown, nothing in the catalogue makes this shift; it touched 25% of the images; confidence 90%'
    """
    name = "unknown, nothing in the catalogue makes this shift" if shift is None else in_words(shift, intervals)
    touched = f"; it touched {percent(share)} of the images" if share < 1 else ""
    return f"{name}{touched}; confidence {confidence_in_words(confidence)}"


def confidence_in_words(confidence: float) -> str:
    """A probability, of which more than two digits are not known.

    >>> confidence_in_words(0.87), confidence_in_words(0.998)
    ('87%', 'over 99%')
    """
    whole = round(100 * confidence)
    return "over 99%" if whole == 100 else f"{whole}%"


def pairing_in_words(pairing: Pairing) -> str:
    """Which image belongs to which."""
    if shared := pairing.shared:
        are = "are" if len(shared) > 1 else "is"
        return f"{len(shared):,} of one set {are} in the other too; no other was found there"
    share = pairing.partnered
    return PAIRINGS[pairing.kind] + (f" ({percent(share)} found)" if share is not None and share < 1 else "")


def unexplained_in_words(misfit: float, paired: bool = True) -> str:
    """What a candidate leaves unexplained.

    A share of the change or, without partners, a distance in sampling errors.

    >>> unexplained_in_words(0.034), unexplained_in_words(1.2), unexplained_in_words(3.14, paired=False)
    ('3.4%', 'all', '3.1 sampling errors')
    """
    if not paired:
        return f"{misfit:.1f} sampling errors"
    return percent(misfit) if misfit < 1 else "all"


def on_sample(some: int, of: int) -> str:
    """That a number was measured on a sample.

    >>> on_sample(2000, 10_000)
    'on 2,000 of the 10,000 images, drawn at random'
    """
    return f"on {some:,} of the {of:,} images, drawn at random"


def distinct(candidates: Iterable[CandidateSummary]) -> list[CandidateSummary]:
    """The first candidate of each set of families and scopes, by what it leaves unexplained."""
    kept: dict[frozenset[tuple[str, str | None]], CandidateSummary] = {}
    for candidate in candidates:
        kept.setdefault(frozenset((p.family, p.scope) for p in candidate.parts), candidate)
    return sorted(kept.values(), key=lambda candidate: candidate.misfit)


def table_of(candidates: Sequence[CandidateSummary]) -> list[str]:
    """Lines of the nearest candidates, and of the first, sorted by what each leaves unexplained."""
    ordered = distinct(candidates)
    best = [c for i, c in enumerate(ordered) if i < NEAREST or c is candidates[0]]
    rows = [(in_words(c), unexplained_in_words(c.misfit, c.unexplained is not None)) for c in best]
    column = max((len(unexplained) for _, unexplained in rows), default=0)
    room, lines = WIDTH - column - 4, []
    for name, unexplained in rows:
        head, *more = textwrap.wrap(name, room, subsequent_indent="  ", break_on_hyphens=False)
        lines.append(f"  {head:<{room}}  {unexplained:>{column}}")
        lines += [f"  {line}" for line in more]
    return lines


def fact(name: str, text: str) -> list[str]:
    """Lines of a fact beside its name; each line of the text starts a new one."""
    lines = text.split("\n")
    return [
        part
        for place, line in enumerate(lines)
        for part in wrapped(f"  {name if place == 0 else '':<11}  {line}", indent=15)
    ]


def wrapped(text: str, indent: int = 0) -> list[str]:
    """Lines of at most 100 characters, all but the first indented."""
    return textwrap.wrap(text, WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)
