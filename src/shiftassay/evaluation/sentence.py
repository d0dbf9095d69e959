"""An evaluation in plain words, for the terminal and the report alike."""

from shiftassay.evaluation.evaluate import Comparison, Evaluation
from shiftassay.statistics.intervals import Interval


def sentence(evaluation: Evaluation) -> str:
    """What was measured on a set, and what that says against its reference."""
    change = evaluation.comparison
    if change is None:
        return f"{evaluation.name}: {percent(evaluation.accuracy)}."
    points = minus(f"{100 * change.difference.estimate:+.2f}")
    held = f"{evaluation.name}: {percent(evaluation.accuracy)}, {points} points {brackets(change.difference)}"
    if change.verdict == "equivalent":
        return (
            f"{held}: nothing happened that matters, the change is shown to be within ±{100 * change.margin:g} points."
        )
    if change.verdict == "undecided":
        return f"{held}: neither a change nor its absence can be shown with these images."
    return f"{held}: accuracy is {change.verdict}{_discordant(change)}."


def _discordant(change: Comparison) -> str:
    if change.p_value is None:
        return ""
    return f" ({change.lost:,} images lost, {change.gained:,} gained, p\u00a0{p_value(change.p_value)})"


def percent(interval: Interval) -> str:
    """A share with its interval, in points."""
    return f"{100 * interval.estimate:.2f}% {brackets(interval)}"


def brackets(interval: Interval) -> str:
    """The ends of an interval of shares, in points.

    >>> brackets(Interval(-0.01, -0.02, 0.005))
    '[−2.00, 0.50]'
    """
    return minus(f"[{100 * interval.low:.2f}, {100 * interval.high:.2f}]")


def minus(text: str) -> str:
    """Numbers with a typographer's minus."""
    return text.replace("-", "−")


def p_value(p: float) -> str:
    """A p-value as it stands in a sentence; never 0."""
    return "<\u00a00.0001" if p < 1e-4 else f"=\u00a0{p:.2g}"
