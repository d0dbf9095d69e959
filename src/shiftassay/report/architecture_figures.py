"""Figures of networks that are compared.

They show losses, groups of seeds, pairs, matrices, factors and costs.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator
from scipy.stats import t

from shiftassay.report.style import BLUE, GRAY, HEAT, INK, MORE, ORANGE, PAPER, on_heat, plain_log_ticks
from shiftassay.words.numbers import DASH


class LossCurves(TypedDict):
    """For each network the loss by seed and epoch."""

    losses: Mapping[str, Sequence[Sequence[float]]]


class Groups(TypedDict):
    """Groups of values, and for each the value that a source claims.

    The axis is linear by default.
    """

    names: Sequence[str]
    values: Sequence[Sequence[float]]
    claimed: Sequence[float | None]
    scale: float
    label: str
    log: NotRequired[bool]


class Pairs(TypedDict):
    """Differences with two intervals each, one wider than the other, and the equivalence margin."""

    names: Sequence[str]
    difference: Sequence[Sequence[float]]
    wider: Sequence[Sequence[float]]
    margin: float


class Matrix(TypedDict):
    """Numbers by row and column, scaled and formatted; with `reverse`, low ones are good."""

    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float | None]]
    scale: float
    format: str
    reverse: NotRequired[bool]


class Spike(TypedDict):
    """By epoch, the loss and the shares of sampling points outside the image.

    `epoch` is that of the spike.
    """

    name: str
    loss: Sequence[float]
    outside: Mapping[str, Sequence[float]]
    epoch: int


class Effects(TypedDict):
    """For each factor the accuracies at each of its levels."""

    factors: Mapping[str, Mapping[str, Sequence[float]]]


class Interaction(TypedDict):
    """Two factors, and mean accuracies by level of the second, then of the first."""

    factors: Sequence[str]
    means: Mapping[str, Mapping[str, float]]


class Interactions(TypedDict):
    """Pairs of factors that interact."""

    pairs: Sequence[Interaction]


class Costs(TypedDict):
    """For each network its million operations an image, and its accuracies in percent."""

    names: Sequence[str]
    flops: Sequence[float]
    accuracy: Sequence[Sequence[float]]


def _loss_curves(data: LossCurves, folder: Path) -> Canvas:
    """The loss by epoch: a panel for each network, a line for each seed; logarithmic axes."""
    names = list(data["losses"])
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    canvas = Canvas(figsize=(2.75 * columns, 2.1 * rows + 0.2))
    axes = canvas.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    for axis, name in zip(axes.flat, names, strict=False):
        for seed, loss in enumerate(data["losses"][name]):
            marker = "o" if len(loss) < 3 else None
            axis.plot(range(1, len(loss) + 1), loss, color=MORE[seed % len(MORE)], linewidth=0.7, marker=marker)
        axis.set(yscale="log", title=name)
        plain_log_ticks(axis.yaxis)
        axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    canvas.supxlabel("epoch", fontsize=9, color=INK)
    canvas.supylabel("loss on the test set", fontsize=9, color=INK)
    return canvas


def _groups(data: Groups, folder: Path) -> Canvas:
    """One row for each group: its values, their mean with its 95% interval, and the claim."""
    names, scale, log = data["names"], data["scale"], data.get("log", False)
    canvas = Canvas(figsize=(6.8, 0.36 * len(names) + 0.8))
    axis = canvas.subplots()
    for row, (values, claimed) in enumerate(zip(data["values"], data["claimed"], strict=True)):
        shown = scale * np.array(values)
        space = np.log(np.maximum(shown, 1e-12)) if log else shown
        mean = space.mean()
        if len(values) > 1:
            half = t.isf(0.025, len(values) - 1) * space.std(ddof=1) / np.sqrt(len(values))
            ends = np.array([mean - half, mean + half])
            axis.plot(
                np.exp(ends) if log else ends, [row, row], color=BLUE, linewidth=2.2, solid_capstyle="round", alpha=0.6
            )
        axis.plot(shown, [row] * len(shown), "|", color=ORANGE, markersize=11, markeredgewidth=1.3)
        axis.plot(np.exp(mean) if log else mean, row, "o", color=BLUE, markersize=5)
        if claimed is not None:
            axis.plot(scale * claimed, row, "D", markerfacecolor=PAPER, markeredgecolor=INK, markersize=5)
    axis.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5), xlabel=data["label"])
    if log:
        axis.set_xscale("log")
        plain_log_ticks(axis.xaxis)
    axis.grid(axis="x", color=GRAY, alpha=0.25, linewidth=0.6)
    return canvas


def _pairs(data: Pairs, folder: Path) -> Canvas:
    """Differences with their intervals, in points, around a band that counts as none."""
    names = data["names"]
    canvas = Canvas(figsize=(7.2, 0.27 * len(names) + 0.9))
    axis = canvas.subplots()
    margin = 100 * data["margin"]
    axis.axvspan(-margin, margin, color=GRAY, alpha=0.15, linewidth=0)
    axis.axvline(0, color=GRAY, linewidth=0.8)
    for row, ((estimate, low, high), (wide_low, wide_high)) in enumerate(
        zip(data["difference"], data["wider"], strict=True)
    ):
        axis.plot([100 * wide_low, 100 * wide_high], [row, row], color=BLUE, linewidth=0.9)
        axis.plot([100 * low, 100 * high], [row, row], color=BLUE, linewidth=3, solid_capstyle="round", alpha=0.55)
        axis.plot(100 * estimate, row, "o", color=BLUE, markersize=4.5)
    axis.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5), xlabel="difference, points")
    return canvas


def _matrix(data: Matrix, folder: Path) -> Canvas:
    """Numbers on colour."""
    rows, columns = data["rows"], data["columns"]
    values = data["scale"] * np.array([[np.nan if v is None else v for v in row] for row in data["values"]], float)
    longest = max(len(name) for name in rows)
    canvas = Canvas(figsize=(0.85 * len(columns) + 0.075 * longest + 0.4, 0.29 * len(rows) + 0.95))
    axis = canvas.subplots()
    axis.imshow(
        values,
        cmap=f"{HEAT}_r" if data.get("reverse") else HEAT,
        vmin=np.nanmin(values),
        vmax=np.nanmax(values) + 1e-9,
        aspect="auto",
    )
    lowest, span = np.nanmin(values), np.nanmax(values) - np.nanmin(values) + 1e-9
    digits = int(data["format"].removeprefix(".").removesuffix("f"))
    for (row, column), value in np.ndenumerate(values):
        label = DASH if np.isnan(value) else f"{value:.{min(digits, 9)}f}"
        share = (value - lowest) / span
        color = INK if np.isnan(value) else on_heat(1 - share if data.get("reverse") else share)
        axis.annotate(label, (column, row), ha="center", va="center", fontsize=8, color=color)
    axis.set(yticks=range(len(rows)), yticklabels=rows)
    axis.set_xticks(
        range(len(columns)), [name.replace("-", "-\n", 1).replace(", ", ",\n") for name in columns], fontsize=8
    )
    axis.tick_params(length=0, labelbottom=False, labeltop=True)
    axis.spines[:].set_visible(False)
    return canvas


def _spike(data: Spike, folder: Path) -> Canvas:
    """The loss by epoch above the share of sampling points that leave the image."""
    canvas = Canvas(figsize=(7.2, 3.2))
    loss, outside = canvas.subplots(2, 1, sharex=True)
    epochs = range(1, len(data["loss"]) + 1)
    loss.plot(epochs, data["loss"], color=BLUE, linewidth=0.9)
    loss.set(yscale="log", ylabel="loss", title=data["name"])
    plain_log_ticks(loss.yaxis)
    for (name, values), color in zip(data["outside"].items(), (GRAY, ORANGE), strict=True):
        outside.plot(epochs, 100 * np.array(values), color=color, linewidth=0.9, label=name)
    outside.set(ylabel="outside, %", xlabel="epoch")
    for axis in (loss, outside):
        axis.axvline(data["epoch"], color=GRAY, linewidth=0.7, linestyle=":")
    outside.legend(loc="upper left", ncols=2, fontsize=8)
    return canvas


def _effects(data: Effects, folder: Path) -> Canvas:
    """One panel for each factor: the mean at each of its levels, over single runs."""
    factors = data["factors"]
    canvas = Canvas(figsize=(1.9 * len(factors) + 0.5, 2.4))
    axes = canvas.subplots(1, len(factors), sharey=True, squeeze=False)[0]
    for axis, (factor, levels) in zip(axes, factors.items(), strict=True):
        for place, values in enumerate(levels.values()):
            axis.plot([place] * len(values), 100 * np.array(values), "_", color=ORANGE, alpha=0.5, markersize=8)
        means = [100 * np.mean(values) for values in levels.values()]
        axis.plot(range(len(levels)), means, "o-", color=BLUE, linewidth=1.4, markersize=5)
        axis.set(title=factor, xlim=(-0.5, len(levels) - 0.5))
        axis.set_xticks(range(len(levels)), list(levels), fontsize=7)
    axes[0].set_ylabel("held-out accuracy, %")
    return canvas


def _interactions(data: Interactions, folder: Path) -> Canvas:
    """One panel for each pair of factors, one line for each level of the second."""
    pairs = data["pairs"]
    canvas = Canvas(figsize=(2.9 * len(pairs) + 0.3, 2.5))
    axes = canvas.subplots(1, len(pairs), sharey=True, squeeze=False)[0]
    for axis, pair in zip(axes, pairs, strict=True):
        first, second = pair["factors"]
        for place, (level, means) in enumerate(pair["means"].items()):
            color = MORE[place % len(MORE)]
            axis.plot(list(means), 100 * np.array(list(means.values())), "o-", color=color, label=level, linewidth=1.3)
        axis.set(xlabel=first)
        axis.legend(title=second, fontsize=8, title_fontsize=8)
        axis.margins(x=0.15)
    axes[0].set_ylabel("held-out accuracy, %")
    return canvas


def _cost(data: Costs, folder: Path) -> Canvas:
    """Accuracy against arithmetic."""
    canvas = Canvas(figsize=(6.4, 3.1))
    axis = canvas.subplots()
    for place, (name, flops, values) in enumerate(zip(data["names"], data["flops"], data["accuracy"], strict=True)):
        color = MORE[place % len(MORE)]
        axis.plot([flops] * len(values), values, "_", color=color, markersize=9, alpha=0.6)
        axis.plot(flops, np.mean(values), "o", color=color, markersize=7)
        beside = {"xytext": (8, 0), "textcoords": "offset points", "va": "center", "color": color}
        axis.annotate(name, (flops, float(np.mean(values))), **beside)
    axis.set(xlabel="million operations an image, forward", ylabel="accuracy, %", xscale="log")
    plain_log_ticks(axis.xaxis)
    axis.margins(x=0.25)
    axis.grid(color=GRAY, alpha=0.25, linewidth=0.6)
    return canvas


ARCHITECTURE_FIGURES: dict[str, Callable[[Any, Path], Canvas]] = {
    "cost": _cost,
    "effects": _effects,
    "groups": _groups,
    "interactions": _interactions,
    "loss_curves": _loss_curves,
    "matrix": _matrix,
    "pairs": _pairs,
    "spike": _spike,
}
