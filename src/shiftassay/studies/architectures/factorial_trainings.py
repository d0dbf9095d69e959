"""The trainings of the factorial experiment, before, in and after it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import product

from shiftassay.runs.recipe import Recipe
from shiftassay.statistics.corrections import holm
from shiftassay.statistics.factorial import analyze
from shiftassay.studies.architectures.experiment import Experiment, seeds_of, train_members
from shiftassay.studies.architectures.factorial import (
    Factorial,
    FactorialRun,
    Level,
    ShortTraining,
    TriedRate,
    log_error,
)
from shiftassay.studies.architectures.members import correct_after_last_epoch
from shiftassay.studies.architectures.study import Settings, Suggestions
from shiftassay.studies.architectures.trainings import Training
from shiftassay.training.train import TrainingFailed

TUNING_SEED = 1_000_000  # of no run of the experiment


def run_factorial(experiment: Experiment, settings: Suggestions) -> Factorial:
    """Tune the learning rates, then train every combination once, with its own seed.

    All are judged on held-out training images.
    """
    levels: dict[str, tuple[Level, ...]] = {
        "network": settings.networks,
        "dropout": settings.dropout,
        "schedule": settings.schedules,
        "optimiser": tuple(settings.optimizers),
        "epochs": settings.epochs,
    }
    held_out = min(settings.held_out, len(experiment.dataset.train) // 4)
    tried = _tried_rates(experiment, settings, held_out)
    rates = {(row.optimizer, row.schedule): row.learning_rate for row in tried if row.chosen}
    combinations = product(
        settings.networks, settings.dropout, settings.schedules, settings.optimizers, settings.epochs
    )
    runs = []
    for seed, (network, dropout, schedule, optimizer, epochs) in enumerate(combinations):
        rate = rates[optimizer, schedule]
        recipe = _recipe(experiment, settings.optimizers[optimizer], schedule, rate, epochs, held_out, optimizer)
        accuracy = _held_out_accuracy(experiment, network, dropout, recipe, seed)
        runs.append(FactorialRun(network, dropout, schedule, optimizer, epochs, accuracy))
    varied = [factor for factor, values in levels.items() if len(values) > 1]
    response = [log_error(run.accuracy, held_out) for run in runs]
    effects = analyze([{factor: run.levels[factor] for factor in varied} for run in runs], response)
    confirmed = _confirmed(experiment, settings, runs, rates)
    return Factorial(tuple(runs), levels, tuple(effects), held_out, tried, confirmed, len(experiment.labels))


def _confirmed(
    experiment: Experiment,
    settings: Suggestions,
    runs: Sequence[FactorialRun],
    rates: Mapping[tuple[str, str], float],
) -> tuple[ShortTraining, ...]:
    """The best combination of each network on held-out images, tested on the test set."""
    rows = []
    for name in settings.networks:
        group = experiment.members.get(name)
        if not group:
            continue
        best = max((run for run in runs if run.network == name), key=lambda run: run.accuracy)
        rate = rates[best.optimizer, best.schedule]
        changes = settings.optimizers[best.optimizer]
        recipe = _recipe(experiment, changes, best.schedule, rate, best.epochs, 0, best.optimizer)
        note = f"the best of {len(runs) // len(settings.networks)} combinations, on all training images"
        training = Training(name, tuple(seeds_of(experiment)), recipe, {"dropout": best.dropout}, note)
        ours, study = (
            tuple(correct_after_last_epoch(members, experiment.labels).mean(1).tolist())
            for members in (train_members(experiment, training), group)
        )
        rows.append(ShortTraining(best, rate, ours, study, len(group[0].metrics)))
    tested = [row.difference for row in rows]
    p_values = [test.p_value for test in tested if test is not None]
    if not p_values or len(p_values) < len(rows):
        return tuple(rows)
    return tuple(replace(row, p_corrected=p) for row, p in zip(rows, holm(p_values), strict=True))


def _tried_rates(experiment: Experiment, settings: Suggestions, held_out: int) -> tuple[TriedRate, ...]:
    """The learning rates of each optimizer under each schedule, tried on every network.

    For the fewest epochs and the middle dropout of the experiment, with a seed of its own.
    """
    dropout, epochs = sorted(settings.dropout)[len(settings.dropout) // 2], min(settings.epochs)
    tried: list[TriedRate] = []
    for (optimizer, changes), schedule in product(settings.optimizers.items(), settings.schedules):
        rows = []
        for rate in _rates(changes, experiment.study.training_recipe().learning_rate):
            recipe = _recipe(experiment, changes, schedule, rate, epochs, held_out, optimizer)
            accuracies: dict[str, float | None] = {}
            for network in settings.networks:
                with suppress(TrainingFailed):
                    accuracies[network] = _held_out_accuracy(experiment, network, dropout, recipe, TUNING_SEED)
                accuracies.setdefault(network, None)
            rows.append(TriedRate(optimizer, schedule, rate, accuracies))
        best = max(rows, key=lambda row: row.mean or 0.0)
        tried += [replace(row, chosen=row is best) for row in rows]
    return tuple(tried)


def _rates(changes: Settings, by_default: float) -> list[float]:
    """The learning rates to try: those of a list, or the only one."""
    rates = changes.get("learning_rate", by_default)
    return [float(rate) for rate in (rates if isinstance(rates, list) else [rates]) if isinstance(rate, int | float)]


def _recipe(
    experiment: Experiment, changes: Settings, schedule: str, rate: float, epochs: int, held_out: int, optimizer: str
) -> Recipe:
    recipe = experiment.study.training_recipe(**{**changes, "schedule": schedule, "learning_rate": rate})
    name = f"{optimizer}-{schedule}"
    return replace(recipe, name=name, epochs=epochs, held_out=held_out, validate_on_test=False)


def _held_out_accuracy(experiment: Experiment, network: str, dropout: float, recipe: Recipe, seed: int) -> float:
    note = f"dropout {dropout:g}, {recipe.name}, learning rate {recipe.learning_rate:g}"
    [member] = train_members(experiment, Training(network, (seed,), recipe, {"dropout": dropout}, note))
    accuracy = member.metrics[-1].validation_accuracy
    if accuracy is None:
        raise RuntimeError(f"{member.trial.name} was not validated on held-out images")
    return accuracy
