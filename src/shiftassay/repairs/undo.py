"""Undo: the estimated inverse, or a filter, in front of the unchanged model."""

from typing import ClassVar

import numpy as np
import torch

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.filters import Median, fitted_filter
from shiftassay.models.fronted import Fronted, FrontJson, spec_of, undoing
from shiftassay.models.fronts import AsIs, Front, Several, Sort, front_of
from shiftassay.models.predict import labels_of, predict
from shiftassay.repairs.strategy import STRATEGIES, RepairedModel, Strategy, Task, groups_of, some_of

CHOSEN_ON = 2000
FITTED_TO = 500
SIZES = (3, 7)
FILTERED = {"noise", "blur", "overlay"}


@STRATEGIES.register("undo")
class Undo(Strategy):
    """The estimated inverse of a shared shift, or a filter, in front of the unchanged model."""

    name: ClassVar[str] = "undo"
    intrusiveness: ClassVar[int] = 1

    def unfit(self, task: Task) -> str | None:
        if _inverse(task) or (task.train is not None and _filtered(task)):
            return None
        if any(part.scope == "per_image" for part in task.shift.components):
            return "each image drew its own, and without its partner nobody knows what"
        return (
            "the shift has no inverse" if task.train is not None else "there are no training images to fit a filter to"
        )

    def make(self, task: Task) -> RepairedModel | str:
        specs = [undoing(task.shift)] if _inverse(task) else []
        fitted = 0
        if task.shift.information != "preserved" and task.train is not None and _filtered(task):
            specs += _filters(task)
            fitted = min(FITTED_TO, len(task.train))
        models = [Fronted(task.model, spec, task.shape).eval() for spec in specs]
        best = models[0]
        if len(models) > 1 and task.held_out is not None:
            before, scores = _scores(task, some_of(task.held_out, CHOSEN_ON, task.seed), models)
            if max(scores) <= before:
                return f"of {len(models)} filters none helps on held-out training images"
            best = models[int(np.argmax(scores))]
            fitted += min(CHOSEN_ON, len(task.held_out))
        return RepairedModel(best, f"{best.front}, then the model as it is", images=fitted)


def _inverse(task: Task) -> Front | None:
    """The front that takes the shift back without another image.

    Sorting is no inverse: it loses the arrangement too.
    """
    front = front_of(task.shift, task.shape)
    parts = front.parts if isinstance(front, Several) else (front,)
    return None if any(isinstance(part, AsIs | Sort) for part in parts) else front


def _filtered(task: Task) -> bool:
    return bool(groups_of(task.shift) & FILTERED) and not task.shift.needs_model


def _filters(task: Task) -> list[FrontJson]:
    """A median, and linear filters that bring shifted training images nearest to what they were."""
    few = some_of(task.required_train, FITTED_TO, task.seed)
    shifted = torch.from_numpy(np.ascontiguousarray(task.shifted(few, 0).images))
    fits = [fitted_filter(shifted, torch.from_numpy(few.images), size) for size in SIZES]
    return [spec_of(front) for front in (Median(3), *fits)]


def _scores(task: Task, images: ImageSet, models: list[Fronted]) -> tuple[float, list[float]]:
    """Accuracies of the model as it is, and behind each front.

    They are on shifted held-out training images.
    """
    shifted = task.shifted(images, 1)
    before, *after = [
        float(np.mean(labels_of(predict(shifted.images, model=model, device=task.device)) == shifted.labels))
        for model in (task.model, *models)
    ]
    return before, after
