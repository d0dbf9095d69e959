"""One model for all variants, in sentences."""

from shiftassay.studies.shifted.served_variants import ServedVariants
from shiftassay.studies.shifted.serving import FRESH, SPECIALISTS
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import percent, percent_with_interval, points, points_with_interval

LEARNED = 0.5  # accuracy on clean images below which a model has learned too little to compare designs by
CLOSE = 0.005  # of a specialist's accuracy: the study's own margin
MARGIN = f"{100 * CLOSE:g} points"


def chosen_design(served: ServedVariants) -> str:
    """The single model with the highest mean accuracy on held-out images.

    It is the first where none were held out.
    """
    single = {name: list(d.held_out.values()) for name, d in served.designs.items() if name != SPECIALISTS}
    return max(single, key=lambda name: sum(single[name]))


def served_sentences(served: ServedVariants, chosen: str) -> list[str]:
    """What the chosen design costs, and how it compares with the others.

    Besides, what attacks, wrong ids and inferred ids do to it.
    """
    design = served.designs[chosen]
    clean, accuracy = next(iter(design.accuracy.items()))
    if accuracy.estimate < LEARNED:
        return [
            f"Nothing can be said: after so little training the best design, {chosen}, is right on "
            f"{percent_with_interval(accuracy)} of {clean} images, so it has not learned its task. Train for longer."
        ]
    others = [name for name in served.designs if name not in (chosen, SPECIALISTS)]
    more = design.parameters / served.plain_parameters - 1
    size = f"{percent(more, 1)} more than" if more else "as many as"
    beside = f" (against {listed(others)})" if others else ""
    return [
        f"{chosen} is the single model that does best on held-out training images{beside}: {design.parameters:,} "
        f"parameters, {size} the plain network, and {design.for_one_more:,} for one more variant; "
        f"{plural(served.seeds, 'seed')}, {served.epochs} epochs of training images that are each shown as one of the "
        "variants.",
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
    """Where accuracy moves by more than the margin if the chosen design replaces another."""
    if other not in served.designs or chosen == other:
        return []
    before, after = (served.designs[design].accuracy for design in (other, chosen))
    ends = {column: (before[column].estimate, after[column].estimate) for column in after}
    moved = [
        f"{column} from {percent(a, 1)} to {percent(b, 1)}" for column, (a, b) in ends.items() if abs(b - a) > CLOSE
    ]
    stays = [column for column, (a, b) in ends.items() if abs(b - a) <= CLOSE]
    if not moved:
        return [f"Against {description} nothing moves by more than {MARGIN}."]
    rest = f"; it stays within {MARGIN} on {listed(stays)}" if stays else ""
    return [f"Against {description} accuracy goes on {listed(moved)}{rest}."]


def _against_specialists(served: ServedVariants, chosen: str) -> list[str]:
    differences = served.designs[chosen].minus_specialists
    if differences is None:
        return []
    shown, near, below = [], [], []
    for column, interval in differences.items():
        if interval.low > -CLOSE:
            shown.append(column)
        elif interval.estimate >= -CLOSE:
            near.append(column)
        else:
            below.append(f"{column} ({points_with_interval(interval, sign=True)})")
    alone = "" if served.seeds > 1 else " (one seed: these models, not what other seeds would give)"
    sentences = []
    if shown:
        sentences.append(
            f"One model in place of {len(served.variants)}: it is shown to be at most {MARGIN} below the specialists "
            f"on {listed(shown)}{alone}."
        )
    if near:
        sentences.append(
            f"On {listed(near)} it is within {MARGIN} of them as measured, which its interval does not show."
        )
    if below:
        sentences.append(f"It is more than {MARGIN} below the specialist on {listed(below)}.")
    accuracy, of_specialist = (served.designs[design].accuracy for design in (chosen, SPECIALISTS))
    sentences += [
        f"{name} cannot be repaired, so its specialist is the measure: it has "
        f"{percent_with_interval(of_specialist[name])} from what the shift leaves, the one model "
        f"{percent_with_interval(accuracy[name])}."
        for name, variant in served.variants.items()
        if variant.information == "destroyed"
    ]
    return sentences


def _attacks(served: ServedVariants, chosen: str) -> list[str]:
    accuracy = served.designs[chosen].accuracy
    fresh = {column.removesuffix(FRESH): column for column in accuracy if column.endswith(FRESH)}
    return [
        f"{name} as a file, which was made on another model: {percent_with_interval(accuracy[name])}. Attacked afresh, "
        f"every image by two attacks on this very model: {percent_with_interval(accuracy[column])} of {served.asked:,} "
        "images."
        for name, column in fresh.items()
    ]


def _wrong_ids(served: ServedVariants, chosen: str) -> list[str]:
    by_id = served.designs[chosen].wrong_id or {}
    worst = {
        name: min((accuracy, wrong) for wrong, accuracy in row.items() if wrong != name)
        for name, row in by_id.items()
        if len(row) > 1
    }
    hurt = {name: end for name, end in worst.items() if by_id[name][name] - end[0] > CLOSE}
    if not hurt:
        return ["A wrong id does no harm: no variant loses more than half a point under any other."]
    spared = [name for name in worst if name not in hurt]
    harms = "; ".join(
        f"{name} told to be {wrong}, {points(by_id[name][name], 1)} → {percent(accuracy, 1)}"
        for name, (accuracy, wrong) in hurt.items()
    )
    return [f"A wrong id hurts, at worst: {harms}." + (f" No other id hurts {listed(spared)}." if spared else "")]


def _inferred_ids(served: ServedVariants, chosen: str) -> list[str]:
    router, design = served.router, served.designs[chosen]
    if design.inferred is None or design.wrong_id is None:
        return []
    accuracies = ", ".join(f"{name} {percent(accuracy, 1)}" for name, accuracy in router.accuracy.items())
    lost = {name: design.wrong_id[name][name] - accuracy for name, accuracy in design.inferred.items()}
    worst = max(lost, key=lambda name: lost[name])
    end = (
        f"with its ids the one model loses most on {worst}, {points(lost[worst], 1)} points"
        if lost[worst] > CLOSE
        else f"with its ids the one model loses at most {points(max(lost[worst], 0))} points on any variant"
    )
    return [
        f"Where nobody tells the id, a router of {router.parameters:,} parameters infers it from the image "
        f"({accuracies}); {end}."
    ]
