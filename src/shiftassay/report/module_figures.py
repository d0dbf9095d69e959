"""Figures of what a network's modules do: transformations of images, and where attention looks."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from shiftassay.paths import inside
from shiftassay.report.style import BLUE, ORANGE
from shiftassay.runs.store import read_arrays


class Arrays(TypedDict):
    """The arrays `prefix`/… in a file of the study's folder."""

    file: str
    prefix: str


class Histograms(TypedDict):
    """The numbers of every quantity."""

    values: Mapping[str, Sequence[float]]


def _transformed(data: Arrays, folder: Path) -> Canvas:
    """Images, the frame that is sampled, and what comes out of it."""
    arrays = read_arrays(inside(folder, data["file"]))[0]
    images, theta, seen = (arrays[f"{data['prefix']}/{key}"] for key in ("input", "theta", "seen"))
    canvas = Canvas(figsize=(1.05 * len(images) + 0.5, 2.3))
    axes = canvas.subplots(2, len(images), squeeze=False, gridspec_kw={"wspace": 0.03, "hspace": 0.03})
    height, width = images.shape[2:]
    corners = np.array([[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1], [-1, -1, 1]], float)
    for column, (image, matrix, out) in enumerate(zip(images, theta, seen, strict=True)):
        _picture(axes[0, column], image[0])
        x, y = matrix @ corners.T
        axes[0, column].plot((x + 1) * width / 2 - 0.5, (y + 1) * height / 2 - 0.5, color=ORANGE, linewidth=1.3)
        corner = x[0] * width / 2 + width / 2 - 0.5, y[0] * height / 2 + height / 2 - 0.5
        axes[0, column].plot(*corner, "o", color=ORANGE, markersize=3)
        margin = 0.3
        axes[0, column].set(
            xlim=(-margin * width, (1 + margin) * width),
            ylim=((1 + margin) * height, -margin * height),
            facecolor="#303540",
        )
        _picture(axes[1, column], out[0])
    for axis, name in zip(axes[:, 0], ("image", "seen"), strict=True):
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontweight="bold")
    return canvas


def _histograms(data: Histograms, folder: Path) -> Canvas:
    """One histogram for each quantity; the outermost 0.1% at either end are drawn at the edge."""
    values = data["values"]
    canvas = Canvas(figsize=(1.9 * len(values) + 0.2, 1.7))
    axes = canvas.subplots(1, len(values), squeeze=False)[0]
    for axis, (name, numbers) in zip(axes, values.items(), strict=True):
        low, high = np.quantile(numbers, [0.001, 0.999])
        axis.hist(np.clip(numbers, low, high), bins=40, color=BLUE)
        axis.set(xlabel=name, yticks=[])
        axis.spines["left"].set_visible(False)
    return canvas


def _attention_maps(data: Arrays, folder: Path) -> Canvas:
    """A row for each position that attends, a column for each image.

    Attention is in colour, the image in outline.
    """
    arrays = read_arrays(inside(folder, data["file"]))[0]
    images, maps, places = (arrays[f"{data['prefix']}/{key}"] for key in ("input", "maps", "places"))
    canvas = Canvas(figsize=(1.05 * len(images) + 0.2, 1.05 * len(places)))
    axes = canvas.subplots(len(places), len(images), squeeze=False, gridspec_kw={"wspace": 0.03, "hspace": 0.03})
    rows, columns = maps.shape[2:]
    height, width = images.shape[2:]
    # A position after 5 × 5 convolution and pooling by 2 sees 6 × 6 pixels, from twice its place.
    extent = (1.5, 1.5 + 2 * columns, 1.5 + 2 * rows, 1.5)
    for column, image in enumerate(images):
        for row, (y, x) in enumerate(places):
            axis = axes[row, column]
            _picture(axis, np.zeros_like(image[0]))
            axis.imshow(maps[column, row], cmap="inferno", extent=extent)
            axis.contour(image[0], levels=[0.5], colors="white", linewidths=0.6)
            axis.plot(2 * x + 2.5, 2 * y + 2.5, "s", markerfacecolor="none", markeredgecolor="white", markersize=6)
            axis.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    return canvas


def _picture(axis: Axes, image: np.ndarray) -> None:
    axis.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


MODULE_FIGURES: dict[str, Callable[[Any, Path], Canvas]] = {
    "attention_maps": _attention_maps,
    "histograms": _histograms,
    "transformed": _transformed,
}
