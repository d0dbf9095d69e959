"""An evaluation in plain words, for the terminal and the report alike."""

from collections.abc import Sequence

from shiftassay.evaluation.compare import Accuracies, ComparisonOfGroups, Pair
from shiftassay.evaluation.evaluate import Comparison, Evaluation
from shiftassay.words.numbers import brackets, minus, p_value, percent_with_interval


def sentence(evaluation: Evaluation) -> str:
    """What was measured on a set, and what that says against its reference."""
    change = evaluation.comparison
    if change is None:
        return f"{evaluation.name}: {percent_with_interval(evaluation.accuracy)}."
    points = minus(f"{100 * change.difference.estimate:+.2f}")
    held = f"{evaluation.name}: {percent_with_interval(evaluation.accuracy)}, {points} points {brackets(change.difference)}"
    if change.verdict == "equivalent":
        return (
            f"{held}: nothing happened that matters, the change is shown to be within ±{100 * change.margin:g} points."
        )
    if change.verdict == "undecided":
        return f"{held}: neither a change nor its absence can be shown with these images."
    return f"{held}: accuracy is {change.verdict}{_discordant(change)}."


def group_sentence(group: Accuracies) -> str:
    """A group's accuracy over its seeds."""
    n = len(group.accuracies)
    if group.interval is None or group.sd is None:
        return f"{group.name}: {100 * group.mean:.2f}% (one seed)."
    return f"{group.name}: {percent_with_interval(group.interval)}, sd {100 * group.sd:.2f} over {n} seeds."


def pair_sentence(pair: Pair, margin: float) -> str:
    """What a comparison of two groups says."""
    points = minus(f"{100 * pair.difference.estimate:+.3f}")
    of = "" if pair.over == "seeds" else " (one seed each: these two models, not their architectures)"
    held = f"{pair.first} − {pair.second}: {points} points {brackets(pair.difference, digits=3)}{of}"
    if pair.verdict == "equivalent" and pair.differs:
        return f"{held}: a difference is shown (p {p_value(pair.p_corrected)}), and that it is below {100 * margin:g} points (p {p_value(pair.equivalence_p)})."
    if pair.verdict == "equivalent":
        return f"{held}: equivalent, shown to be within ±{100 * margin:g} points (p {p_value(pair.equivalence_p)})."
    if pair.verdict == "undecided":
        return f"{held}: neither a difference (p {p_value(pair.p_corrected)}) nor equivalence (p {p_value(pair.equivalence_p)}) is shown."
    return f"{held}: {pair.first} is {pair.verdict} (p {p_value(pair.p_corrected)})."


def visible_sentence(found: ComparisonOfGroups) -> str:
    """How fine the comparison could see."""
    alone = [100 * pair.visible for pair in found.pairs if pair.visible is not None]
    corrected = [100 * pair.visible_corrected for pair in found.pairs if pair.visible_corrected is not None]
    if not alone:
        return "With one seed of a network nothing can be said of what another seed would do."
    return (
        f"The smallest difference that a pair's test finds four times in five is {_range(alone)} points, by the spread of the two, "
        f"and {_range(corrected)} at the level that {len(found.pairs)} pairs leave to each. Verdicts are for these {found.n:,} images; "
        "p-values are corrected after Holm."
    )


def _range(values: Sequence[float]) -> str:
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low} to {high}"


def _discordant(change: Comparison) -> str:
    if change.p_value is None:
        return ""
    return f" ({change.lost:,} images lost, {change.gained:,} gained, p\u00a0{p_value(change.p_value)})"
