"""Accuracy by strength, in words, a table and a figure."""

from shiftassay.report.finding import Figure, Table
from shiftassay.studies.shifted.experiments.part import Part
from shiftassay.studies.shifted.experiments.strengths import AtStrength, StrengthSweep
from shiftassay.words.numbers import percent_with_interval, points_with_interval


def strengths_part(sweep: StrengthSweep) -> Part:
    """How accuracy falls with strength, for the model as it is and for the repaired one."""
    budget = sweep.models["unmodified"][0].attacks.budget
    sentences = [
        f"Strength was varied from {sweep.models['unmodified'][0].times:g} to {sweep.models['unmodified'][-1].times:g} "
        f"times that of {sweep.aimed} (ε = {sweep.epsilon:.3g}), on {sweep.images:,} images, one model.",
        *(_at(name, rows, 1.0) for name, rows in sweep.models.items()),
    ]
    if sweep.repair is not None and (beyond := sweep.models[sweep.repair][-1]).times > 1:
        sentences.append(
            f"{sweep.repair} was made against ε = {sweep.epsilon:.3g}. Beyond it, at ε = {beyond.epsilon:.3g}, "
            f"{percent_with_interval(beyond.strongest, 1)} survive all attacks and "
            f"{percent_with_interval(beyond.random, 1)} are right under random signs."
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
    attacks = ", ".join(sweep.models["unmodified"][0].attacks.fell)
    table = Table(
        ("model", f"times {sweep.aimed}'s ε", "ε", "random", "aimed, one step", "survive all attacks", "lost to each"),
        tuple(rows),
        f"Accuracy, % [95%], of {sweep.images:,} images, first seed's model. All attacks: {budget}. Lost to each: "
        f"images that fall to it and to none before it ({attacks}).",
        words=("lost to each",),
    )
    return Part(tuple(sentences), (table,), tuple(_figure(sweep, name) for name in sweep.models))


def _at(name: str, rows: tuple[AtStrength, ...], times: float) -> str:
    row = min(rows, key=lambda row: abs(row.times - times))
    return (
        f"{name[0].upper()}{name[1:]}, at {row.times:g} times: {percent_with_interval(row.random, 1)} right under "
        f"random signs, {percent_with_interval(row.one_step, 1)} under signs aimed in one step, and "
        f"{percent_with_interval(row.strongest, 1)} survive all attacks."
    )


def _figure(sweep: StrengthSweep, name: str) -> Figure:
    rows = sweep.models[name]
    series = {
        "random signs": [row.random for row in rows],
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
