"""Recipes: everything about training except the network, the data and the seed."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import AliasChoices, Field

from shiftassay.errors import BadInput, unknown_name
from shiftassay.records import Record

OPTIMIZERS = Literal["sgd", "adamw"]
SCHEDULES = Literal["constant", "one_cycle"]
EITHER_SPELLING = AliasChoices("optimizer", "optimiser")  # JSON, and so the digests of trials, has the second
Number = int | float  # a whole number stays one when it is read: 0 and 0.0 are different in a trial's digest


@dataclass(frozen=True)
class Recipe(Record):
    """How a network is trained.

    `held_out` training images, the same for every seed, are kept for validation; `validate_on_test` validates on the
    test set instead and keeps the best epoch beside the last, as seed 003 does; with both, each is measured after every
    epoch. Images are normalised by `mean` and `sd`. The learning rate is constant, or (`one_cycle`) rises over the
    first `warmup` of all steps and falls to 0 along half a cosine. Gradients are scaled down to a norm of `clip_norm`,
    if that is above 0.
    """

    name: str
    epochs: int
    batch_size: int
    optimizer: Annotated[OPTIMIZERS, Field(validation_alias=EITHER_SPELLING, serialization_alias="optimiser")]
    learning_rate: Number
    momentum: Number = 0.0
    weight_decay: Number = 0.0
    schedule: SCHEDULES = "constant"
    warmup: Number = 0.2
    label_smoothing: Number = 0.0
    clip_norm: Number = 0.0
    held_out: int = 0
    validate_on_test: bool = False
    mean: Number = 0.1307
    sd: Number = 0.3081

    def learning_rate_at(self, step: int, steps: int) -> float:
        """The learning rate of step 0 … steps − 1."""
        if self.schedule == "constant":
            return self.learning_rate
        rising = max(1, round(self.warmup * steps))
        if step < rising:
            return self.learning_rate * (step + 1) / rising
        return self.learning_rate * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising))) / 2


RECIPES = {
    recipe.name: recipe
    for recipe in (
        # Seed 000 leaves these choices open. They were made on the held-out training images alone.
        Recipe(
            "mlp",
            epochs=20,
            batch_size=128,
            optimizer="sgd",
            learning_rate=0.1,
            momentum=0.9,
            weight_decay=5e-4,
            schedule="one_cycle",
            held_out=5_000,
        ),
        # Seed 003, to the letter: the PyTorch tutorial's SGD, 300 epochs, nothing held out, watched on the test set.
        Recipe("seed-003", epochs=300, batch_size=64, optimizer="sgd", learning_rate=0.01, validate_on_test=True),
    )
}


def recipe_named(name: str) -> Recipe:
    """The recipe of that name; `BadInput` with the nearest one if there is none."""
    if name not in RECIPES:
        raise unknown_name("recipe", name, RECIPES)
    return RECIPES[name]


def check_fits(recipe: Recipe, images: int) -> None:
    """Raise `BadInput` unless a recipe can be trained with on so many images."""
    for name, (fits, expected) in _EXPECTED.items():
        value = getattr(recipe, name)
        if not fits(value):
            raise BadInput(f"recipe {recipe.name}: {name} is {value!r}, expected {expected}.")
    if images <= recipe.held_out:
        raise BadInput(
            f"recipe {recipe.name}: {recipe.held_out} images held out of {images}. "
            "It needs at least one image to train on."
        )


def _between(low: int | float, high: int | float, *, above: bool = False) -> Callable[[Any], bool]:
    """A number from `low`, or above it, up to but not including `high`."""
    return lambda value: isinstance(value, int | float) and (low < value if above else low <= value) and value < high


_EXPECTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "epochs": (lambda value: isinstance(value, int) and value >= 1, "a whole number from 1"),
    "batch_size": (lambda value: isinstance(value, int) and value >= 1, "a whole number from 1"),
    "optimizer": (lambda value: value in get_args(OPTIMIZERS), f"one of {', '.join(get_args(OPTIMIZERS))}"),
    "learning_rate": (_between(0, math.inf), "a finite number from 0"),
    "momentum": (_between(0, 1), "a number from 0 to below 1"),
    "weight_decay": (_between(0, math.inf), "a finite number from 0"),
    "schedule": (lambda value: value in get_args(SCHEDULES), f"one of {', '.join(get_args(SCHEDULES))}"),
    "warmup": (lambda value: isinstance(value, int | float) and 0 <= value <= 1, "a number from 0 to 1"),
    "label_smoothing": (_between(0, 1), "a number from 0 to below 1"),
    "clip_norm": (_between(0, math.inf), "a finite number from 0, where 0 clips nothing"),
    "held_out": (lambda value: isinstance(value, int) and value >= 0, "a whole number from 0"),
    "mean": (_between(-math.inf, math.inf, above=True), "a finite number"),
    "sd": (_between(0, math.inf, above=True), "a finite number above 0"),
}
