"""The interface between the engine and the training paths."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int64

from shiftassay.imagesets.image_set import ImageSet


@dataclass(frozen=True)
class TrainingData:
    """A member's training images and its validation set.

    `held_out` are training images beside a validation set that is the test set.
    """

    images: Float32[np.ndarray, "n c h w"]
    labels: Int64[np.ndarray, "n"]
    validation: ImageSet | None
    classes: int
    held_out: ImageSet | None = None


@runtime_checkable
class Member(Protocol):
    """One model in training, as the engine sees it between epochs, on any path."""

    def logits(self, images: Float32[np.ndarray, "n c h w"]) -> Float32[np.ndarray, "n classes"]: ...
    def weights(self) -> dict[str, np.ndarray]: ...
    def state(self) -> dict[str, np.ndarray]: ...
    def restore(self, state: dict[str, np.ndarray]) -> None: ...


@runtime_checkable
class Group(Protocol):
    """Members whose steps are taken together: one on the CPU, a population on a GPU."""

    @property
    def members(self) -> Sequence[Member]: ...

    @property
    def steps(self) -> int:
        """The steps of an epoch."""
        ...

    def train_steps(self, epoch: int, first: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Take about `count` steps of an epoch from `first` on.

        An epoch is the same in whatever parts. Returns, for each member, the mean loss and the number of right answers
        of each step that was taken.
        """
        ...
