"""Finding 6: the further work that the source suggests, as a factorial experiment.

It shows which factors matter, which interact, and what the best combination reaches on the test set.
"""

from collections.abc import Sequence

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.statistics.factorial import Effect
from shiftassay.studies.architectures.experiment import Experiment
from shiftassay.studies.architectures.factorial import Factorial, ShortTraining, log_error
from shiftassay.studies.architectures.factorial_trainings import run_factorial
from shiftassay.words.lists import listed, plural
from shiftassay.words.numbers import DASH, brackets, mean_sd, number, p_cell, p_value, percent, points

KEY, TITLE, VERSION, PLACE = "suggestions", "Dropout, schedule, optimizer, epochs", 2, 70
MOST_INTERACTIONS = 3  # in the figure


def measure(experiment: Experiment) -> Factorial:
    settings = experiment.study.suggestions
    if settings is None:
        raise BadInput("the study has no [suggestions].")
    return run_factorial(experiment, settings)


def findings(measured: Factorial) -> list[Finding]:
    figures = [
        Figure(
            "effects",
            {
                "factors": {
                    factor: {str(level): measured.accuracies(**{factor: level}) for level in measured.levels[factor]}
                    for factor in measured.varied or measured.levels
                }
            },
            "Mean accuracy at each level of each factor over all combinations of the others (small marks: the single "
            "trainings).",
        )
    ]
    if interactions := _interactions(measured.effects)[:MOST_INTERACTIONS]:
        figures.append(
            Figure(
                "interactions",
                {
                    "pairs": [
                        {"factors": effect.factors, "means": _cell_means(measured, *effect.factors)}
                        for effect in interactions
                    ]
                },
                "The strongest interactions: mean accuracy at each pair of levels. Lines that are not parallel "
                "interact.",
            )
        )
    tables = [_table(measured)]
    tables += [_tried(measured)] if measured.tried else []
    tables += [_confirmations(measured)] if measured.confirmed else []
    return [Finding(KEY, TITLE, tuple(_sentences(measured)), tuple(tables), tuple(figures), measured.to_json())]


def _cell_means(measured: Factorial, first: str, second: str) -> dict[str, dict[str, float]]:
    """The mean accuracy by level of the second factor, then of the first."""
    return {
        str(b): {str(a): float(np.mean(measured.accuracies(**{first: a, second: b}))) for a in measured.levels[first]}
        for b in measured.levels[second]
    }


def _is_significant(effect: Effect) -> bool:
    return effect.p_corrected is not None and effect.p_corrected < 0.05


def _interactions(effects: Sequence[Effect]) -> list[Effect]:
    """The significant interactions of two factors, the strongest first."""
    interactions = [effect for effect in effects if len(effect.factors) == 2 and _is_significant(effect)]
    return sorted(interactions, key=lambda effect: -effect.share)


def _table(measured: Factorial) -> Table:
    """Every effect, the strongest first."""
    rows = tuple(
        (
            " × ".join(map(_called, effect.factors)),
            percent(effect.share, 1),
            number(effect.f, 1),
            str(effect.freedom),
            p_cell(effect.p_corrected),
        )
        for effect in sorted(measured.effects, key=lambda effect: -effect.share)
    )
    return Table(
        ("effect", "share of variance", "F", "degrees of freedom", "p, corrected"),
        rows,
        f"Analysis of variance of the logarithm of the error rate on {measured.held_out:,} held-out images, "
        f"{len(measured.runs)} trainings with a seed each, main effects and interactions of two; the residual variance "
        "is that of higher interactions and seeds. Holm's correction.",
    )


def _tried(measured: Factorial) -> Table:
    """The learning rates that were tried."""
    networks = list(measured.tried[0].accuracies)
    rows = tuple(
        (
            f"{row.optimizer}, {row.schedule}",
            number(row.learning_rate),
            *(_accuracy_or_failure(row.accuracies[name]) for name in networks),
            _accuracy_or_failure(row.mean),
            "yes" if row.chosen else "",
        )
        for row in measured.tried
    )
    return Table(
        ("optimizer, schedule", "learning rate", *(f"{name}, %" for name in networks), "mean, %", "chosen"),
        rows,
        f"Learning rates, tried before the experiment: accuracy on {measured.held_out:,} held-out images, one training "
        "of the fewest epochs each, with the middle dropout of the experiment. Each optimizer takes the rate with the "
        "highest mean into the experiment.",
    )


def _confirmations(measured: Factorial) -> Table:
    """The best combination of each network beside the study's own trainings."""
    rows = []
    for row in measured.confirmed:
        best, difference = row.best, row.difference
        interval = (
            f"{points(difference.estimate, 3, sign=True)} {brackets(difference.interval(), digits=3)}"
            if difference
            else DASH
        )
        rows.append(
            (
                best.network,
                f"{best.optimizer}, {best.schedule}, {number(row.learning_rate)}, dropout {number(best.dropout)}",
                str(best.epochs),
                mean_sd(row.accuracies, 100, 3),
                mean_sd(row.by_the_study, 100, 3),
                interval,
                p_cell(row.p_corrected),
            )
        )
    first = measured.confirmed[0]
    return Table(
        (
            "network",
            "combination",
            "epochs",
            "accuracy, %",
            f"{first.epochs} epochs by the study's recipe, %",
            "difference, points [95%]",
            "p, corrected",
        ),
        tuple(rows),
        "The combination of each network that was best on held-out images, trained again on all training images: "
        f"accuracy on {measured.images:,} test images after the last epoch, mean ± sd over "
        f"{plural(len(first.accuracies), 'seed')}, paired by seed with the study's own trainings; Holm's correction.",
        words=("combination",),
    )


def confirmation_sentence(row: ShortTraining, images: int | None) -> str:
    """What the best combination reaches on the test set, beside the study's own trainings."""
    best, difference = row.best, row.difference
    recipe = f"{best.optimizer}, {best.schedule.replace('_', ' ')} and dropout {number(best.dropout)}"
    sentence = (
        f"With {recipe}, {best.network} gets {mean_sd(row.accuracies, 100)}% of {images:,} test images right after "
        f"{plural(best.epochs, 'epoch')}, and {mean_sd(row.by_the_study, 100)}% after {plural(row.epochs, 'epoch')} of "
        "the study's recipe"
    )
    if difference is None:
        return f"{sentence} (one seed each)."
    size = f"{points(difference.estimate, sign=True)} {brackets(difference.interval())} points"
    shown = (
        f"p {p_value(row.p_corrected)}"
        if row.p_corrected is not None and row.is_significant
        else "no difference is shown"
    )
    return f"{sentence} ({size}, {plural(len(row.accuracies), 'seed')}, {shown})."


def _accuracy_or_failure(accuracy: float | None) -> str:
    return "diverged" if accuracy is None else points(accuracy)


def _sentences(measured: Factorial) -> list[str]:
    runs, effects = measured.runs, measured.effects
    best, lowest = max(runs, key=lambda run: run.accuracy), min(run.accuracy for run in runs)
    mains = sorted((effect for effect in effects if len(effect.factors) == 1), key=lambda effect: -effect.share)
    interactions = [" × ".join(map(_called, e.factors)) for e in effects if len(e.factors) == 2 and _is_significant(e)]
    levels = ", ".join(f"{_called(factor)} {level}" for factor, level in best.levels.items())
    return [
        f"Accuracy on {measured.held_out:,} held-out images runs from {points(lowest)} to {percent(best.accuracy, 2)} "
        f"over {len(runs)} trainings, one for each combination{_largest(effects)}.",
        *(_main_effect(effect, measured) for effect in mains),
        f"Interactions that are shown: {listed(interactions) or 'none'}.",
        f"The best combination is {levels}. Its accuracy is the highest of {len(runs)}, and so optimistic.",
        *(confirmation_sentence(row, measured.images) for row in measured.confirmed),
        *_edge(measured),
    ]


def _largest(effects: Sequence[Effect]) -> str:
    """The effect that explains most, if it is significant."""
    largest = max(effects, key=lambda effect: effect.share)
    if not _is_significant(largest):
        return ""
    share = percent(largest.share, 0)
    factors = " × ".join(map(_called, largest.factors))
    return f"; {factors} explains the largest part of the spread ({share} of the variance)"


def _main_effect(effect: Effect, measured: Factorial) -> str:
    """Whether a factor matters, and its best and worst level.

    They are judged by the response that was analyzed.
    """
    [factor] = effect.factors
    by_level = {level: measured.accuracies(**{factor: level}) for level in measured.levels[factor]}
    errors = {
        level: np.mean([log_error(accuracy, measured.held_out) for accuracy in accuracies])
        for level, accuracies in by_level.items()
    }
    best, worst = min(errors, key=lambda level: errors[level]), max(errors, key=lambda level: errors[level])
    tested = "" if effect.p_corrected is None else f", p {p_value(effect.p_corrected)}"
    if effect.p_corrected is not None and not _is_significant(effect):
        tested = f", no effect is shown{tested}"
    means = [f"{level} {percent(float(np.mean(by_level[level])), 2)}" for level in dict.fromkeys((best, worst))]
    return (
        f"{_called(factor).capitalize()}: {percent(effect.share, 0)} of the variance{tested}; mean accuracy by level, "
        f"best and worst: {' and '.join(means)}."
    )


def _called(factor: str) -> str:
    """The name of a factor in a sentence: results keep the other spelling."""
    return {"optimiser": "optimizer", "epochs": "number of epochs"}.get(factor, factor)


def _edge(measured: Factorial) -> list[str]:
    """The optimizers whose best learning rate is the highest or lowest that was tried."""
    edges = []
    for row in measured.tried:
        rates = [r.learning_rate for r in measured.tried if (r.optimizer, r.schedule) == (row.optimizer, row.schedule)]
        if row.chosen and len(rates) > 1 and row.learning_rate in (min(rates), max(rates)):
            edges.append(f"{row.optimizer} with {row.schedule} ({number(row.learning_rate)})")
    return [f"The best learning rate lies at the edge of those tried for {listed(edges)}."] if edges else []
