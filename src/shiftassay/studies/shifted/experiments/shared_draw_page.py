"""One draw for all images, in words and tables."""

import numpy as np

from shiftassay.report.finding import Table
from shiftassay.studies.shifted.experiments.part import Part
from shiftassay.studies.shifted.experiments.shared_draw import SharedDrawExperiment, TrainedUnderDraw
from shiftassay.words.lists import plural
from shiftassay.words.numbers import percent, percent_with_interval, points, points_with_interval


def shared_draw_part(experiment: SharedDrawExperiment) -> Part:
    """What fresh draws do, why one can be learned, and whether it is."""
    sentences = (
        *_fresh(experiment),
        *_reason(experiment),
        *(_learned(experiment, network) for network in experiment.networks),
    )
    return Part(sentences, (_table(experiment),))


def _fresh(experiment: SharedDrawExperiment) -> list[str]:
    if len(experiment.fresh) < 2:
        return []
    fresh, name = np.array(experiment.fresh), experiment.name
    return [
        f"{name} is one draw, so we drew {len(fresh)} others that all images share, on {experiment.images:,} images "
        f"each. The unmodified model has {percent(fresh.mean(), 1)} on average (standard deviation over draws "
        f"{points(float(fresh.std(ddof=1)), 1)} points, lowest {percent(fresh.min(), 1)}, highest "
        f"{percent(fresh.max(), 1)}); on {name} itself it has {percent_with_interval(experiment.own, 1)}."
    ]


def _reason(experiment: SharedDrawExperiment) -> list[str]:
    if not (experiment.moves_pixels and experiment.starts_linear):
        return []
    return [
        f"Why {experiment.name} can be learned: with P the permutation and W₁ the weights of the first layer, "
        "W₁Pᵀ sees in Px what W₁ sees in x. Initial weights are independent and identically distributed, so W₁Pᵀ is as "
        "likely as W₁, and training from scratch on permuted images is as good as on clean ones. A convolution, "
        "which looks at neighbours, has no such symmetry."
    ]


def _learned(experiment: SharedDrawExperiment, network: TrainedUnderDraw) -> str:
    inside = -experiment.margin < network.equivalence.low and network.equivalence.high < experiment.margin
    if inside:
        shown = f"equal within {points(experiment.margin, 1)} points (two one-sided tests at 5%)"
    elif network.difference.high < 0:
        shown = "worse"
    elif network.difference.low > 0:
        shown = "better"
    else:
        shown = f"neither shown to differ nor shown to be equal within {points(experiment.margin, 1)} points"
    return (
        f"Measured: {network.network}, trained from scratch under {experiment.name}'s draw and tested under it, has "
        f"{percent_with_interval(network.under_draw)}; trained and tested on clean images, "
        f"{percent_with_interval(network.clean)}. The difference is "
        f"{points_with_interval(network.difference, sign=True)} points: {shown}."
    )


def _table(experiment: SharedDrawExperiment) -> Table:
    rows = [
        (
            network.network,
            points_with_interval(network.clean),
            points_with_interval(network.under_draw),
            points_with_interval(network.difference, sign=True),
            f"[{points(network.equivalence.low, sign=True)}, {points(network.equivalence.high, sign=True)}]",
        )
        for network in experiment.networks
    ]
    return Table(
        (
            "trained from scratch",
            "on clean, % [95%]",
            f"under {experiment.name}'s draw, % [95%]",
            "difference, points [95%]",
            "[90%]",
        ),
        tuple(rows),
        f"Each tested as it was trained, on {experiment.test_images:,} test images; "
        f"{plural(experiment.seeds, 'seed')}, paired; {experiment.training_images:,} training images, "
        f"{experiment.updates:,} updates. Intervals are for new {'seeds and new ' * (experiment.seeds > 1)}images. A "
        f"90% interval within ±{points(experiment.margin, 1)} points shows equality to that margin.",
    )
