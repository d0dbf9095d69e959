"""The questions that a study of shifted test sets asks, each answered in at most six sentences."""

from collections.abc import Mapping, Sequence

from shiftassay.evaluation.effect import EffectOverSeeds
from shiftassay.evaluation.evaluate import Effect
from shiftassay.studies.shifted.answered_variant import OUTCOMES, VariantOutcome
from shiftassay.studies.shifted.contrast import Contrast
from shiftassay.studies.shifted.experiments.aim import AimExperiment
from shiftassay.studies.shifted.experiments.draws import DrawsExperiment
from shiftassay.studies.shifted.experiments.image_sizes import ImageSizes
from shiftassay.studies.shifted.experiments.shared_draw import SharedDrawExperiment
from shiftassay.studies.shifted.served_sentences import chosen_design
from shiftassay.studies.shifted.served_variants import ServedVariants
from shiftassay.studies.shifted.serving import FRESH
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import brackets, percent

MOST = 6  # sentences of an answer
EFFECTS: dict[Effect, str] = {
    "harmed": "Lower on",
    "slightly harmed": "Slightly lower on",
    "not shown to change": "No change is shown on",
    "improved": "Higher on",
}


def answers(
    rows: Sequence[VariantOutcome], contrasts: Sequence[Contrast], served: ServedVariants | None
) -> tuple[str, ...]:
    """Every question with its answer, a paragraph each."""
    asked = [
        ("How does accuracy change?", _changes(rows)),
        ("Why, or why not?", _why(rows)),
        ("Can it be repaired?", _repairs(rows)),
        *((f"What sets {c.names[0]} and {c.names[1]} apart?", _apart(c, rows)) for c in contrasts),
        *([("Can one model serve all variants?", _one_model(served))] if served else []),
    ]
    return tuple(f"{question} {' '.join(sentences[:MOST])}" for question, sentences in asked if sentences)


def headline(rows: Sequence[VariantOutcome]) -> str:
    """What came of the study, in one line."""
    effects = {row.variant: row.effect.effect for row in rows if row.effect is not None}
    harms = [
        *_said([name for name, effect in effects.items() if effect == "harmed"], "harms the model", "harm the model"),
        *_said(
            [name for name, effect in effects.items() if effect == "slightly harmed"],
            "harms the model slightly",
            "harm the model slightly",
        ),
    ]
    if not harms:
        return "No variant is shown to harm the model"
    became = {outcome: [row.variant for row in rows if row.outcome == outcome] for outcome in OUTCOMES}
    left = [*became["information_lost"], *became["cannot_be_repaired"], *became["no_repair_found"]]
    repairs = [
        *_said(became["repaired"], "is repaired", "are repaired"),
        *_said(became["partly_repaired"], "is repaired in part", "are repaired in part"),
        *_said(left, "is not", "are not"),
    ]
    return "; ".join(", ".join(clauses) for clauses in (harms, repairs) if clauses)


def _said(names: Sequence[str], of_one: str, of_several: str) -> list[str]:
    """A clause on these variants, if there are any."""
    return [f"{listed(names)} {of_one if len(names) == 1 else of_several}"] if names else []


def _changes(rows: Sequence[VariantOutcome]) -> list[str]:
    effects = [row.effect for row in rows if row.effect is not None]
    if not effects:
        return []
    first = effects[0]
    of = f"{first.images:,} images" + (f", mean of {first.seeds} seeds" if first.seeds > 1 else ", one seed")
    sentences = [f"On clean images it is {percent(1 - first.reference_errors, 1)} ({of})."]
    for effect, words in EFFECTS.items():
        names = [f"{e.name} ({_change(e)})" for e in effects if e.effect == effect]
        if names:
            sentences.append(f"{words} {listed(names)}.")
    return sentences


def _change(effect: EffectOverSeeds) -> str:
    change = effect.comparison
    accuracy = percent(1 - effect.reference_errors + change.difference.estimate, 1)
    errors = "" if change.error_ratio is None else f", {change.error_ratio.estimate:.3g} times the errors"
    within = f", shown to be within ±{100 * change.margin:g} points" if change.equivalent else ""
    return f"{accuracy}{errors}{within}"


def _why(rows: Sequence[VariantOutcome]) -> list[str]:
    several = len(rows) > MOST
    sentences = [f"{row.variant}: {row.why}." for row in rows[: MOST - several]]
    return sentences + ["The reasons for the other variants stand on their pages."] * several


def _repairs(rows: Sequence[VariantOutcome]) -> list[str]:
    several = len(rows) > MOST
    sentences = [_repair(row) for row in rows[: MOST - several]]
    return sentences + ["The repairs of the other variants stand in the table and on their pages."] * several


def _repair(row: VariantOutcome) -> str:
    change = row.change
    if row.outcome == "nothing_to_repair":
        return f"{row.variant} needs no repair."
    if change is not None:
        attacked = " under fresh attacks" if row.after_is_attacked else ""
        fully = "yes" if row.outcome == "repaired" else "in part"
        return (
            f"{row.variant}: {fully}, by {row.repair}: accuracy{attacked} goes from "
            f"{percent(change.before.estimate, 1)} to {percent(change.after.estimate, 1)} of {change.n:,} images."
        )
    best = f"; the best classifier found in this study is {row.best}" if row.best else ""
    if row.outcome == "cannot_be_repaired":
        return f"{row.variant}: no. Its labels contradict each other, so no classifier can be right on all{best}."
    ceiling = f", and the ceiling is estimated near {percent(row.ceiling.estimate, 1)}" if row.ceiling else ""
    clean = f" that comes near the {percent(1 - row.effect.reference_errors, 1)} on clean images" if row.effect else ""
    return f"{row.variant}: no repair was found{clean}{best}{ceiling}."


def _apart(contrast: Contrast, rows: Sequence[VariantOutcome]) -> list[str]:
    """What theory says of both variants, and what the experiments on their difference say."""
    of = {row.variant: row for row in rows if row.variant in contrast.names}
    theory = [f"{name}: {row.theory}" for name, row in of.items() if row.theory]
    if contrast.draws:
        return [*theory, *_from_scratch(contrast.shared_draw), _draws(contrast.draws)]
    if contrast.aim:
        return [*theory, *_agreement(of), *_image_sizes(contrast.image_sizes), *_aim(contrast.aim)]
    (one, other), (a, b) = contrast.names, (side.estimate for side in contrast.unmodified.accuracy)
    return [
        f"The unmodified model is right on {percent(a, 1)} of {one} and {percent(b, 1)} of {other}.",
        *theory,
        "They differ in more than one thing, so no experiment isolates the difference.",
    ]


def _from_scratch(experiment: SharedDrawExperiment | None) -> list[str]:
    """Networks that are trained under the shared draw, beside the same trained on clean images."""
    if experiment is None or not experiment.networks:
        return []
    trained = [
        f"{percent(network.under_draw.estimate, 1)} for {network.network} (clean {percent(network.clean.estimate, 1)})"
        for network in experiment.networks
    ]
    return [
        f"Trained from scratch on {experiment.training_images:,} images under {experiment.name}'s draw, accuracy is "
        f"{listed(trained)}, on {experiment.test_images:,} test images and {plural(experiment.seeds, 'seed')}."
    ]


def _image_sizes(experiment: ImageSizes | None) -> list[str]:
    """How the ratio of aimed to random effects grows with the number of pixels."""
    if experiment is None or not experiment.exponents:
        return []
    mean = sum(experiment.exponents) / len(experiment.exponents)
    within = brackets(experiment.exponent, scale=1) if experiment.exponent else "one seed"
    sizes = listed([str(size.side) for size in experiment.sizes])
    return [
        f"The ratio of aimed to random effects, ‖g‖₁/‖g‖₂, grows with the number of pixels d like d to the power "
        f"{mean:.2f} ({within}; images of side {sizes}, {experiment.images:,} each); √d would be 0.50."
    ]


def _agreement(rows: Mapping[str, VariantOutcome]) -> list[str]:
    measured = [f"{percent(row.agreement)} on {name}" for name, row in rows.items() if row.agreement is not None]
    if len(measured) < len(rows):
        return []
    return [f"Measured, g·δ is {listed(measured)} of Σ|g||δ|, the most that changes of these sizes could do."]


def _draws(experiment: DrawsExperiment) -> str:
    rows = experiment.with_most_images
    first, last = rows[0], rows[-1]
    draws = "one draw shared by all images" if first.draws == 1 else f"{first.draws} draws for all images"
    return (
        f"Trained on {first.training_images:,} images shifted likewise, the network reaches "
        f"{percent(first.learned.estimate, 1)} where {draws} has to be learned and {percent(last.learned.estimate, 1)} "
        f"with a fresh draw for each image ({experiment.images:,} test images, one seed)."
    )


def _aim(experiment: AimExperiment) -> list[str]:
    first, last = experiment.mixed[0], experiment.mixed[-1]
    sentences = [
        f"With every pixel changed as in {experiment.unaimed}, accuracy is {percent(first.accuracy.estimate, 1)}; "
        f"changed as in {experiment.aimed}, {percent(last.accuracy.estimate, 1)} (L∞ {first.linf:.3g} and "
        f"{last.linf:.3g}, {experiment.images:,} images)."
    ]
    as_much = next((row for row in experiment.larger if row.accuracy.estimate <= last.accuracy.estimate), None)
    if as_much is not None and as_much.times > 1:
        sentences.append(
            f"The change of {experiment.unaimed} does as much harm once it is {as_much.times} times as large "
            f"({percent(as_much.accuracy.estimate, 1)})."
        )
    elif as_much is None:
        largest = experiment.larger[-1]
        sentences.append(
            f"The change of {experiment.unaimed} does less harm even at {largest.times} times its size "
            f"({percent(largest.accuracy.estimate, 1)})."
        )
    return sentences


def _one_model(served: ServedVariants) -> list[str]:
    chosen = chosen_design(served)
    design = served.designs[chosen]
    more = design.parameters - served.plain_parameters
    added = plural(more, "parameter") if more else "no parameters"
    of = f"{served.images:,} images each, {plural(served.seeds, 'seed')}"
    on_file = [f"{percent(design.accuracy[name].estimate, 1)} on {name}" for name in served.variants]
    sentences = [
        f"We take {chosen}, which is told the variant of each image; it adds {added}.",
        f"Its accuracy is {listed(on_file)} ({of}).",
    ]
    fresh: Mapping[str, float] = {
        column.removesuffix(FRESH): accuracy.estimate
        for column, accuracy in design.accuracy.items()
        if column.endswith(FRESH)
    }
    if fresh:
        attacked = [f"{percent(accuracy, 1)} on {name}" for name, accuracy in fresh.items()]
        sentences.append(
            f"Under fresh attacks on this very model it is {listed(attacked)} ({served.attacked:,} images each)."
        )
    routed = [f"{percent(right.estimate, 1)} of {name}" for name, right in served.router.accuracy.items()]
    sentences.append(
        f"Where the variant is not told, a small network infers it: it is right on {listed(routed)} "
        f"({served.asked:,} images each)."
    )
    return sentences
