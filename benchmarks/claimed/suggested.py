"""What seed 003 suggests or leaves out: how epochs are chosen, heads, position codes, recipes; a line for each."""

from collections.abc import Iterator, Sequence
from statistics import mean, stdev

import numpy as np
from benchmarks.claimed.intervals import holm, over_seeds
from benchmarks.claimed.lines import Json, Line, p, percents

LATE = 50  # epochs; a sixth of the epochs where that is fewer
PATIENCE = (5, 10, 20, 50)  # epochs


def lines(sections: Json) -> Iterator[Line]:
    """Those that the results have the sections for."""
    selection, heads, recipes = (sections.get(key, {}) for key in ("selection", "heads", "suggestions"))
    if selection.get("held_out_runs"):
        yield _chosen_on_held_out_images(selection)
        yield _early_stopping(selection)
    if heads:
        yield from _variants_of_attention(heads)
    if recipes.get("confirmed"):
        yield _recipes(recipes)


def biases(runs: Json, chosen: Sequence[float]) -> list[float]:
    """In points, by seed: an accuracy minus the mean of the last epochs of the same training."""
    late = min(LATE, max(1, len(runs["accuracies"][0]) // 6))
    return [100 * (one - mean(curve[-late:])) for one, curve in zip(chosen, runs["accuracies"], strict=True)]


def bias(networks: Sequence[Sequence[float]]) -> Line:
    """Over seeds, of which each is a mean over networks; then the networks' least and largest mean."""
    by_seed = np.array(networks)
    interval, _ = over_seeds(by_seed.mean(0))
    return [*interval, float(by_seed.mean(1).min()), "to", float(by_seed.mean(1).max()), "by network"]


def _chosen_on_held_out_images(selection: Json) -> Line:
    """The epoch with the most held-out training images right, against the last."""
    networks = list(selection["held_out_runs"].values())
    held_out, last = [], []
    for runs in networks:
        epochs = [int(np.argmax(curve)) for curve in runs["held_out_accuracies"]]
        pairs = zip(runs["accuracies"], epochs, strict=True)
        held_out.append(biases(runs, [curve[epoch] for curve, epoch in pairs]))
        last.append(biases(runs, [curve[-1] for curve in runs["accuracies"]]))
    late = min(LATE, max(1, selection["epochs"] // 6))
    line = ["chosen on", selection["held_out"], "held-out", len(networks), "networks", len(held_out[0]), "seeds"]
    return [*line, "mean of the last", late, "epochs", *bias(held_out), "last epoch", *bias(last)]


def _early_stopping(selection: Json) -> Line:
    """A training stops after so many epochs without a lower loss on held-out images, and keeps the best one."""
    line: list[str | float] = ["improves no more, against", selection["epochs"], "epochs"]
    costly = list[float]()
    for patience in (patience for patience in PATIENCE if patience < selection["epochs"]):
        stopped, costs = [], []
        for runs in selection["held_out_runs"].values():
            ends = [_stopped_and_kept(curve, patience) for curve in runs["held_out_losses"]]
            stopped.append([end + 1 for end, _ in ends])
            pairs = zip(runs["accuracies"], ends, strict=True)
            costs.append([curve[kept] - curve[-1] for curve, (_, kept) in pairs])
        cost, _ = over_seeds(np.mean(costs, axis=0))
        line += [f"patience {patience}: epoch", float(np.mean(stopped)), *percents(cost), "points"]
        costly += [patience] if cost[2] < 0 else []
    return [*line, *(["with a patience of", *costly, "epochs"] if costly else [])]


def _stopped_and_kept(losses: Sequence[float], patience: int) -> tuple[int, int]:
    best = 0
    for epoch, loss in enumerate(losses):
        best = epoch if loss < losses[best] else best
        if epoch - best >= patience:
            return epoch, best
    return len(losses) - 1, best


def _variants_of_attention(heads: Json) -> Iterator[Line]:
    """Each variant against the reference by seed, in accuracy; Holm's correction for accuracies and losses alike."""
    reference, tested = heads["variants"][heads["reference"]], []
    for name, variant in heads["variants"].items():
        if name != heads["reference"]:
            accuracy = np.subtract(variant["accuracies"], reference["accuracies"])
            tested.append((name, *over_seeds(accuracy, 2**0.5 / heads["images"])))
            tested.append((None, *over_seeds(np.subtract(variant["losses"], reference["losses"]))))
    corrected = holm([p_value for *_, p_value in tested])
    rows = [(name, of, p_value) for (name, of, _), p_value in zip(tested, corrected, strict=True) if name]
    for with_code in (False, True):
        line = [f"accuracy against {heads['reference']}, points, after", heads["epochs"], "epoch"]
        line += [len(reference["accuracies"]), "seed"]
        of_kind = [row for row in rows if ("position code" in row[0]) == with_code]
        for name, difference, p_value in of_kind:
            line += [name, *percents(difference), "(p", *p(p_value)]
        if not with_code:
            line += ["widths of", *heads["widths"], "channels", *_possible(heads["widths"]), "heads"]
        shown = [(name, difference) for name, difference, p_value in of_kind if p_value < 0.05]
        yield [*line, *(f"{name} {'better' if of[0] > 0 else 'worse'}" for name, of in shown)]


def _possible(widths: Sequence[int]) -> list[int]:
    return [heads for heads in range(1, min(widths) + 1) if all(width % heads == 0 for width in widths)]


def _recipes(recipes: Json) -> Line:
    """The best combination of each network on the test set, against the study's own trainings, by seed."""
    tested = [over_seeds(np.subtract(row["accuracies"], row["by_the_study"])) for row in recipes["confirmed"]]
    corrected = holm([p_value for _, p_value in tested])
    line: list[str | float] = []
    for row, (interval, _), p_value in zip(recipes["confirmed"], tested, corrected, strict=True):
        best, own, study = row["best"], np.multiply(100, row["accuracies"]), np.multiply(100, row["by_the_study"])
        line += ["dropout", best["dropout"], best["network"], mean(own), "±", stdev(own), recipes["images"], "images"]
        line += [best["epochs"], "epoch", mean(study), "±", stdev(study), row["epochs"], "epoch"]
        line += [*percents(interval), "points", len(own), "seeds", *(("p", *p(p_value)) if p_value < 0.05 else ())]
    return line
