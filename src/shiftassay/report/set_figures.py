"""Figures of image sets and of how models do on them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from shiftassay.paths import inside
from shiftassay.report.style import BEFORE, BLUE, GRAY, HEAT, INK, MORE, on_heat, plain_log_ticks
from shiftassay.runs.store import read_arrays
from shiftassay.words.numbers import DASH, number, percent

MANY_SEEDS = 6

EstimateLowHigh = Sequence[float]
"""An accuracy and the ends of its interval."""


class Samples(TypedDict):
    """The names of arrays in a file of the study, each with one image for each class.

    The first so `many` are shown; by default all.
    """

    file: str
    names: Sequence[str]
    many: NotRequired[int]


class SetAccuracies(TypedDict):
    """Accuracy of each image set with the ends of its interval, and by seed.

    `chance` is that of answers drawn at random.
    """

    names: Sequence[str]
    estimate: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    seeds: Sequence[Sequence[float]]
    chance: float


class Confusions(TypedDict):
    """For each image set the number of images by true class, then by answer."""

    names: Sequence[str]
    matrices: Sequence[Sequence[Sequence[int]]]


class Recalls(TypedDict):
    """For each image set the recall of each class; None for a class without images."""

    names: Sequence[str]
    recall: Sequence[Sequence[float | None]]


class MemberCurves(TypedDict):
    """One seed's losses and accuracies by epoch; None where nothing was held out."""

    seed: int
    loss: Sequence[float]
    validation_loss: Sequence[float | None]
    validation_accuracy: Sequence[float | None]


class TrainingCurves(TypedDict):
    """The training of each seed."""

    members: Sequence[MemberCurves]


class Confidences(TypedDict):
    """Accuracy and mean confidence of each image set."""

    names: Sequence[str]
    accuracy: Sequence[float]
    confidence: Sequence[float]


class Designs(TypedDict):
    """For each design the accuracy on each variant, in the order of the columns."""

    columns: Sequence[str]
    designs: Mapping[str, Sequence[EstimateLowHigh]]


class Dose(TypedDict):
    """For each line the accuracy at each tick."""

    ticks: Sequence[str]
    label: str
    series: Mapping[str, Sequence[EstimateLowHigh]]


def _samples(data: Samples, folder: Path) -> Canvas:
    """One row for each image set, one column for each class."""
    arrays = read_arrays(inside(folder, data["file"]))[0]
    names = data["names"]
    images = {name: arrays[name][: data.get("many")] for name in names}
    columns = len(images[names[0]])
    canvas = Canvas(figsize=(0.62 * columns + 1.1, 0.66 * len(names)))
    axes = canvas.subplots(len(names), columns, squeeze=False, gridspec_kw={"wspace": 0.02, "hspace": 0.02})
    for row, name in zip(axes, names, strict=True):
        for axis, image in zip(row, images[name], strict=True):
            shown = np.moveaxis(image, 0, -1) if len(image) in (3, 4) else image[0]
            axis.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontweight="bold", labelpad=6)
    return canvas


def _accuracy(data: SetAccuracies, folder: Path) -> Canvas:
    """Accuracy of each image set with its interval, and one small mark for each seed."""
    names = data["names"]
    canvas = Canvas(figsize=(6.6, 0.42 * len(names) + 0.9))
    axis = canvas.subplots()
    for row, (estimate, low, high) in enumerate(zip(data["estimate"], data["low"], data["high"], strict=True)):
        axis.plot([100 * low, 100 * high], [row, row], color=BEFORE, linewidth=2.2, solid_capstyle="round")
        seeds = data["seeds"][row]
        if len(seeds) > 1:
            axis.plot(
                100 * np.array(seeds),
                [row] * len(seeds),
                "|",
                color=GRAY,
                markersize=11,
                markeredgewidth=1.2,
            )
        axis.plot(100 * estimate, row, "o", color=BEFORE, markersize=6)
        beside = estimate > 0.6
        edge = min(low, *seeds) if beside else max(high, *seeds)
        axis.annotate(
            percent(estimate, 2),
            (100 * edge, row),
            xytext=(-9 if beside else 9, 0),
            textcoords="offset points",
            ha="right" if beside else "left",
            va="center",
            color=INK,
        )
    axis.axvline(100 * data["estimate"][0], color=GRAY, linewidth=0.8, linestyle=":")
    axis.axvline(100 * data["chance"], color=GRAY, linewidth=0.8, linestyle="--")
    axis.annotate("chance", (100 * data["chance"], -0.6), ha="center", va="bottom", color=GRAY, fontsize=8)
    axis.set(
        yticks=range(len(names)),
        yticklabels=names,
        xlim=(0, 102),
        ylim=(len(names) - 0.4, -0.6),
        xlabel="accuracy, %",
    )
    return canvas


def _confusions(data: Confusions, folder: Path) -> Canvas:
    """A confusion matrix for each image set, each row scaled to the images of its class."""
    names, columns = data["names"], min(3, len(data["names"]))
    rows = -(-len(names) // columns)
    canvas = Canvas(figsize=(2.45 * columns + 0.6, 2.5 * rows))
    axes = canvas.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    colors = PowerNorm(0.5, 0, 100)
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    for axis, name, matrix in zip(axes.flat, names, data["matrices"], strict=False):
        counts = np.array(matrix, float)
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axis.imshow(100 * share, cmap=HEAT, norm=colors)
        axis.set_title(name)
        axis.tick_params(length=0, labelbottom=True)
        ticks = range(len(counts)) if len(counts) <= 10 else []
        axis.set(xticks=ticks, yticks=ticks)
        axis.spines[:].set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel("class")
    canvas.supxlabel("taken for", fontsize=9, color=INK)
    canvas.colorbar(
        ScalarMappable(colors, HEAT),
        ax=axes,
        label="% of the class",
        shrink=0.7,
        aspect=30,
        ticks=[0, 5, 25, 50, 100],
    )
    return canvas


def _recall(data: Recalls, folder: Path) -> Canvas:
    """Recall of each class on each image set, as numbers on colour."""
    values = np.array([[np.nan if v is None else 100 * v for v in row] for row in data["recall"]])
    names, classes = data["names"], values.shape[1]
    canvas = Canvas(figsize=(0.56 * classes + 1.4, 0.36 * len(names) + 0.9))
    axis = canvas.subplots()
    axis.imshow(values, cmap=HEAT, vmin=0, vmax=100, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        text, color = DASH if np.isnan(value) else number(value, 1), INK if np.isnan(value) else on_heat(value / 100)
        axis.annotate(text, (column, row), ha="center", va="center", fontsize=8, color=color)
    axis.set(xticks=range(classes), yticks=range(len(names)), yticklabels=names, xlabel="class")
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    return canvas


def _curves(data: TrainingCurves, folder: Path) -> Canvas:
    """Loss and validation accuracy by epoch, a line for each seed."""
    canvas = Canvas(figsize=(7.2, 2.7))
    loss, accuracy = canvas.subplots(1, 2)
    for index, member in enumerate(data["members"]):
        epochs = range(1, len(member["loss"]) + 1)
        first = index == 0
        marker = "o" if len(member["loss"]) == 1 else None
        loss.plot(
            epochs,
            member["loss"],
            color=GRAY,
            linewidth=1,
            marker=marker,
            label="training" if first else None,
        )
        if member["validation_loss"][0] is not None:
            loss.plot(
                epochs,
                member["validation_loss"],
                color=BLUE,
                linewidth=1.2,
                marker=marker,
                label="validation" if first else None,
            )
            percents = 100 * np.array(member["validation_accuracy"])
            label = f"seed {member['seed']}" if len(data["members"]) <= MANY_SEEDS else None
            accuracy.plot(epochs, percents, linewidth=1.2, marker=marker, label=label)
    settled = [v for m in data["members"] for v in m["validation_accuracy"][len(m["loss"]) // 4 :] if v is not None]
    if settled:
        # The first epochs would flatten all others.
        accuracy.set_ylim(100 * min(settled) - 0.3, 100 * max(settled) + 0.3)
    loss.set(xlabel="epoch", ylabel="loss", yscale="log", title="Loss")
    plain_log_ticks(loss.yaxis)
    accuracy.set(xlabel="epoch", ylabel="%", title="Validation accuracy")
    for axis in (loss, accuracy):
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    loss.legend()
    if accuracy.get_legend_handles_labels()[0]:
        accuracy.legend(loc="lower right")
    return canvas


def _confidence(data: Confidences, folder: Path) -> Canvas:
    """How sure the model was, beside how often it was right."""
    names = data["names"]
    canvas = Canvas(figsize=(6.6, 0.4 * len(names) + 1.0))
    axis = canvas.subplots()
    for row, (accuracy, confidence) in enumerate(zip(data["accuracy"], data["confidence"], strict=True)):
        axis.plot([100 * accuracy, 100 * confidence], [row, row], color=GRAY, linewidth=1.5, zorder=1)
        axis.plot(100 * accuracy, row, "o", color=BEFORE, label="accuracy" if not row else None)
        axis.plot(
            100 * confidence,
            row,
            "D",
            color=MORE[4],
            markersize=5,
            label="mean confidence" if not row else None,
        )
    axis.set(yticks=range(len(names)), yticklabels=names, xlim=(0, 102), ylim=(len(names) - 0.5, -0.5), xlabel="%")
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
    return canvas


def _designs(data: Designs, folder: Path) -> Canvas:
    """Accuracy of each design on each variant, with intervals.

    The axis is in log-odds, on which 98.5% and 99% are apart.
    """
    columns, designs = data["columns"], data["designs"]
    canvas = Canvas(figsize=(7.2, (0.11 * len(designs) + 0.18) * len(columns) + 1.1))
    axis = canvas.subplots()
    ends = (0.005, 0.9995)
    for place, (name, values) in enumerate(designs.items()):
        rows = np.arange(len(columns)) + 0.8 * ((place + 0.5) / len(designs) - 0.5)
        estimate, low, high = np.clip(np.array(values).T, *ends)
        color = INK if name == "specialists" else MORE[place % len(MORE)]
        axis.hlines(rows, low, high, color=color, linewidth=1.6)
        axis.plot(estimate, rows, "D" if name == "specialists" else "o", color=color, markersize=4, label=name)
    for row in range(1, len(columns)):
        axis.axhline(row - 0.5, color=GRAY, linewidth=0.4)
    ticks = (0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
    axis.set_xscale("logit")
    axis.set_xticks(ticks, [f"{100 * tick:g}" for tick in ticks])
    axis.set_xticks([], minor=True)
    axis.set(
        yticks=range(len(columns)),
        yticklabels=columns,
        ylim=(len(columns) - 0.5, -0.5),
        xlabel="accuracy, %, by log-odds",
    )
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0)
    return canvas


def _dose(data: Dose, folder: Path) -> Canvas:
    """Accuracy, with intervals, as one thing is varied in steps."""
    canvas = Canvas(figsize=(5.6, 2.8))
    axis = canvas.subplots()
    places = range(len(data["ticks"]))
    for (name, rows), color in zip(data["series"].items(), MORE, strict=False):
        estimate, low, high = 100 * np.array(rows).T
        axis.vlines(places, low, high, color=color, linewidth=1.6)
        axis.plot(places, estimate, "o-", color=color, markersize=4, linewidth=1, label=name)
    axis.set(xticks=places, xticklabels=data["ticks"], ylim=(0, 102), xlabel=data["label"], ylabel="accuracy, %")
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
    return canvas


SET_FIGURES: dict[str, Callable[[Any, Path], Canvas]] = {
    "accuracy": _accuracy,
    "confidence": _confidence,
    "confusions": _confusions,
    "curves": _curves,
    "designs": _designs,
    "dose": _dose,
    "recall": _recall,
    "samples": _samples,
}
