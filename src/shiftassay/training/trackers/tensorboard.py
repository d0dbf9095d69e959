"""TensorBoard: event files in the folder `tensorboard` of the results, a run for each trial."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from shiftassay.runs.results import EpochMetrics
from shiftassay.runs.trial import Trial
from shiftassay.training.tracking import TRACKERS, Tracker, numbers_of, settings_of

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

EVENTS = "events.out.tfevents.*"


@TRACKERS.register("tensorboard")
class TensorBoard(Tracker):
    """TensorBoard: look with `tensorboard --logdir OUT/tensorboard`."""

    requires: ClassVar[tuple[str, ...]] = ("tensorboard",)
    extra: ClassVar[str] = "tensorboard"

    def __init__(self, root: Path):
        self._root = root / "tensorboard"
        self._writers: dict[str, SummaryWriter] = {}

    def begin(self, trial: Trial) -> bool:
        from torch.utils.tensorboard import SummaryWriter

        folder = self._root / trial.name
        for path in folder.glob(EVENTS):  # of the same trial: the epochs in it are the same
            path.unlink()
        writer = self._writers[trial.digest] = SummaryWriter(folder)
        rows = "\n".join(f"| {name} | {value} |" for name, value in settings_of(trial).items())
        writer.add_text("trial", f"| what | value |\n| --- | --- |\n{rows}")
        return True

    def add(self, trial: Trial, metrics: EpochMetrics) -> None:
        writer = self._writers[trial.digest]
        for name, value in numbers_of(metrics).items():
            writer.add_scalar(name, value, metrics.epoch)
        writer.flush()

    def end(self, trial: Trial, finished: bool) -> None:
        self._writers.pop(trial.digest).close()
