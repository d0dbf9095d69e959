"""The base of every strategy of repair, and its task: a shift, a model and training images."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.classifier import Classifier, ModelCard
from shiftassay.models.predict import copied, logits_of, reason
from shiftassay.random_stream import seed_for
from shiftassay.registry import Registry
from shiftassay.shifts import catalog
from shiftassay.shifts.family import Shift
from shiftassay.shifts.parameters import ParameterValue

STRATEGIES: Registry[type["Strategy"]] = Registry("repair", "shiftassay.repairs")

DIGITS = 3  # to which an estimate is rounded before a model is trained on it: halves that agree then share the model


@dataclass(frozen=True, eq=False)
class Task:
    """What a strategy repairs a model with: a shift and training images, never a test image.

    `share` is that of the images that the shift touches. `held_out` are training images on which a strategy chooses
    between alternatives. `images` is how many are shown in an epoch. `still_missing`: whether accuracy is still below
    that on clean images after all less intrusive strategies.
    """

    shift: Shift
    share: float
    model: nn.Module
    train: ImageSet | None
    held_out: ImageSet | None
    classes: int
    shape: tuple[int, int, int]
    epochs: int
    images: int
    seed: int
    device: str
    still_missing: bool = True

    @property
    def required_train(self) -> ImageSet:
        """The training images.

        Raises `ValueError` if there are none: a strategy that needs them is unfit.
        """
        if self.train is None:
            raise ValueError("no training images: the strategy is unfit for this task")
        return self.train

    @property
    def card(self) -> ModelCard | None:
        return self.model.card if isinstance(self.model, Classifier) else None

    @cached_property
    def untrainable(self) -> str | None:
        """Why the model's weights can't be trained, in a clause; None if they can."""
        try:
            model = copied(self.model).requires_grad_(True).to("cpu").eval()
            learns = logits_of(torch.zeros(2, *self.shape), model=model).requires_grad
        except (BadInput, RuntimeError) as error:  # PyTorch's, of weights that are whole numbers
            return reason(error).rstrip(".")
        return None if learns else "the model's answers have no gradient with respect to its weights"

    @cached_property
    def to_train_on(self) -> Shift:
        """The shift with its numbers rounded to three digits."""
        content = self.shift.to_json()
        return catalog.make(content["family"], rounded(content["parameters"]), content["scope"])

    @property
    def redrawn(self) -> bool:
        """Whether the shift draws something anew for every image or epoch."""
        return self.share < 1 or any(part.scope == "per_image" for part in self.shift.components)

    def shifted(self, images: ImageSet, epoch: int) -> ImageSet:
        """Training images under the shift, with an epoch's own draws.

        Only a share of them is shifted if the shift touches only some.
        """
        shifted = catalog.shift(images, self.to_train_on, seed_for(self.seed, "repair", epoch))
        if self.share >= 1:
            return shifted
        kept = np.random.default_rng(seed_for(self.seed, "repair", epoch, "kept")).random(len(images)) >= self.share
        return replace(shifted, images=np.where(kept[:, None, None, None], images.images, shifted.images))

    def epoch_of_training(self, epoch: int) -> ImageSet:
        """The images of an epoch, without the shift.

        All of them, or a fresh sample where they are more than `images`.
        """
        train = self.required_train
        if len(train) <= self.images:
            return train
        rng = np.random.default_rng(seed_for(self.seed, "repair", epoch, "sample"))
        some = np.sort(rng.permutation(len(train))[: self.images])
        return ImageSet(train.images[some], train.required_labels[some], train.name)

    def epoch_of_shifted(self, epoch: int) -> ImageSet:
        """The images of an epoch under the shift."""
        return self.shifted(self.epoch_of_training(epoch), epoch)

    @property
    def repeats(self) -> bool:
        """Whether every epoch shows the same shifted images."""
        return not self.redrawn and self.train is not None and len(self.train) <= self.images

    @property
    def shown(self) -> int:
        """How many different training images are seen, at most."""
        return 0 if self.train is None else min(len(self.train), self.images * self.epochs)


@dataclass(frozen=True, eq=False)
class RepairedModel:
    """A repaired model, what was done to it, and the cost."""

    model: nn.Module
    what: str
    parameters_added: int = 0
    parameters_trained: int = 0
    images: int = 0
    epochs: int = 0


class Strategy(ABC):
    """One way of repairing a model.

    The lower its `intrusiveness`, the less of the model it changes.
    """

    name: ClassVar[str]
    intrusiveness: ClassVar[int]

    @abstractmethod
    def unfit(self, task: Task) -> str | None:
        """Why it is not tried on this task, in a clause; None if it is tried."""

    @abstractmethod
    def make(self, task: Task) -> RepairedModel | str:
        """The repaired model; or why there is none, in a clause."""

    def key(self, task: Task) -> str:
        """Tasks with the same key have the same repair, which is then made once for both halves."""
        return repr(task.shift.to_json())


def rounded(value: ParameterValue) -> ParameterValue:
    """Parameters with every float rounded to three significant digits.

    >>> rounded({"angle": 14.9871, "pattern": [0.12345, 0.0]})
    {'angle': 15.0, 'pattern': [0.123, 0.0]}
    """
    if isinstance(value, dict):
        return {name: rounded(v) for name, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    if isinstance(value, float) and value != 0:
        return round(value, DIGITS - 1 - math.floor(math.log10(abs(value))))
    return value


def some_of(images: ImageSet, n: int, seed: int) -> ImageSet:
    """At most `n` images, drawn at random, in their order: a file may be sorted by class."""
    if len(images) <= n:
        return images
    some = np.sort(np.random.default_rng(seed_for(seed, "repair", "some")).permutation(len(images))[:n])
    return images.subset(some)


def groups_of(shift: Shift) -> set[str]:
    """The groups of families that a shift's parts come from."""
    return {part.group for part in shift.components}


def parameters_of(model: nn.Module) -> int:
    """The number of parameters of a model."""
    return sum(weights.numel() for weights in model.parameters())


def by_intrusiveness() -> list[Strategy]:
    """Every strategy, the least intrusive first."""
    return sorted((STRATEGIES[name]() for name in STRATEGIES), key=lambda s: s.intrusiveness)
