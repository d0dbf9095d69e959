"""From which layer on two models give something else."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from torch import nn

from shiftassay.models.activations import activations
from shiftassay.records import Record
from shiftassay.words.numbers import percent

ROUNDING = 1e-4  # of a layer's variation over images: more is no rounding in single precision
IMAGES = 64
UNITS = 4096  # of a layer, at most, evenly spread


@dataclass(frozen=True)
class LayerDifferences(Record):
    """How far two models' layers of the same names differ, in the order in which they work.

    `difference` is the root mean square of what they differ by, as a share of how much the first model's layer varies
    over images.
    """

    layers: tuple[str, ...]
    difference: tuple[float, ...]

    @property
    def first(self) -> int | None:
        """The place of the first layer that differs by more than rounding; None if none does."""
        return next((place for place, value in enumerate(self.difference) if value > ROUNDING), None)

    @property
    def sentence(self) -> str:
        """From where on they part."""
        last = percent(self.difference[-1])
        if self.first is None:
            return f"All {len(self.layers)} layers that they have in common give the same, up to rounding."
        where = f"from layer {self.layers[self.first]} on, the {_place(self.first)} of {len(self.layers)}"
        before = "" if self.first == 0 else ", before which all are the same up to rounding"
        here = percent(self.difference[self.first])
        return f"They part {where}{before}: what it gives differs by {here} of its variation, the last layer by {last}."


def layer_differences(
    first: nn.Module, second: nn.Module, images: Float32[np.ndarray, "n c h w"]
) -> LayerDifferences | None:
    """Compare the layers that have the same names and widths; None for fewer than two."""
    of_first, of_second = (_layers(model, images[:IMAGES]) for model in (first, second))
    names = [name for name, values in of_first.items() if name in of_second and of_second[name].shape == values.shape]
    differences = {name: _relative(of_first[name], of_second[name]) for name in names}
    known = {name: value for name, value in differences.items() if value is not None}
    return LayerDifferences(tuple(known), tuple(known.values())) if len(known) > 1 else None


def _layers(model: nn.Module, images: np.ndarray) -> dict[str, np.ndarray]:
    prefix = str(getattr(model, "prefix", ""))
    return {name.removeprefix(prefix): values for name, values in activations(model, images, units=UNITS).items()}


def _relative(first: np.ndarray, second: np.ndarray) -> float | None:
    varies = float(np.sqrt(np.mean((first - first.mean(0)) ** 2, dtype=np.float64)))
    differs = float(np.sqrt(np.mean((first - second) ** 2, dtype=np.float64)))
    return differs / varies if varies > 0 and np.isfinite(differs) else None


def _place(index: int) -> str:
    """An ordinal number.

    >>> _place(0), _place(21), _place(11)
    ('1st', '22nd', '12th')
    """
    number = index + 1
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"
