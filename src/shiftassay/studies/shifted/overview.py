"""The first screen of a study of shifted test sets: its title, and a row for each variant."""

from collections.abc import Mapping, Sequence

from shiftassay.evaluation.effect import HARMS, EffectOverSeeds
from shiftassay.evaluation.evaluate import Effect
from shiftassay.repairs.result import Outcome
from shiftassay.report.finding import Card, Figure, Overview, Row, Tone
from shiftassay.shifts.listing import families
from shiftassay.shifts.wording import in_short
from shiftassay.studies.shifted.answered_variant import OUTCOMES, VariantOutcome
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.studies.shifted.diagnosed_variant import DiagnosedVariant
from shiftassay.studies.shifted.sections.accuracy import KEY as ACCURACY
from shiftassay.studies.shifted.sections.variant_pages import page_key
from shiftassay.studies.shifted.sections.variant_table import samples_of
from shiftassay.words.lists import listed
from shiftassay.words.numbers import percent, points_with_interval

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MATTERS: dict[Effect, tuple[str, Tone]] = {
    "harmed": ("▼ accuracy lost", "bad"),
    "slightly harmed": ("▼ slightly lower", "bad"),
    "not shown to change": ("= no change shown", "plain"),
    "improved": ("▲ higher", "good"),
}
TONES: dict[Outcome, Tone] = {"nothing_to_repair": "good", "repaired": "action", "partly_repaired": "action"}


def title(effects: Mapping[str, Effect], became: Mapping[str, Outcome]) -> str:
    """How many of the shifts harm the network, and how many of these can be repaired.

    >>> title({"t1": "harmed", "t2": "slightly harmed", "t3": "improved"}, {"t1": "repaired", "t2": "no_repair_found"})
    'Two of three shifts harm this network, one of them slightly. One is repaired and one not at all.'
    """
    harmful = [name for name, effect in effects.items() if effect in HARMS]
    shifts = f"{_count(len(effects))} shift{'s' if len(effects) > 1 else ''}"
    if not harmful:
        return f"None of {shifts} is shown to harm this network."
    slightly = sum(effects[name] == "slightly harmed" for name in harmful)
    some = f", {_count(slightly)} of them slightly" if slightly else ""
    slight = " slightly" if slightly == len(harmful) else some
    harm = (
        f"{_count(len(harmful)).capitalize()} of {shifts} harm{'s' if len(harmful) == 1 else ''} this network{slight}."
    )
    outcomes = [became[name] for name in harmful if name in became]
    repaired, partly = outcomes.count("repaired"), outcomes.count("partly_repaired")
    counts = {"repaired": repaired, "in part": partly, "not at all": len(outcomes) - repaired - partly}
    clauses = [f"{_count(n)} {words}" for words, n in counts.items() if n]
    if not clauses:
        return harm
    count, _, words = clauses[0].partition(" ")
    verb = "is" if count == _count(1) else "are"
    first = {"repaired": "repaired", "in part": "repaired in part", "not at all": "not repaired"}[words]
    return f"{harm} {listed([f'{count.capitalize()} {verb} {first}', *clauses[1:]])}."


def overview(context: StudyContext, outcomes: Sequence[VariantOutcome]) -> Overview:
    """A row for each variant, of the first seed's model."""
    clean, *shifted = context.evaluations[0]
    became = {row.variant: row for row in outcomes}
    origins = {images.name: origin for images, origin in context.variants.sets}
    rows = []
    for evaluation in shifted:
        name = evaluation.name
        diagnosed, outcome = context.diagnoses.get(name), became.get(name)
        changed, known_as = (origins[name], "") if diagnosed is None else _changed(diagnosed)
        rows.append(
            Row(
                name=name,
                changed=changed,
                known_as=known_as,
                before=evaluation.accuracy,
                after=None if outcome is None or outcome.outcome == "nothing_to_repair" else outcome.after,
                matters=_matters(context.effects[name]),
                action=_action(outcome),
                target=ACCURACY if diagnosed is None else page_key(name),
                pictures=Figure("samples", samples_of(context.variants.clean.name, name), f"{name} beside clean"),
            )
        )
    return Overview(tuple(rows), clean.accuracy, 1 / context.dataset.classes, _note(context, outcomes))


def _changed(diagnosed: DiagnosedVariant) -> tuple[str, str]:
    """What changed in plain words, and its name in the catalogue."""
    verdict = diagnosed.diagnosis.verdict
    if verdict.family not in families() or len(verdict.parts) > 1:
        return ("Nothing in the catalogue makes it", "unknown") if verdict.shift is None else (in_short(verdict), "")
    what = families()[verdict.family].split(";")[0].split(". ")[0].removesuffix(".")
    each = {"shared": ", the same for all images", "per_image": ", afresh for each image", None: ""}[verdict.scope]
    return what, f"{verdict.family}{each}"


def _matters(effect: EffectOverSeeds) -> Card:
    answer, tone = MATTERS[effect.effect]
    change = effect.comparison
    if change.equivalent and not effect.harms:
        answer, tone = "= no harm", "good"
    detail = f"{points_with_interval(change.difference, 1, sign=True)} points"
    return Card("Does it matter", answer, detail, tone)


def _action(outcome: VariantOutcome | None) -> Card:
    question = "What to do"
    if outcome is None:
        return Card(question, "Not asked")
    answer = OUTCOMES[outcome.outcome]
    tone = TONES.get(outcome.outcome, "plain")
    if outcome.change is not None and outcome.outcome != "nothing_to_repair":
        attacked = ", under a fresh attack" if outcome.after_is_attacked else ""
        detail = f"{outcome.repair}: {percent(outcome.change.after.estimate, 1)} of {outcome.judged_on:,}{attacked}"
    elif outcome.ceiling is not None and tone == "plain":
        detail = f"the best possible is estimated near {percent(outcome.ceiling.estimate, 1)}"
    else:
        detail = ""
    return Card(question, answer[0].upper() + answer[1:], detail, tone)


def _note(context: StudyContext, outcomes: Sequence[VariantOutcome]) -> str:
    images = f"Open dot: accuracy as it is, on all {context.evaluations[0][0].n:,} images, with its 95% interval."
    judged = sorted({row.judged_on for row in outcomes if row.after is not None})
    after = f" Filled dot: after the repair, on {listed([f'{n:,}' for n in judged])} of them." if judged else ""
    attacked = "".join(
        f" {row.variant}'s is under fresh attacks, which left {percent(row.change.before.estimate, 1)} before it."
        for row in outcomes
        if row.after_is_attacked and row.change is not None
    )
    count = len(context.members)
    seeds = f" Dots: the model of training seed 0. Does it matter: the mean change over {count} training seeds."
    return images + after + attacked + (seeds if count > 1 else "")


def _count(n: int) -> str:
    return WORDS[n] if n < len(WORDS) else f"{n:,}"
