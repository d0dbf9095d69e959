"""A limited change of architecture.

Either an input that the shift does not change, or a small convolutional network.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.filters import Standardize
from shiftassay.models.fronted import Fronted, FrontJson, spec_of
from shiftassay.models.fronts import Sort
from shiftassay.repairs.strategy import STRATEGIES, RepairedModel, Strategy, Task, groups_of, parameters_of
from shiftassay.repairs.tuning import tuned, untrained

CONVOLUTIONAL = "coordconv"
SMALLEST = 16  # pixels a side, which two convolutions and poolings need


@STRATEGIES.register("architecture")
class Architecture(Strategy):
    """Input normalization, sorted pixel values, or a small convolutional network.

    Each is trained on images under the shift.
    """

    name: ClassVar[str] = "architecture"
    intrusiveness: ClassVar[int] = 5

    def unfit(self, task: Task) -> str | None:
        if task.train is None:
            return "there are no training images"
        if task.shift.needs_model:
            return "no architecture withstands an attack by itself"
        if not task.still_missing:
            return "less intrusive strategies already bring the accuracy back"
        redesign = _redesign(task)
        if redesign and redesign.front is not None:
            return task.untrainable
        return None if redesign else f"images of {task.shape[1]} × {task.shape[2]} are too small to convolve"

    def make(self, task: Task) -> RepairedModel | str:
        redesign = _redesign(task)
        assert redesign is not None  # or the strategy is unfit
        if redesign.front is None:
            start = untrained(task, CONVOLUTIONAL)
            model = tuned(task, start, task.epoch_of_shifted, rate=4e-3, same=task.repeats)
        else:
            front = Fronted(task.model, redesign.front, task.shape)

            def behind_front(epoch: int) -> ImageSet:
                return _through(front, task.epoch_of_shifted(epoch))

            model = Fronted(tuned(task, task.model, behind_front), redesign.front, task.shape).eval()
        return RepairedModel(
            model,
            redesign.what,
            parameters_added=parameters_of(model) - parameters_of(task.model),
            parameters_trained=parameters_of(model),
            images=task.shown,
            epochs=task.epochs,
        )

    def key(self, task: Task) -> str:
        return repr(task.to_train_on.to_json())


@dataclass(frozen=True)
class Redesign:
    """A front for the same network, or another network (no front)."""

    front: FrontJson | None
    what: str


def _redesign(task: Task) -> Redesign | None:
    if any(part.shuffles for part in task.shift.components):
        return Redesign(spec_of(Sort()), "invariant features: the same network on each image's sorted pixel values")
    if groups_of(task.shift) <= {"intensity"}:
        mean, sd = _mean_and_sd(task)
        return Redesign(
            spec_of(Standardize(mean, sd)), "input normalisation: the same network on images brought to one mean and sd"
        )
    if min(task.shape[1:]) < SMALLEST:
        return None
    return Redesign(None, "a small convolutional network that is told the coordinates (CoordConv), from scratch")


def _mean_and_sd(task: Task) -> tuple[float, float]:
    """The mean of training images, and the mean sd of one."""
    train = task.required_train
    own = train.images.reshape(len(train), -1)
    return float(own.mean()), float(own.std(1).mean())


def _through(front: Fronted, images: ImageSet) -> ImageSet:
    return ImageSet(front.front(torch.from_numpy(images.images)).contiguous().numpy(), images.labels, images.name)
