"""Golden trajectories: the first 20 losses of every network × recipe, committed.

A change that moves them changes what training means: raise `SEMANTICS` in training/engine.py, so that stored results of
the old meaning are not taken for the new one, and write the new ones with `python tests/training/test_golden.py`.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from shiftassay.imagesets.dataset import load_dataset
from shiftassay.networks.registry import NETWORKS, build
from shiftassay.random_stream import seed_for
from shiftassay.runs.recipe import RECIPES
from shiftassay.training.engine import SEMANTICS
from shiftassay.training.group import TrainingData
from shiftassay.training.plain import PlainMember

GOLDEN = Path(__file__).parent / "golden.json"
STEPS = 20
PAIRS = [f"{network} × {recipe}" for network in NETWORKS for recipe in RECIPES]


def first_losses(pair: str) -> list[float]:
    """The losses of the first 20 steps of seed 0 on the first images of MNIST's training set."""
    import torch

    network_name, recipe_name = pair.split(" × ")
    recipe, mnist = RECIPES[recipe_name], load_dataset("mnist")
    assert mnist.train.labels is not None
    n = STEPS * recipe.batch_size
    data = TrainingData(mnist.train.images[:n], mnist.train.labels[:n], None, 10)
    with torch.random.fork_rng():
        torch.manual_seed(seed_for(0, "initialisation"))
        network = build(network_name, (1, 28, 28), 10, {})
    member = PlainMember(network, recipe, data, seed=0)
    losses, _ = member.train_steps(0, 0, member.steps)
    return [float(loss) for loss in losses]


@pytest.mark.parametrize("pair", PAIRS)
def test_the_first_losses_are_those_that_were_committed(pair):
    golden = json.loads(GOLDEN.read_text())
    assert golden["semantics"] == SEMANTICS
    assert np.allclose(first_losses(pair), golden["losses"][pair], rtol=1e-3)


if __name__ == "__main__":
    losses = {pair: [round(loss, 6) for loss in first_losses(pair)] for pair in PAIRS}
    GOLDEN.write_text(json.dumps({"semantics": SEMANTICS, "losses": losses}, indent=1) + "\n")
