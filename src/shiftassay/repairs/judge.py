"""Judging repairs: each is fitted to one half of a variant and judged on the other half.

This is done both ways round.
"""

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.evaluation.attack_set import Robustness, joined
from shiftassay.progress import Watch, unwatched
from shiftassay.repairs.bench import Bench, Half, attack_half, part, right_of
from shiftassay.repairs.result import Attempt, Cost, Right, accuracy_change
from shiftassay.repairs.strategy import RepairedModel, Strategy, Task, by_intrusiveness, parameters_of
from shiftassay.repairs.words import assumption_of
from shiftassay.training.history import Diverged


def judge_all(bench: Bench, tasks: Sequence[Task], watch: Watch = unwatched) -> tuple[list[Attempt], dict[str, str]]:
    """The attempts, from the least intrusive to the most, and why other strategies were skipped."""
    attempts: list[Attempt] = []
    skipped: dict[str, str] = {}
    strategies = by_intrusiveness() if tasks else []
    for number, strategy in enumerate(strategies):
        watch(f"trying repairs, now {strategy.name}", number, len(strategies))
        still_missing = all(map(bench.falls_short, attempts))
        attempt = try_strategy(strategy, [replace(task, still_missing=still_missing) for task in tasks], bench)
        if isinstance(attempt, str):
            skipped[strategy.name] = attempt
        else:
            attempts.append(attempt)
    return attempts, skipped


def try_strategy(strategy: Strategy, tasks: Sequence[Task], bench: Bench) -> Attempt | str:
    """One repair for each half, or one for both if their tasks are the same.

    Each is judged on the other half. If the strategy does not fit or fails, the result is a clause that says why.
    """
    for task in tasks:
        if (reason := strategy.unfit(task)) is not None:
            return reason
    repaired: dict[str, RepairedModel] = {}
    began = perf_counter()
    for task in tasks:
        key = strategy.key(task)
        if key not in repaired:
            try:
                model = strategy.make(task)
            except (BadInput, Diverged) as error:  # other strategies may still help
                return _clause(error)
            if isinstance(model, str):
                return model
            repaired[key] = model
    seconds = (perf_counter() - began) / len(repaired)
    models = [repaired[strategy.key(task)] for task in tasks]
    attacked = None
    try:
        after, clean_after = on_the_other_half(bench, models)
        if bench.attacked is not None:
            attacked = under_attack(bench, models)
    except BadInput as error:  # a repaired model whose answers are not finite
        return _clause(error)
    clean, first = accuracy_change(bench.clean_right, clean_after), models[0]
    return Attempt(
        strategy=strategy.name,
        what=first.what,
        variant=accuracy_change(bench.variant_right, after),
        clean=clean,
        attacked=None
        if bench.attacked is None or attacked is None
        else accuracy_change(bench.attacked.survives, attacked.survives),
        under_attack=attacked,
        cost=Cost(
            parameters=parameters_of(first.model),
            parameters_added=first.parameters_added,
            parameters_trained=first.parameters_trained,
            images=first.images,
            epochs=first.epochs,
        ),
        assumption=assumption_of(clean, tasks[0].share, tasks[0].shift.ball),
        model=first.model,
        variant_right=after,
        attacked_right=attacked.survives if attacked else None,
        seconds=seconds,
    )


def on_the_other_half(bench: Bench, models: Sequence[RepairedModel]) -> tuple[Right, Right]:
    """Which images of the variant and the reference the other half's model gets right."""
    after, clean_after = np.empty(len(bench.shifted), bool), np.empty(len(bench.reference), bool)
    for half, model in _crossed(bench, models):
        after[half.shifted] = right_of(part(bench.shifted, half.shifted), model=model, device=bench.device)
    for half, model in _crossed(bench, models):
        clean_after[half.reference] = right_of(part(bench.reference, half.reference), model=model, device=bench.device)
    return after, clean_after


def under_attack(bench: Bench, models: Sequence[RepairedModel]) -> Robustness:
    """What attacks on the other half's model leave; the first half's images come first."""
    return joined([attack_half(bench, half, model=model) for half, model in _crossed(bench, models)])


def _crossed(bench: Bench, models: Sequence[RepairedModel]) -> list[tuple[Half, nn.Module]]:
    return [(bench.halves[0], models[1].model), (bench.halves[1], models[0].model)]


def _clause(error: Exception) -> str:
    return str(error).rstrip(".")
