"""Figures of a diagnosis: images and their remakes, residuals of candidates, accuracies."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np
from matplotlib.figure import Figure as Canvas

from shiftassay.report.style import AFTER, BEFORE, BLUE, CEILING, GRAY, HEAT, INK, plain_log_ticks
from shiftassay.words.numbers import brackets, percent


class ImageRows(TypedDict):
    """Rows of images (n, c, h, w) by their names.

    `signed` rows are differences, the others lie in `range`.
    """

    rows: Mapping[str, np.ndarray]
    signed: Sequence[str]
    range: Sequence[float]


class Residuals(TypedDict):
    """Names, and for each the mean square residual (h, w) in each pixel."""

    names: Sequence[str]
    maps: Sequence[np.ndarray]


class Unexplained(TypedDict):
    """Each candidate's residual, with a text beside it and the limit up to which it fits.

    `verdict` is the place of the candidate that became it. `shares` are of the change, other residuals are distances.
    """

    names: Sequence[str]
    values: Sequence[float]
    texts: Sequence[str]
    limits: Sequence[float | None]
    verdict: int | None
    shares: bool
    label: str


DotKind = Literal["reference", "shifted", "undone", "ceiling"]


class Dot(TypedDict):
    """An accuracy with its interval: of what, or an estimate of the ceiling."""

    name: str
    estimate: float
    low: float
    high: float
    kind: DotKind


class Dots(TypedDict):
    """Accuracies from the top down, and that of answers drawn at random."""

    rows: Sequence[Dot]
    chance: float | None


class Power(TypedDict):
    """The power of images by spatial frequency, in cycles in a pixel, by their names."""

    frequencies: Sequence[float]
    power: Mapping[str, Sequence[float]]


def _image_rows(data: ImageRows, folder: Path) -> Canvas:
    """One row for each step, one column for each image.

    `signed` rows go from blue (darker) over white to red.
    """
    rows, signed = data["rows"], data["signed"]
    columns = max(len(images) for images in rows.values())
    canvas = Canvas(figsize=(0.66 * columns + 1.1, 0.68 * len(rows)))
    axes = canvas.subplots(len(rows), columns, squeeze=False, gridspec_kw={"wspace": 0.02, "hspace": 0.02})
    for row, (name, images) in zip(axes, rows.items(), strict=True):
        low, high = data["range"]
        for axis, image in zip(row, images, strict=False):
            if name in signed:
                axis.imshow(image.mean(0), cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
                axis.spines[:].set(visible=True, linewidth=0.4)
            else:
                shown = np.clip((image - low) / (high - low), 0, 1)
                picture = np.moveaxis(shown, 0, -1) if len(shown) in (3, 4) else shown[0]
                axis.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
                axis.spines[:].set_visible(False)
        for axis in row:
            axis.set(xticks=[], yticks=[])
        for axis in row[len(images) :]:
            axis.set_visible(False)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontweight="bold", labelpad=6)
    return canvas


def _residuals(data: Residuals, folder: Path) -> Canvas:
    """Each candidate's mean square residual in each pixel, on one scale."""
    names, maps = data["names"], data["maps"]
    canvas = Canvas(figsize=(1.95 * len(maps) + 0.7, 2.35))
    axes = canvas.subplots(1, len(maps), squeeze=False)[0]
    largest = max(float(values.max()) for values in maps)
    style = {"cmap": HEAT, "vmin": 0, "vmax": largest, "interpolation": "nearest"}
    pictures = [axis.imshow(values, **style) for axis, values in zip(axes, maps, strict=True)]
    for axis, name in zip(axes, names, strict=True):
        axis.set(xticks=[], yticks=[])
        axis.set_title(name, fontsize=8.5)
        axis.spines[:].set_visible(False)
    canvas.colorbar(pictures[-1], ax=list(axes), shrink=0.75, aspect=18, label="mean square")
    return canvas


def _unexplained(data: Unexplained, folder: Path) -> Canvas:
    """A bar for each candidate's share of the change; a dot for its distance, on a log axis."""
    names, values = data["names"], np.array(data["values"], float)
    canvas = Canvas(figsize=(6.8, 0.3 * len(names) + 0.75))
    axis = canvas.subplots()
    colors = [BLUE if i == data["verdict"] else GRAY for i in range(len(names))]
    if data["shares"]:
        shown = 100 * np.minimum(values, 1)
        axis.barh(range(len(names)), shown, color=colors, height=0.6)
        axis.set_xlim(0, 112)
    else:
        shown = np.maximum(values, 0.05)
        axis.scatter(shown, range(len(names)), c=colors, s=30)
        axis.set(xscale="log", xlim=(shown.min() / 2, shown.max() * 4))
        plain_log_ticks(axis.xaxis)
    scale = 100 if data["shares"] else 1
    beside = {"xytext": (5, 0), "textcoords": "offset points", "va": "center", "fontsize": 8}
    for row, (value, text, limit) in enumerate(zip(shown, data["texts"], data["limits"], strict=True)):
        weight = "bold" if row == data["verdict"] else "normal"
        axis.annotate(text, (value, row), fontweight=weight, **beside)
        if limit is not None and scale * limit <= axis.get_xlim()[1]:
            axis.plot([scale * limit] * 2, [row - 0.42, row + 0.42], color=INK, linewidth=1.4)
    axis.set(yticks=range(len(names)), ylim=(len(names) - 0.45, -0.55), xlabel=data["label"])
    for row, label in enumerate(axis.set_yticklabels(names, fontsize=8)):
        label.set_fontweight("bold" if row == data["verdict"] else "normal")
    return canvas


def _dots(data: Dots, folder: Path) -> Canvas:
    """Shares with their intervals."""
    rows = data["rows"]
    canvas = Canvas(figsize=(6.4, 0.34 * len(rows) + 0.8))
    axis = canvas.subplots()
    for row, dot in enumerate(rows):
        color = {"reference": INK, "shifted": BEFORE, "undone": AFTER, "ceiling": CEILING}[dot["kind"]]
        low, high, estimate = 100 * dot["low"], 100 * dot["high"], 100 * dot["estimate"]
        axis.plot([low, high], [row, row], color=color, linewidth=5, solid_capstyle="butt", alpha=0.4)
        axis.plot(estimate, row, "o", color=color, markersize=5)
        end, away, side = (low, -7, "right") if estimate > 60 else (high, 7, "left")
        beside = {"xytext": (away, 0), "textcoords": "offset points", "ha": side, "va": "center", "color": color}
        text = f"{percent(dot['estimate'], 1)} {brackets((dot['low'], dot['high']), digits=1)}"
        axis.annotate(text, (end, row), **beside)
    if data["chance"] is not None:
        axis.axvline(100 * data["chance"], color=GRAY, linewidth=0.8, linestyle="--")
        axis.annotate("chance", (100 * data["chance"], -0.6), ha="center", va="bottom", color=GRAY, fontsize=8)
    axis.set(
        yticks=range(len(rows)),
        yticklabels=[dot["name"] for dot in rows],
        xlim=(0, 102),
        ylim=(len(rows) - 0.4, -0.6),
        xlabel="accuracy, %",
    )
    return canvas


def _power(data: Power, folder: Path) -> Canvas:
    """A line for each set on a log axis, by how many pixels a cycle has."""
    canvas = Canvas(figsize=(5.6, 2.6))
    axis = canvas.subplots()
    styles = {"reference": (INK, "-", 2.2), "shifted": (BEFORE, "-", 2.2), "made again": (BLUE, "--", 1.4)}
    for name, power in data["power"].items():
        color, dashes, width = styles[name]
        axis.plot(data["frequencies"], power, dashes, color=color, linewidth=width, label=name)
    cycles = (16, 8, 4, 3, 2)
    axis.set(yscale="log", xlabel="pixels a cycle", ylabel="mean power", xlim=(0, 0.5))
    axis.set_xticks([1 / pixels for pixels in cycles], [str(pixels) for pixels in cycles])
    plain_log_ticks(axis.yaxis)
    axis.legend(fontsize=8)
    return canvas


DIAGNOSIS_FIGURES: dict[str, Callable[[Any, Path], Canvas]] = {
    "dots": _dots,
    "image_rows": _image_rows,
    "power": _power,
    "residuals": _residuals,
    "unexplained": _unexplained,
}
