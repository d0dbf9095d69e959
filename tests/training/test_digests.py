"""The names of trials stay what they were: whoever has a store finds in it what was trained before."""

import json
from pathlib import Path

import pytest

from shiftassay.imagesets.dataset import load_dataset
from shiftassay.imagesets.image_set import digest_of
from shiftassay.networks.registry import parameters_of
from shiftassay.records import plain
from shiftassay.runs.trial import Trial
from shiftassay.training.engine import SEMANTICS
from shiftassay.training.train import resolve_recipe

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "spatial-attention.json"
TRIALS = json.loads(RESULTS.read_text(encoding="utf-8"))["trials"]


@pytest.fixture(scope="module")
def data_digest() -> str:
    mnist = load_dataset("mnist")
    return digest_of(mnist.train.images, mnist.train.labels, mnist.test.images, mnist.test.labels)


@pytest.mark.parametrize("network", TRIALS)
def test_a_trial_has_the_digest_that_the_committed_results_name(network: str, data_digest: str) -> None:
    recipe = resolve_recipe(network, "seed-003", None)
    made = [
        Trial(
            network,
            {n: plain(v) for n, v in parameters_of(network).items()},
            recipe,
            "mnist",
            data_digest,
            seed,
            "cpu",
            SEMANTICS,
        ).digest
        for seed in range(len(TRIALS[network]))
    ]
    assert made == TRIALS[network]
