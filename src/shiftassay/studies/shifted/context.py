"""What the sections of a study of shifted test sets have at hand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from rich.console import Console
from torch import nn

from shiftassay.evaluation.effect import EffectOverSeeds, effect_over_seeds
from shiftassay.evaluation.evaluate import Evaluation
from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import labels_of, predict
from shiftassay.records import JsonValue
from shiftassay.repairs.result import Repair
from shiftassay.studies.measurements import AnyRecord, Measurements
from shiftassay.studies.shifted.diagnosed_variant import DiagnosedVariant
from shiftassay.studies.shifted.study import Argument, ShiftedTestSets
from shiftassay.studies.shifted.subset import evenly_spaced
from shiftassay.studies.shifted.variants import Variants
from shiftassay.training.engine import SEMANTICS
from shiftassay.training.train import Trained


@dataclass(frozen=True, eq=False)
class StudyContext:
    """A study with its trained members, its variants, and what was measured of those.

    `evaluations` holds, for each member, those of clean and of every variant. `diagnoses` and `repairs` are of the
    variants with enough images, by name; they are empty in a study without an argument.
    """

    study: ShiftedTestSets
    dataset: Dataset
    members: Sequence[Trained]
    variants: Variants
    evaluations: Sequence[Sequence[Evaluation]]
    measurements: Measurements
    out: Path
    device: str
    console: Console
    diagnoses: Mapping[str, DiagnosedVariant] = field(default_factory=dict)
    repairs: Mapping[str, Repair] = field(default_factory=dict)

    @property
    def effects(self) -> dict[str, EffectOverSeeds]:
        """What happened to accuracy on each variant.

        Over all seeds and images: what every section says of it.
        """
        return {rows[0].name: effect_over_seeds(rows) for rows in list(zip(*self.evaluations, strict=True))[1:]}

    @property
    def model(self) -> nn.Module:
        """The first member's model, which the argument is about.

        It can be trained on: an attack may have frozen it.
        """
        return self.members[0].model.to("cpu").requires_grad_(True)

    @property
    def argument(self) -> Argument:
        """How much is spent on the argument."""
        return self.study.argument or Argument()

    def argued_images(self, name: str) -> tuple[ImageSet, ImageSet]:
        """As many of the same images of clean and of a variant as the argument takes.

        All of them where order is lost.
        """
        clean, variant, most = self.variants.clean, self.variants.named(name), self.argument.images
        if not self.variants.in_clean_order(name):
            return clean, variant
        return evenly_spaced(clean, most), evenly_spaced(variant, most)

    def right(self, images: np.ndarray, labels: np.ndarray) -> Bool[np.ndarray, "n"]:
        """Which images the model gets right."""
        return labels_of(predict(images, model=self.model)) == labels

    def once(
        self, name: str, record: type[AnyRecord], version: int, asked: JsonValue, measure: Callable[[], AnyRecord]
    ) -> AnyRecord:
        """What `measure` returns, measured now or read.

        It is read if it was measured before of the same images and models, under the same settings.
        """
        everything = {
            "asked": asked,
            "version": [version, SEMANTICS],
            "argument": self.argument.model_dump(mode="json"),
            "models": [member.trial.digest for member in self.members],
            "sets": [images.digest for images, _ in self.variants.sets],
        }
        return self.measurements.once(name, record, everything, measure)
