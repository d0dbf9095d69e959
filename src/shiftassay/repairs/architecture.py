"""A limited change of architecture: what the shift leaves alone, built into the network's way of looking."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.filters import Standardise
from shiftassay.models.fronted import Fronted, spec_of
from shiftassay.models.fronts import Sort
from shiftassay.repairs.strategy import STRATEGIES, Made, Strategy, Task, groups_of, parameters_of
from shiftassay.repairs.tuning import tuned, untrained

CONVOLUTION = "coordconv"
SMALLEST = 16  # pixels a side that two convolutions and poolings need


@STRATEGIES.register("architecture")
class Architecture(Strategy):
    """Input normalisation, sorted pixel values, or a small convolutional network, trained on images under the shift."""

    name: ClassVar[str] = "architecture"
    intrusiveness: ClassVar[int] = 5

    def unfit(self, task: Task) -> str | None:
        if task.train is None:
            return "there are no training images"
        if task.how.needs_model:
            return "no architecture withstands an attack by itself"
        if not task.lost:
            return "what is less intrusive already brings the accuracy back"
        change = _change(task)
        if change and change.front is not None:
            return task.untrainable
        return None if change else f"images of {task.shape[1]} × {task.shape[2]} are too small to convolve"

    def make(self, task: Task) -> Made | str:
        change = _change(task)
        assert change is not None
        assert task.train is not None
        if change.front is None:
            start = untrained(task, CONVOLUTION)
            model = tuned(task, start, task.epoch_of_shifted, rate=4e-3, same=task.repeats)
        else:
            front = Fronted(task.model, change.front, task.shape)

            def seen(epoch: int) -> ImageSet:
                return _through(front, task.epoch_of_shifted(epoch))

            model = Fronted(tuned(task, task.model, seen), change.front, task.shape).eval()
        return Made(
            model,
            change.what,
            parameters_added=parameters_of(model) - parameters_of(task.model),
            parameters_trained=parameters_of(model),
            images=task.shown,
            epochs=task.epochs,
        )

    def key(self, task: Task) -> str:
        return repr(task.to_train_on.to_json())


@dataclass(frozen=True)
class Change:
    """A front for the same network, or, without one, another network."""

    front: dict[str, Any] | None
    what: str


def _change(task: Task) -> Change | None:
    how = task.how
    if any(part.shuffles for part in how.components):
        return Change(spec_of(Sort()), "invariant features: the same network on each image's sorted pixel values")
    if groups_of(how) <= {"intensity"}:
        mean, sd = _mean_and_sd(task)
        return Change(
            spec_of(Standardise(mean, sd)), "input normalisation: the same network on images brought to one mean and sd"
        )
    if min(task.shape[1:]) < SMALLEST:
        return None
    return Change(None, "a small convolutional network that is told the coordinates (CoordConv), from scratch")


def _mean_and_sd(task: Task) -> tuple[float, float]:
    """Of a training image, on average."""
    assert task.train is not None
    own = task.train.images.reshape(len(task.train), -1)
    return float(own.mean()), float(own.std(1).mean())


def _through(front: Fronted, images: ImageSet) -> ImageSet:
    return ImageSet(front.front(torch.from_numpy(images.images)).contiguous().numpy(), images.labels, images.name)
