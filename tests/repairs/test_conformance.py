"""The contract of every registered strategy of repair."""

import pytest
import torch

from shiftassay.repairs.strategy import STRATEGIES, RepairedModel, Task, by_intrusiveness
from shiftassay.shifts.catalog import parse

SHIFTS = ["invert", "gaussian_noise:sd=0.5", "adversarial:epsilon=0.1", "pixel_permutation:scope=per_image"]


@pytest.fixture(params=list(STRATEGIES))
def strategy(request):
    return STRATEGIES[request.param]()


def task_of(shift, model, small):
    few = small.train.first(300)
    return Task(parse(shift), 1.0, model, few, few.first(100), 10, (1, 28, 28), 1, 200, 0, "cpu")


def test_it_says_why_it_does_not_fit_in_a_clause_or_repairs_a_copy(strategy, model, small):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    fits = 0
    for shift in SHIFTS:
        task = task_of(shift, model, small)
        reason = strategy.unfit(task)
        assert reason is None or not reason.endswith(".")
        if reason is None:
            repaired = strategy.make(task)
            fits += 1
            assert isinstance(repaired, RepairedModel) or not repaired.endswith(".")
    assert fits
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_equal_tasks_share_a_repair(strategy, model, small):
    keys = [strategy.key(task_of(shift, model, small)) for shift in ("rotate:angle=15", "rotate:angle=15", "invert")]
    assert keys[0] == keys[1] != keys[2]


def test_no_two_are_equally_intrusive():
    strategies = by_intrusiveness()
    assert sorted(strategy.name for strategy in strategies) == sorted(STRATEGIES[name].name for name in STRATEGIES)
    degrees = [strategy.intrusiveness for strategy in strategies]
    assert degrees == sorted(set(degrees))
