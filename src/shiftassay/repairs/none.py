"""None: the model as it is, where the shift leaves nothing that a repair could use."""

from typing import ClassVar

from shiftassay.repairs.strategy import STRATEGIES, Made, Strategy, Task


@STRATEGIES.register("none")
class Leave(Strategy):
    """The model as it is: for a shift that destroys what the image was, where the ceiling says that no repair can exist."""

    name: ClassVar[str] = "none"
    intrusiveness: ClassVar[int] = 6

    def unfit(self, task: Task) -> str | None:
        return None if task.how.information == "destroyed" else "the shift leaves enough of the image to try"

    def make(self, task: Task) -> Made:
        return Made(task.model, "the model as it is")
