"""None: the model as it is, where the shift leaves nothing to repair with."""

from typing import ClassVar

from shiftassay.repairs.strategy import STRATEGIES, RepairedModel, Strategy, Task


@STRATEGIES.register("none")
class Leave(Strategy):
    """The model as it is, for a shift that destroys what the image was: no repair may exist."""

    name: ClassVar[str] = "none"
    intrusiveness: ClassVar[int] = 6

    def unfit(self, task: Task) -> str | None:
        return None if task.shift.information == "destroyed" else "the shift leaves enough of the image to try"

    def make(self, task: Task) -> RepairedModel:
        return RepairedModel(task.model, "the model as it is")
