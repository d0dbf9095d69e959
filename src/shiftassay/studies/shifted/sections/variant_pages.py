"""A page for each variant: claim, evidence, other explanations, repair, limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shiftassay.evaluation.effect import effect_over_seeds
from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.records import Record
from shiftassay.repairs.result import Attempt, Repair
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.shifted.alternatives import Alternative, alternatives
from shiftassay.studies.shifted.best_found import BestFound, best_found
from shiftassay.studies.shifted.claim import claim, headline
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.diagnosed_variant import DiagnosedVariant
from shiftassay.studies.shifted.evidence import doubts, evidence, theory, why
from shiftassay.studies.shifted.sections import contrast_pages, one_for_all
from shiftassay.studies.shifted.variant_pictures import beyond_black_and_white, pictures_file
from shiftassay.words.lists import listed
from shiftassay.words.numbers import DASH, p_cell, percent, points_with_interval

KEY, TITLE, VERSION, PLACE = "variant-pages", "A page for each variant", 2, 40
FEWEST = 100  # images, below which nothing is diagnosed or repaired


@dataclass(frozen=True, eq=False)
class VariantPage(Record):
    """All that is known of a variant.

    `evaluations` are those of every seed's model on it. `best` is the best classifier that the study found for it.
    """

    name: str
    origin: str
    evaluations: tuple[Evaluation, ...]
    diagnosis: DiagnosedVariant
    repair: Repair
    best: BestFound | None = None


@dataclass(frozen=True, eq=False)
class VariantPages(Record):
    """The pages, and the number of images of each variant that has too few for one."""

    pages: tuple[VariantPage, ...]
    too_few: Mapping[str, int]


def measure(context: StudyContext) -> VariantPages | None:
    if context.study.argument is None:
        return None
    by_variant = {rows[0].name: rows for rows in zip(*context.evaluations, strict=True)}
    origins = {images.name: origin for images, origin in context.variants.sets}
    contrasts, served = contrast_pages.measure(context), one_for_all.measure(context)
    compared = contrasts.contrasts if contrasts else ()
    return VariantPages(
        pages=tuple(
            VariantPage(
                name,
                origins[name],
                by_variant[name],
                diagnosed,
                context.repairs[name],
                best_found(name, context.repairs[name], compared, served),
            )
            for name, diagnosed in context.diagnoses.items()
        ),
        too_few={i.name: len(i) for i in context.variants.shifted if i.name not in context.diagnoses},
    )


def findings(measured: VariantPages) -> list[Finding]:
    too_few = [
        Finding(
            page_key(name),
            f"{name}: too few images",
            (f"It has {images} images; with fewer than {FEWEST} nothing is diagnosed or repaired.",),
        )
        for name, images in measured.too_few.items()
    ]
    return [*map(page_finding, measured.pages), *too_few]


def page_key(name: str) -> str:
    """The key of a variant's page."""
    return f"variant-{name}"


def page_finding(page: VariantPage) -> Finding:
    """The page of one variant. Every sentence is composed from measurements."""
    effect, diagnosed, repair = effect_over_seeds(page.evaluations), page.diagnosis, page.repair
    others = alternatives(page.evaluations, diagnosed, repair)
    doubtful = doubts(diagnosed, others)
    sentences = (
        f"Claim: {claim(effect, page.evaluations[0], diagnosed)}",
        *evidence(diagnosed),
        *why(effect, diagnosed),
        *theory(diagnosed, repair.ceiling),
        _ruled_out(others),
        f"Repair: {repair.sentence}{_best(page)}",
        *([f"The evidence is thin: {'; '.join(doubtful)}."] if doubtful else []),
        *_limits(page),
    )
    explanations = Table(
        ("another explanation", "what was measured", "p, corrected", "ruled out"),
        tuple((o.explanation, o.number, p_cell(o.p_value), _answer(o)) for o in others),
        f"Of {diagnosed.images:,} images and the first seed's model, unless another number is given. Tests are "
        "corrected for their number (Holm) and ask for a margin: a control rules size out if it is shown to do less "
        "than four fifths of the harm. Rows without p are decided by what is counted in them. What a family leaves "
        "of the change is measured on images that it was not fitted to; families that leave 90% or more are not "
        "listed. At chance: less than a tenth of the accuracy above chance is left.",
        words=("what was measured",),
    )
    pictures = Figure(
        "samples",
        {"file": pictures_file(page.name), "names": list(diagnosed.pictures)},
        _caption(diagnosed.pictures),
    )
    return Finding(
        page_key(page.name),
        f"{page.name}: {headline(effect, diagnosed)}",
        sentences,
        (explanations, *([_repairs(repair)] if repair.attempts else [])),
        (pictures,),
        {
            "origin": page.origin,
            "effect": effect.to_json(),
            "diagnosis": diagnosed.to_json(),
            "repair": repair.to_json(),
            "alternatives": [other.to_json() for other in others],
        },
    )


def _best(page: VariantPage) -> str:
    """The lower end of the ceiling, where no repair was found."""
    if page.best is None or page.repair.chosen is not None or page.repair.outcome == "nothing_to_repair":
        return ""
    return f" The best classifier found anywhere in this study: {page.best}."


def _answer(other: Alternative) -> str:
    return "no evidence" if not other.evidence else "yes" if other.ruled_out else "no"


def _ruled_out(others: Sequence[Alternative]) -> str:
    """What else could explain the variant: what stays open first, with its number."""
    sentences = [f"Not ruled out: {_clause(o)} ({o.number})." for o in others if o.is_open]
    sentences += [f"No evidence on whether {_clause(o)} ({o.number})." for o in others if not o.evidence]
    ruled_out = [_clause(o) for o in others if o.evidence and o.ruled_out]
    if ruled_out:
        sentences.append(f"Ruled out, by the numbers in the table: {'; '.join(ruled_out)}.")
    return f"Other explanations. {' '.join(sentences)}"


def _clause(other: Alternative) -> str:
    return other.explanation[0].lower() + other.explanation[1:]


def _repairs(repair: Repair) -> Table:
    attacked = next((attempt.attacked for attempt in repair.attempts if attempt.attacked), None)
    budgets = [attempt.under_attack.budget for attempt in repair.attempts if attempt.under_attack]
    columns = [
        "repair",
        "on the variant, % [95%]",
        "change, points [95%]",
        "on clean, % [95%]",
        "parameters trained",
        "needs",
    ]
    unrepaired = ["none", points_with_interval(repair.variant), "", points_with_interval(repair.clean), "0", ""]
    rows = [unrepaired, *(_row(a, a.strategy == repair.recommended) for a in repair.attempts if a.strategy != "none")]
    if attacked:
        columns.insert(3, "under a fresh attack, % [95%]")
        unrepaired.insert(3, points_with_interval(attacked.before))
        for row, attempt in zip(rows[1:], (a for a in repair.attempts if a.strategy != "none"), strict=True):
            row.insert(3, points_with_interval(attempt.attacked.after) if attempt.attacked else DASH)
    skipped = "; ".join(f"{name} ({reason})" for name, reason in repair.skipped.items() if name != "none")
    caption = (
        f"Each repair is fitted to one half of {repair.attempts[0].variant.n:,} images and judged on the other, for "
        f"both halves; clean has {repair.attempts[0].clean.n:,} images. The model of one seed is repaired."
        + (f" Fresh attacks are made on {attacked.n:,} of the images, on each model anew." if attacked else "")
        + (f" They are {budgets[0]}; an image is right only if it survives all." if budgets else "")
        + (f" Not tried: {skipped}." if skipped else "")
    )
    return Table(tuple(columns), tuple(map(tuple, rows)), caption, words=("needs",))


def _row(attempt: Attempt, recommended: bool) -> list[str]:
    return [
        f"{attempt.strategy}{' (recommended)' if recommended else ''}: {attempt.what}",
        points_with_interval(attempt.variant.after),
        points_with_interval(attempt.variant.difference, sign=True),
        points_with_interval(attempt.clean.after),
        f"{attempt.cost.parameters_trained:,}",
        attempt.assumption,
    ]


def _limits(page: VariantPage) -> list[str]:
    diagnosed, repair = page.diagnosis, page.repair
    verdict, limits = diagnosed.diagnosis.verdict, []
    if diagnosed.images < diagnosed.set:
        limits.append(
            f"verdict and repair are of {diagnosed.images:,} of its {diagnosed.set:,} images, accuracy is of all"
        )
    if len(page.evaluations) == 1:
        limits.append("one trained model was measured; another seed may give other numbers")
    if verdict.share < 1:
        limits.append(f"the shift touched {percent(verdict.share)} of the images; which ones was estimated")
    unidentified = verdict.parameters.get("unidentified")
    if unidentified:
        limits.append(f"the source of {len(unidentified)} places is not identified: they look alike in these images")
    if diagnosed.is_attack:
        attacked = next((attempt.attacked.n for attempt in repair.attempts if attempt.attacked), 0)
        limits.append(
            f"a stronger attack may lower accuracy further; fresh attacks were made on {attacked:,} images"
            if attacked
            else "no repair was attacked afresh"
        )
    limits += [note.removesuffix(".") for note in (*diagnosed.diagnosis.notes, *repair.notes)]
    return [f"Limits: {'; '.join(limits)}."] if limits else []


def _caption(pictures: Mapping[str, tuple[float, float]]) -> str:
    wide = [
        f"{row} from {low:.3g} to {high:.3g}"
        for row, (low, high) in pictures.items()
        if beyond_black_and_white(low, high)
    ]
    caption = f"The first image of each class: {listed(list(pictures))}."
    return caption + (f" Rows drawn from their lowest to their highest value: {listed(wide)}." if wide else "")
