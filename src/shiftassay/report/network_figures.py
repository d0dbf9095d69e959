"""Drawings of networks: their layers from input to output, with shapes and parameters."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from shiftassay.report.style import BLUE, GRAY, INK, PAPER

LINE = 74  # characters of operations that fit beside a layer's name
ROW = 0.44  # inches


class DrawnLayer(TypedDict):
    """A layer: its operations, its output's shape for one image, its parameters, and its inputs."""

    name: str
    operations: Sequence[str]
    shape: Sequence[int]
    parameters: int
    inputs: Sequence[int]


class Architecture(TypedDict):
    """The layers of a network in the order of its forward pass."""

    layers: Sequence[DrawnLayer]


def _architecture(data: Architecture, folder: Path) -> Canvas:
    """A box for each layer, and an arrow for each of its inputs, around layers that it skips."""
    layers = data["layers"]
    canvas = Canvas(figsize=(7.2, ROW * len(layers) + 0.1))
    axes = canvas.subplots()
    axes.set(xlim=(0, 7.2), ylim=(len(layers) - 0.45, -0.55))
    axes.axis("off")
    for row, layer in enumerate(layers):
        color = BLUE if layer["parameters"] else GRAY
        box = FancyBboxPatch((0.2, row - 0.29), 6.2, 0.58, boxstyle="round,pad=0,rounding_size=0.06")
        box.set(facecolor=PAPER, edgecolor=color, linewidth=1.0)
        axes.add_patch(box)
        operations = " → ".join(layer["operations"])
        operations = operations if len(operations) <= LINE else operations[: LINE - 1] + "…"
        shape = " × ".join(str(size) for size in layer["shape"])
        parameters = f"{layer['parameters']:,}" if layer["parameters"] else ""
        axes.text(0.3, row, layer["name"], fontsize=7.5, fontweight="bold", color=INK, va="center")
        axes.text(1.5, row, operations, fontsize=6.5, color=INK, va="center")
        axes.text(5.55, row, shape, fontsize=7, color=INK, va="center", ha="right")
        axes.text(6.3, row, parameters, fontsize=7, color=BLUE, va="center", ha="right")
        for source in layer["inputs"]:
            _arrow(axes, source, row)
    return canvas


def _arrow(axes: Axes, source: int, target: int) -> None:
    """An arrow between the boxes of two rows, around those between them."""
    start, end = (3.3, source + 0.29), (3.3, target - 0.29)
    if target > source + 1:
        axes.plot([6.4, 6.75, 6.75], [source, source, target], color=INK, linewidth=0.8)
        start, end = (6.75, target), (6.4, target)
    arrow = FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=7, shrinkA=0, shrinkB=0)
    arrow.set(color=INK, linewidth=0.8)
    axes.add_patch(arrow)


NETWORK_FIGURES: Mapping[str, Callable[[Any, Path], Canvas]] = {"architecture": _architecture}
