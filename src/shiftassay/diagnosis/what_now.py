"""What to do now: advice, code to paste, and both for a terminal, with commands to go on."""

import textwrap
from collections.abc import Sequence

from shiftassay.diagnosis.summary import CandidateSummary
from shiftassay.diagnosis.verdict import Verdict
from shiftassay.diagnosis.wording import WIDTH, wrapped
from shiftassay.shifts.code import literal
from shiftassay.shifts.identity import Identity
from shiftassay.words.numbers import percent

LONGEST = 40  # lines of code in a terminal
UNKNOWN = (
    "Nothing in the catalogue makes it: look at what the nearest candidate leaves, with the code below. Where that has "
    "a rule, write it down as a family of your own; a diagnosis in the same program then tries it too."
)
RESIDUAL = '''

def residual(reference, shifted):
    """What is left of pairs of images (n, c, h, w), black 0 and white 1, once the nearest shift is made again."""
    left = shifted - {remade}
    print("darker or brighter on average:", left.mean(), "spread:", left.std())
    print("row by row:", left.mean((0, 1, 3)).round(3))
    print("column by column:", left.mean((0, 1, 2)).round(3))
    return left  # look at some: matplotlib's imshow(left[0, 0], cmap="RdBu")


@FAMILIES.register("mine")
@dataclass(frozen=True)
class Mine(Shift):
    """Add an amount to every value: put here what the residual shows, and its parameters."""

    family: ClassVar[str] = "mine"
    group: ClassVar[str] = "intensity"
    why: ClassVar[str] = "Say in a sentence why this hurts a network."
    example: ClassVar[str] = "amount=0.1"
    information: ClassVar[str] = "reduced"
    estimator: ClassVar[LeastSquares] = LeastSquares()
    search: ClassVar[dict] = {{"amount": SearchRange((-0.2, 0.2), 0.01, -1.0, 1.0)}}

    amount: float

    def apply(self, images, rng, context=None):
        return np.clip(images + np.float32(self.amount), 0, 1)'''
IMPORTS = """from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shiftassay.shifts.estimation.fitting import LeastSquares
from shiftassay.shifts.family import FAMILIES, Shift
from shiftassay.shifts.parameters import SearchRange"""


def advice_on(verdict: Verdict) -> str:
    """What to do, in a few sentences."""
    if verdict.shift is None:
        return UNKNOWN
    some = f"Only {percent(verdict.share)} of the images were touched: this is for those. " if verdict.share < 1 else ""
    return some + verdict.shift.advice


def code_instead(verdict: Verdict, candidates: Sequence[CandidateSummary]) -> str | None:
    """Python to paste where there is no undo: a step of training, or a look at what is left.

    The latter is for an unknown shift. None where there is an undo, and where no code helps.
    """
    if verdict.shift is not None:
        return None if verdict.shift.undo_code is not None else verdict.shift.training_code
    by_misfit = [c.shift for c in sorted(candidates, key=lambda c: c.misfit)]
    nearest = next((shift for shift in by_misfit if shift is not None and not shift.needs_model), Identity())
    if isinstance(nearest, Identity):
        return IMPORTS + "\n" + RESIDUAL.format(remade="reference")
    remade = "NEAREST.apply(reference, np.random.default_rng(0))"
    imported = "from shiftassay.shifts.catalog import from_json\n"
    start = IMPORTS.replace("from shiftassay.shifts.estimation", f"{imported}from shiftassay.shifts.estimation")
    return f"{start}\n\nNEAREST = from_json({literal(nearest.to_json())})\n" + RESIDUAL.format(remade=remade)


def in_lines(advice: str, commands: Sequence[str], code: str | None) -> list[str]:
    """What to do now, for a terminal: advice, commands, and the code if it is not long."""
    lines = wrapped(f"What to do now: {advice}")
    lines += [f"  $ {command}" for command in commands]
    if code is None:
        return lines
    of_code = code.splitlines()
    if len(of_code) > LONGEST or max(map(len, of_code)) > WIDTH:
        return [*lines, f"Code to paste: {len(of_code)} lines, on the page of --report and in the file of --json."]
    return [*lines, "Code to paste:", *textwrap.indent(code, "    ").splitlines()]
