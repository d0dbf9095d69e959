"""Figures of a diagnosis: images and their remakes, what candidates leave, accuracies."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas

from shiftassay.report.style import BLUE, GREY, INK, ORANGE


def _image_rows(data: dict[str, Any], folder: Path) -> Canvas:
    """One row for what was done, one column for each image; `signed` rows from blue (darker) over white to red."""
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


def _left_over(data: dict[str, Any], folder: Path) -> Canvas:
    """A picture for each candidate of the mean square that it leaves in each pixel, on one scale."""
    maps = data["maps"]
    canvas = Canvas(figsize=(1.95 * len(maps) + 0.7, 2.35))
    axes = canvas.subplots(1, len(maps), squeeze=False)[0]
    largest = max(float(values.max()) for _, values in maps)
    shown = None
    for axis, (name, values) in zip(axes, maps, strict=True):
        shown = axis.imshow(values, cmap="magma", vmin=0, vmax=largest, interpolation="nearest")
        axis.set(xticks=[], yticks=[])
        axis.set_title(name, fontsize=8.5)
        axis.spines[:].set_visible(False)
    assert shown is not None
    canvas.colorbar(shown, ax=list(axes), shrink=0.75, aspect=18, label="mean square")
    return canvas


def _unexplained(data: dict[str, Any], folder: Path) -> Canvas:
    """A bar for each candidate: what it leaves, on a logarithmic scale."""
    names, values = data["names"], np.array(data["values"], float)
    canvas = Canvas(figsize=(7.2, 0.3 * len(names) + 0.85))
    axis = canvas.subplots()
    left = data["floor"]
    colours = [ORANGE if i == data["verdict"] else BLUE for i in range(len(names))]
    axis.barh(range(len(names)), np.maximum(values, left * 1.06) - left, left=left, color=colours, height=0.62)
    for row, (value, said) in enumerate(zip(values, data["said"], strict=True)):
        axis.annotate(
            said, (max(value, left * 1.06), row), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8
        )
    for row, limit in enumerate(data["limits"]):
        axis.plot([limit, limit], [row - 0.42, row + 0.42], color=GREY, linewidth=1.4)
    axis.set(xscale="log", yticks=range(len(names)), ylim=(len(names) - 0.45, -0.55), xlabel=data["label"])
    axis.set_yticklabels(names, fontsize=8)
    axis.set_xlim(left, max(float(values.max()), left * 10) * 2.2)
    ticks = [t for t in data["ticks"] if left <= t <= axis.get_xlim()[1]]
    axis.set_xticks(ticks, [f"{100 * t:g}%" if data["percent"] else f"{t:g}" for t in ticks])
    axis.set_xticks([], minor=True)
    return canvas


def _dots(data: dict[str, Any], folder: Path) -> Canvas:
    """Shares with their intervals; bounds from one side only as arrows."""
    rows = data["rows"]
    canvas = Canvas(figsize=(6.6, 0.36 * len(rows) + 0.8))
    axis = canvas.subplots()
    for row, (_, estimate, low, high, kind) in enumerate(rows):
        colour = {"accuracy": BLUE, "ceiling": ORANGE}[kind]
        axis.plot([100 * low, 100 * high], [row, row], color=colour, linewidth=2.2, solid_capstyle="round", alpha=0.55)
        axis.plot(100 * estimate, row, "o", color=colour, markersize=6)
        beside = estimate > 0.6
        axis.annotate(
            f"{100 * estimate:.1f}%", (100 * (low if beside else high), row), xytext=(-7 if beside else 7, 0),
            textcoords="offset points", ha="right" if beside else "left", va="center", color=INK,
        )  # fmt: skip
    if data["chance"] is not None:
        axis.axvline(100 * data["chance"], color=GREY, linewidth=0.8, linestyle="--")
        axis.annotate("chance", (100 * data["chance"], -0.6), ha="center", va="bottom", color=GREY, fontsize=8)
    axis.set(
        yticks=range(len(rows)),
        yticklabels=[row[0] for row in rows],
        xlim=(0, 102),
        ylim=(len(rows) - 0.4, -0.6),
        xlabel="accuracy, %",
    )
    return canvas


DIAGNOSIS_FIGURES: dict[str, Callable[[dict[str, Any], Path], Canvas]] = {
    "dots": _dots,
    "image_rows": _image_rows,
    "left_over": _left_over,
    "unexplained": _unexplained,
}
