"""The answers to all questions of the study, and its variants in one table."""

from dataclasses import dataclass

from shiftassay.records import Record
from shiftassay.report.finding import Finding, Table
from shiftassay.studies.shifted.answered_variant import VariantOutcome, outcome_of
from shiftassay.studies.shifted.best_found import best_found
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.contrast import Contrast
from shiftassay.studies.shifted.questions import answers, headline
from shiftassay.studies.shifted.sections import contrast_pages, one_for_all
from shiftassay.studies.shifted.served_variants import ServedVariants

KEY, TITLE, VERSION, PLACE = "answers", "The answers", 2, 5
COLUMNS = ("variant", "effect on accuracy", "verdict", "why", "repair", "before → after, % [95%]")


@dataclass(frozen=True, eq=False)
class Outcomes(Record):
    """What became of each variant, and what other sections measured that answers a question."""

    answers: tuple[VariantOutcome, ...]
    contrasts: tuple[Contrast, ...] = ()
    served: ServedVariants | None = None


def measure(context: StudyContext) -> Outcomes | None:
    """The sections that are read here measure once, whoever asks first."""
    if not context.diagnoses:
        return None
    contrasts = contrast_pages.measure(context)
    compared = contrasts.contrasts if contrasts else ()
    served = one_for_all.measure(context)
    first = {evaluation.name: evaluation for evaluation in context.evaluations[0]}
    rows = []
    for name, diagnosed in context.diagnoses.items():
        repair = context.repairs[name]
        best = best_found(name, repair, compared, served)
        rows.append(outcome_of(context.effects[name], first[name], diagnosed, repair, best))
    return Outcomes(tuple(rows), compared, served)


def findings(measured: Outcomes) -> list[Finding]:
    """The finding that the report begins with."""
    rows = measured.answers
    table = Table(
        COLUMNS,
        tuple(row.cells for row in rows),
        "Each has a page below. Verdict, why and repair are of the first seed's model. Before and after are of the "
        "same images; a fresh attack is made on either model in the same way.",
        words=COLUMNS[1:],
    )
    sentences = answers(rows, measured.contrasts, measured.served)
    numbers = {"answers": [row.to_json() for row in rows]}
    return [Finding(KEY, headline(rows), sentences, (table,), numbers=numbers)]
