"""One model for all variants, in sentences."""

from collections.abc import Mapping, Sequence
from math import sqrt

from shiftassay.statistics.intervals import Interval
from shiftassay.studies.shifted.served_variants import ServedVariants
from shiftassay.studies.shifted.serving import FRESH, SPECIALISTS
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import percent, percent_with_interval, points, points_with_interval

LEARNED = 0.5  # accuracy on clean images below which a model has learned too little to compare designs by
CLOSE = 0.005  # of a specialist's accuracy: the study's own margin
MARGIN = f"{100 * CLOSE:g} points"


def chosen_design(served: ServedVariants) -> str:
    """The single model to take: by images that were held out of training, never by a test set.

    The fewest parameters among those within one standard error of the best (Hastie, Tibshirani and Friedman 2009,
    section 7.10); the first where nothing was held out.
    """
    best = _best(served)
    near = _held_out(served, best) - _standard_error(served, best)
    within = [name for name in _single(served) if _held_out(served, name) >= near]
    return min(within, key=lambda name: (served.designs[name].parameters, -_held_out(served, name)))


def why_chosen(served: ServedVariants, chosen: str) -> str:
    """Which design to take, and why."""
    design, best = served.designs[chosen], _best(served)
    held_out = percent(_held_out(served, chosen), 2)
    others = [name for name in _single(served) if name != chosen]
    variants = plural(len(served.variants), "variant")
    over = f"Averaged over {variants}, it is right on {held_out} of held-out training images"
    if chosen == best:
        reason = over + (f", the best of {listed(_single(served))}" if others else "")
    else:
        reason = (
            f"{over}. The best, {best}, is right on {percent(_held_out(served, best), 2)}, which is no more than one "
            f"standard error better ({points(_standard_error(served, best))} points). Of the designs that come so "
            f"near, {chosen} has the fewest parameters"
        )
    more = design.parameters - served.plain_parameters
    size = f"adds {plural(more, 'parameter')}" if more else "adds no parameters"
    return (
        f"We choose {chosen}. {reason}. It {size} to the plain network's {served.plain_parameters:,}, and one more "
        f"variant would add {design.for_one_more:,}. {plural(served.seeds, 'seed')}, {served.epochs} epochs; each "
        f"training image appears in one of the forms at a time. Accuracies are of {served.images:,} images of each "
        "variant."
    )


def served_sentences(served: ServedVariants, chosen: str) -> list[str]:
    """What the chosen design costs, and how it compares with the others.

    Besides, what attacks, wrong ids and inferred ids do to it.
    """
    clean, accuracy = next(iter(served.designs[chosen].accuracy.items()))
    if accuracy.estimate < LEARNED:
        return [
            f"Nothing can be said: after so little training the best design, {chosen}, is right on "
            f"{percent_with_interval(accuracy)} of {clean} images, so it has not learned its task. Train for longer."
        ]
    return [
        why_chosen(served, chosen),
        *_fronts(served),
        *_against(served, chosen, "clean-only", "the same network trained on clean alone"),
        *_against(served, chosen, "mixture", "the same network trained on the mixture without being told the variant"),
        *_against_specialists(served, chosen),
        *_attacks(served, chosen),
        *_wrong_ids(served, chosen),
        *_inferred_ids(served, chosen),
    ]


def _fronts(served: ServedVariants) -> list[str]:
    fronts = [f"{name}, {v.front}" for name, v in served.variants.items() if v.front != "as it is"]
    if not fronts or not any(name.startswith("undo") for name in served.designs):
        return []
    return [f"What undo does before the network, by id and without parameters: {'; '.join(fronts)}."]


def _against(served: ServedVariants, chosen: str, other: str, description: str) -> list[str]:
    """Where accuracy is shown to move if the chosen design replaces another."""
    minus = served.designs[chosen].minus.get(other)
    if minus is None:
        return []
    shown = [
        f"{column} {points_with_interval(interval, sign=True)}"
        for column, interval in minus.items()
        if _differs(interval)
    ]
    rest = [column for column, interval in minus.items() if not _differs(interval)]
    if not shown:
        return [f"Against {description} no difference is shown."]
    unmoved = f"; on {listed(rest)} no difference is shown" if rest else ""
    return [f"Against {description}, in points: {'; '.join(shown)}{unmoved}."]


def _against_specialists(served: ServedVariants, chosen: str) -> list[str]:
    differences = served.designs[chosen].minus_specialists
    if differences is None:
        return []
    shown = [column for column, interval in differences.items() if interval.low > -CLOSE]
    below = [column for column, interval in differences.items() if interval.high < -CLOSE]
    open_ = [column for column in differences if column not in (*shown, *below)]
    alone = "" if served.seeds > 1 else " (one seed: these models, not what other seeds would give)"
    sentences = []
    if shown:
        errors = 1 - served.designs[SPECIALISTS].accuracy[next(iter(differences))].estimate
        share = f", {percent(CLOSE / errors)} of the specialist's errors on clean images" if errors > 0 else ""
        sentences.append(
            f"One model in place of {len(served.variants)}: it is shown to be at most {MARGIN} (the study's "
            f"margin{share}) below the specialists on {listed(shown)}{alone}."
        )
    if below:
        sentences.append(f"It is more than {MARGIN} below the specialist on {_with_points(below, differences)}.")
    if open_:
        sentences.append(f"Whether it is within {MARGIN} is not shown on {_with_points(open_, differences)}.")
    accuracy, of_specialist = (served.designs[design].accuracy for design in (chosen, SPECIALISTS))
    sentences += [
        f"{name} cannot be repaired, so its specialist is the measure: it has "
        f"{percent_with_interval(of_specialist[name])} from what the shift leaves, the one model "
        f"{percent_with_interval(accuracy[name])}."
        for name, variant in served.variants.items()
        if variant.information == "destroyed"
    ]
    return sentences


def _with_points(columns: Sequence[str], differences: Mapping[str, Interval]) -> str:
    return listed([f"{column} ({points_with_interval(differences[column], sign=True)})" for column in columns])


def _attacks(served: ServedVariants, chosen: str) -> list[str]:
    accuracy = served.designs[chosen].accuracy
    fresh = {column.removesuffix(FRESH): column for column in accuracy if column.endswith(FRESH)}
    return [
        f"{name} as a file, which was made on another model: {percent_with_interval(accuracy[name])} of "
        f"{served.images:,} images. Attacked afresh, every image by a set of attacks on this very model: "
        f"{percent_with_interval(accuracy[column])} of {served.attacked:,} images survive all."
        for name, column in fresh.items()
    ]


def _wrong_ids(served: ServedVariants, chosen: str) -> list[str]:
    """The ids that are shown to do harm: for each variant the worst."""
    by_id = served.designs[chosen].wrong_id or {}
    harms, spared = [], []
    for name, row in by_id.items():
        hurting = {wrong: accuracy for wrong, accuracy in row.items() if accuracy.minus_right_id.high < 0}
        if not hurting:
            spared.append(name)
            continue
        wrong = min(hurting, key=lambda other: hurting[other].estimate)
        right = points(row[name].estimate, 1)
        harms.append(f"{name} told to be {wrong}, {right} → {percent_with_interval(hurting[wrong], 1)}")
    if not harms:
        return [f"No wrong id is shown to do harm ({served.asked:,} images of each variant)."]
    end = f" No other id is shown to hurt {listed(spared)}." if spared else ""
    return [f"A wrong id hurts, at worst ({served.asked:,} images of each variant): {'; '.join(harms)}.{end}"]


def _inferred_ids(served: ServedVariants, chosen: str) -> list[str]:
    router, design = served.router, served.designs[chosen]
    if design.inferred is None:
        return []
    accuracies = ", ".join(f"{name} {percent_with_interval(right, 1)}" for name, right in router.accuracy.items())
    lost = {
        name: accuracy.minus_right_id for name, accuracy in design.inferred.items() if accuracy.minus_right_id.high < 0
    }
    end = "with its ids the one model is not shown to lose on any variant"
    if lost:
        worst = min(lost, key=lambda name: lost[name].estimate)
        change = points_with_interval(lost[worst], 1, sign=True)
        end = f"with its ids the one model loses most on {worst}, {change} points"
    return [
        f"Where nobody tells the id, a router of {router.parameters:,} parameters infers it from the image "
        f"({accuracies}, of {served.asked:,} images each); {end}."
    ]


def _differs(interval: Interval) -> bool:
    return interval.low > 0 or interval.high < 0


def _single(served: ServedVariants) -> list[str]:
    return [name for name in served.designs if name != SPECIALISTS]


def _best(served: ServedVariants) -> str:
    return max(_single(served), key=lambda name: _held_out(served, name))


def _held_out(served: ServedVariants, name: str) -> float:
    """A design's mean accuracy over variants, on training images that were held out."""
    accuracies = served.designs[name].held_out.values()
    return sum(accuracies) / max(len(accuracies), 1)


def _standard_error(served: ServedVariants, name: str) -> float:
    """That of a design's mean accuracy on held-out images."""
    shares = served.designs[name].held_out.values()
    if not shares or not served.held_out_images:
        return 0.0
    return sqrt(sum(share * (1 - share) for share in shares) / served.held_out_images) / len(shares)
