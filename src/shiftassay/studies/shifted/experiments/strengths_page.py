"""Accuracy by strength, in words, a table and a figure."""

from shiftassay.report.finding import Figure, Table
from shiftassay.studies.shifted.experiments.part import Part
from shiftassay.studies.shifted.experiments.strengths import AtStrength, StrengthSweep
from shiftassay.words.numbers import percent_with_interval, points_with_interval


def strengths_part(sweep: StrengthSweep) -> Part:
    """How accuracy falls with strength, for the model as it is and for the repaired one."""
    of_unmodified = sweep.models["unmodified"]
    first, last = of_unmodified[0], of_unmodified[-1]
    budget = first.attacks.budget
    sentences = [
        f"Strength was varied from {first.times:g} to {last.times:g} times that of {sweep.aimed}, on {sweep.images:,} "
        "images, with one model.",
        _near(sweep, "the unmodified model", of_unmodified),
    ]
    if sweep.repair is not None:
        repaired = sweep.models[sweep.repair]
        sentences.append(_near(sweep, f"the model after {sweep.repair}", repaired))
        if (beyond := repaired[-1]).times > 1:
            sentences.append(
                f"That repair was made against ε = {sweep.epsilon:.3g}. Beyond it, at ε = {beyond.epsilon:.3g}, "
                f"{percent_with_interval(beyond.strongest, 1)} of images survive all attacks."
            )
    rows = [
        (
            name,
            f"{row.times:g}",
            f"{row.epsilon:.3g}",
            points_with_interval(row.random, 1),
            points_with_interval(row.one_step, 1),
            points_with_interval(row.strongest, 1),
            ", ".join(f"{count:,}" for count in row.attacks.fell.values()),
        )
        for name, of_model in sweep.models.items()
        for row in of_model
    ]
    attacks = ", ".join(first.attacks.fell)
    table = Table(
        (
            "model",
            f"times {sweep.aimed}'s ε",
            "ε",
            _random(sweep),
            "aimed, one step",
            "survive all attacks",
            "lost to each",
        ),
        tuple(rows),
        f"Accuracy, % [95%], of {sweep.images:,} images, first seed's model. All attacks: {budget}. Lost to each: "
        f"images that fall to it and to none before it ({attacks}).",
        words=("lost to each",),
    )
    return Part(tuple(sentences), (table,), tuple(_figure(sweep, name) for name in sweep.models))


def _near(sweep: StrengthSweep, model: str, rows: tuple[AtStrength, ...]) -> str:
    """Accuracies at the strength that is nearest to the variant's."""
    row = min(rows, key=lambda row: abs(row.times - 1))
    return (
        f"At ε = {row.epsilon:.3g}, {model} is right on {percent_with_interval(row.random, 1)} under {_random(sweep)} "
        f"and on {percent_with_interval(row.one_step, 1)} under a change aimed in one step; "
        f"{percent_with_interval(row.strongest, 1)} of images survive all attacks."
    )


def _random(sweep: StrengthSweep) -> str:
    return "random signs" if sweep.norm == "linf" else "random directions"


def _figure(sweep: StrengthSweep, name: str) -> Figure:
    rows = sweep.models[name]
    series = {
        _random(sweep): [row.random for row in rows],
        "aimed, one step": [row.one_step for row in rows],
        "all attacks": [row.strongest for row in rows],
    }
    data = {
        "ticks": [f"{row.epsilon:.2g}" for row in rows],
        "label": f"ε ({sweep.aimed}'s is {sweep.epsilon:.3g})",
        "series": {name: [[i.estimate, i.low, i.high] for i in line] for name, line in series.items()},
    }
    what = "the unmodified model" if name == "unmodified" else f"the model after {name}"
    return Figure("dose", data, f"Accuracy of {what} by strength, with 95% intervals of {sweep.images:,} images.")
