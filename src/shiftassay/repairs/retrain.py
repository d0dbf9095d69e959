"""Retrain: the same network, trained on training images under the diagnosed shift."""

from typing import ClassVar

from shiftassay.repairs.strategy import STRATEGIES, RepairedModel, Strategy, Task, parameters_of
from shiftassay.repairs.tuning import tuned


@STRATEGIES.register("retrain")
class Retrain(Strategy):
    """The same network, trained further on training images under the diagnosed shift."""

    name: ClassVar[str] = "retrain"
    intrusiveness: ClassVar[int] = 3

    def unfit(self, task: Task) -> str | None:
        if task.train is None:
            return "there are no training images"
        if task.shift.needs_model:
            return "new weights can be attacked anew, which takes adversarial training"
        return task.untrainable

    def make(self, task: Task) -> RepairedModel:
        model = tuned(task, task.model, task.epoch_of_shifted, same=task.repeats)
        drawn = "drawn afresh each epoch" if task.redrawn else "the same in each epoch"
        return RepairedModel(
            model,
            f"all weights trained on from where they were, on training images under the shift, {drawn}",
            parameters_trained=parameters_of(model),
            images=task.shown,
            epochs=task.epochs,
        )

    def key(self, task: Task) -> str:
        return repr(task.to_train_on.to_json())
