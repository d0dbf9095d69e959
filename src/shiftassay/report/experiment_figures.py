"""Figures of the experiments on shifted test sets."""

from collections.abc import Callable, Mapping, Sequence
from math import pi
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from matplotlib.figure import Figure as Canvas

from shiftassay.report.style import GRAY, MORE


class Scaling(TypedDict):
    """For each line the values of every seed, at each number of pixels."""

    pixels: Sequence[int]
    series: Mapping[str, Sequence[Sequence[float]]]
    label: str


def _scaling(data: Scaling, folder: Path) -> Canvas:
    """A ratio of norms by the number of pixels, beside that of a normal gradient."""
    canvas = Canvas(figsize=(5.6, 2.8))
    axis = canvas.subplots()
    pixels = np.array(data["pixels"])
    axis.plot(pixels, np.sqrt(2 * pixels / pi), "--", color=GRAY, linewidth=1, label="√(2d/π)")
    for (name, values), color in zip(data["series"].items(), MORE, strict=False):
        axis.plot(pixels, [np.mean(of_seeds) for of_seeds in values], color=color, linewidth=1, label=name)
        for place, of_seeds in zip(pixels, values, strict=True):
            axis.plot(np.full(len(of_seeds), place), of_seeds, "o", color=color, markersize=3)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks(pixels, [f"{count:,}" for count in pixels])
    low, high = axis.get_ylim()
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100) if low <= tick <= high]
    axis.set_yticks(ticks, [str(tick) for tick in ticks])
    axis.minorticks_off()
    axis.set(xlabel="pixels d", ylabel=data["label"])
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0)
    return canvas


EXPERIMENT_FIGURES: dict[str, Callable[[Any, Path], Canvas]] = {"scaling": _scaling}
