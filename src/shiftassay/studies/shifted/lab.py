"""What every part of the study's argument is measured on, and where it is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from torch import nn

from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import labels_of, predict
from shiftassay.studies.measurements import Measurements
from shiftassay.studies.shifted.study import Argument, ShiftedTestSets
from shiftassay.studies.shifted.variants import Variants
from shiftassay.training.engine import SEMANTICS
from shiftassay.training.train import Trained


@dataclass(frozen=True, eq=False)
class Lab:
    """A study with its trained members and its variants. The argument is about the first member's model."""

    study: ShiftedTestSets
    dataset: Dataset
    members: list[Trained]
    variants: Variants
    measurements: Measurements
    out: Path
    device: str
    console: Console

    @property
    def model(self) -> nn.Module:
        """The first member's model, as it can be trained on: whatever attacked it last may have frozen it."""
        return self.members[0].model.to("cpu").requires_grad_(True)

    @property
    def argument(self) -> Argument:
        """How much is spent; asked only of studies that argue."""
        assert self.study.argument is not None
        return self.study.argument

    def shifted(self, name: str) -> ImageSet:
        """A variant by its name."""
        return next(found for found in self.variants.shifted if found.name == name)

    def in_step(self, name: str) -> bool:
        """Whether a variant has as many images as clean, with the same labels in the same order."""
        found, clean = self.shifted(name).labels, self.variants.clean.labels
        return found is not None and clean is not None and np.array_equal(found, clean)

    def looked_at(self, name: str) -> tuple[ImageSet, ImageSet]:
        """Clean and a variant: as many of the same images of both as the study looks at, all of them where order is lost."""
        clean, found = self.variants.clean, self.shifted(name)
        most = self.argument.images
        return (spread_over(clean, most), spread_over(found, most)) if self.in_step(name) else (clean, found)

    def right(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Which images the model gets right."""
        return labels_of(predict(images, model=self.model)) == labels

    def once(self, name: str, version: int, asked: Any, measure: Callable[[], Any]) -> Any:
        """What `measure` gives as JSON: measured now, or before of the same images and model, under the same settings."""
        about = {
            "asked": asked,
            "version": [version, SEMANTICS],
            "argument": self.argument.model_dump(mode="json"),
            "models": [member.trial.digest for member in self.members],
            "sets": [found.digest for found, _ in self.variants.sets],
        }
        return self.measurements.once_untyped(name, about, measure)


def spread_over(found: ImageSet, most: int | None) -> ImageSet:
    """Up to so many images at equal distances: MNIST's first thousands are not like its last."""
    every = 1 if most is None else -(-len(found) // most)
    labels = None if found.labels is None else found.labels[::every]
    return ImageSet(np.ascontiguousarray(found.images[::every]), labels, found.name, found.unit, found.integer)
