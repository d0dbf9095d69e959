"""Figures of a diagnosis: images and their remakes, residuals of candidates, accuracies."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np
from matplotlib.figure import Figure as Canvas

from shiftassay.report.style import BLUE, GRAY, INK, ORANGE
from shiftassay.words.numbers import number, percent


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
    """Each candidate's residual, with a text beside its bar and the limit up to which it fits.

    Bars begin at `floor`; `verdict` is the place of the candidate that became it. With `percent`, ticks are shares.
    """

    names: Sequence[str]
    values: Sequence[float]
    texts: Sequence[str]
    limits: Sequence[float | None]
    floor: float
    verdict: int | None
    ticks: Sequence[float]
    percent: bool
    label: str


class Dot(TypedDict):
    """An accuracy with its interval, or an estimate of the ceiling."""

    name: str
    estimate: float
    low: float
    high: float
    kind: Literal["accuracy", "ceiling"]


class Dots(TypedDict):
    """Accuracies from the top down, and that of answers drawn at random."""

    rows: Sequence[Dot]
    chance: float | None


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
    style = {"cmap": "magma", "vmin": 0, "vmax": largest, "interpolation": "nearest"}
    pictures = [axis.imshow(values, **style) for axis, values in zip(axes, maps, strict=True)]
    for axis, name in zip(axes, names, strict=True):
        axis.set(xticks=[], yticks=[])
        axis.set_title(name, fontsize=8.5)
        axis.spines[:].set_visible(False)
    canvas.colorbar(pictures[-1], ax=list(axes), shrink=0.75, aspect=18, label="mean square")
    return canvas


def _unexplained(data: Unexplained, folder: Path) -> Canvas:
    """A bar for each candidate: its residual, on a logarithmic scale."""
    names, values, floor = data["names"], np.array(data["values"], float), data["floor"]
    canvas = Canvas(figsize=(7.2, 0.3 * len(names) + 0.85))
    axis = canvas.subplots()
    colors = [ORANGE if i == data["verdict"] else BLUE for i in range(len(names))]
    axis.barh(range(len(names)), np.maximum(values, floor * 1.06) - floor, left=floor, color=colors, height=0.62)
    beside = {"xytext": (4, 0), "textcoords": "offset points", "va": "center", "fontsize": 8}
    for row, (value, text) in enumerate(zip(values, data["texts"], strict=True)):
        axis.annotate(text, (max(value, floor * 1.06), row), **beside)
    for row, limit in enumerate(data["limits"]):
        if limit is not None:
            axis.plot([limit, limit], [row - 0.42, row + 0.42], color=GRAY, linewidth=1.4)
    axis.set(xscale="log", yticks=range(len(names)), ylim=(len(names) - 0.45, -0.55), xlabel=data["label"])
    axis.set_yticklabels(names, fontsize=8)
    axis.set_xlim(floor, max(float(values.max()), floor * 10) * 2.2)
    ticks = [tick for tick in data["ticks"] if floor <= tick <= axis.get_xlim()[1]]
    axis.set_xticks(ticks, [percent(t) if data["percent"] else number(t) for t in ticks])
    axis.set_xticks([], minor=True)
    return canvas


def _dots(data: Dots, folder: Path) -> Canvas:
    """Shares with their intervals."""
    rows = data["rows"]
    canvas = Canvas(figsize=(6.6, 0.36 * len(rows) + 0.8))
    axis = canvas.subplots()
    for row, dot in enumerate(rows):
        color = {"accuracy": BLUE, "ceiling": ORANGE}[dot["kind"]]
        low, high, estimate = 100 * dot["low"], 100 * dot["high"], 100 * dot["estimate"]
        axis.plot([low, high], [row, row], color=color, linewidth=2.2, solid_capstyle="round", alpha=0.55)
        axis.plot(estimate, row, "o", color=color, markersize=6)
        end, away, side = (low, -7, "right") if estimate > 60 else (high, 7, "left")
        beside = {"xytext": (away, 0), "textcoords": "offset points", "ha": side, "va": "center", "color": INK}
        axis.annotate(percent(dot["estimate"], 1), (end, row), **beside)
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


DIAGNOSIS_FIGURES: dict[str, Callable[[Any, Path], Canvas]] = {
    "dots": _dots,
    "image_rows": _image_rows,
    "residuals": _residuals,
    "unexplained": _unexplained,
}
