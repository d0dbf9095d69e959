"""Does the native path learn what plain PyTorch learns? `make paths`. Writes docs/results/paths.json.

From equal weights, orders and masks the two paths part by rounding, so that after some epochs they are compared as
distributions over seeds. The seeds are paired (same initial weights, orders, masks), the test is Wilcoxon's
signed-rank.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from benchmarks.contenders import RECIPE
from benchmarks.result_file import result_file
from scipy.stats import t, wilcoxon

from shiftassay.imagesets.dataset import load_dataset
from shiftassay.networks.registry import build
from shiftassay.runs.environment import environment
from shiftassay.runs.recipe import recipe_named
from shiftassay.runs.store import write_json
from shiftassay.training.group import TrainingData
from shiftassay.training.path import make_groups, run_groups
from shiftassay.training.plain import PlainMember

RESULT = Path(__file__).parent.parent / "docs" / "results" / "paths.json"
SEEDS, EPOCHS = range(8), 2
NETWORKS = {"trunk": RECIPE, "stn": RECIPE, "mlp": replace(recipe_named("mlp"), epochs=EPOCHS)}


def main() -> None:
    result_file(RESULT)
    mnist = load_dataset("mnist")
    assert mnist.train.labels is not None
    data = TrainingData(mnist.train.images, mnist.train.labels, None, mnist.classes)
    results = {}
    for name, recipe in NETWORKS.items():
        groups = make_groups([network(name, seed) for seed in SEEDS], recipe, data, SEEDS)
        run_groups(groups, lambda group, _: [group.train_steps(epoch, 0, group.steps) for epoch in range(EPOCHS)])
        native = [right(group.members[0].logits(mnist.test.images), mnist.test.labels) for group in groups]
        plain = []
        for seed in SEEDS:
            member = PlainMember(network(name, seed), recipe, data, seed)
            for epoch in range(EPOCHS):
                member.train_steps(epoch, 0, member.steps)
            plain.append(right(member.logits(mnist.test.images), mnist.test.labels))
        results[name] = {"native": native, "plain": plain, **compare(np.array(native), np.array(plain))}
        print(name, results[name], flush=True)
    write_json(
        RESULT,
        {
            "schema": "shiftassay.paths/1",
            "command": "make paths",
            "epochs": EPOCHS,
            "environment": environment(threads=torch.get_num_threads()).to_json(),
            "networks": results,
        },
    )


def network(name: str, seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    return build(name, (1, 28, 28), 10, {})


def right(logits: np.ndarray, labels: np.ndarray | None) -> float:
    return float((logits.argmax(1) == labels).mean())


def compare(native: np.ndarray, plain: np.ndarray) -> dict:
    """The mean difference over paired seeds with its t interval, and the signed-rank test."""
    differences = native - plain
    mean, error = differences.mean(), differences.std(ddof=1) / np.sqrt(len(differences))
    half = t.ppf(0.975, len(differences) - 1) * error
    p = float(wilcoxon(differences).pvalue) if differences.any() else 1.0
    return {
        "difference": {"estimate": float(mean), "low": float(mean - half), "high": float(mean + half)},
        "p_value": p,
    }


if __name__ == "__main__":
    main()
