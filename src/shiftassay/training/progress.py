"""Progress of training: a live line in a terminal, plain lines elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from shiftassay.runs.results import EpochMetrics
from shiftassay.runs.trial import Trial
from shiftassay.training.train import Watch
from shiftassay.words.terminal import live_line, spoken
from shiftassay.words.text import printable


@contextmanager
def progress(members: int, epochs: int, console: Console) -> Iterator[Watch]:
    """Within this context, the yielded function shows each epoch that it is called with."""
    if not console.is_terminal:
        yield lambda trial, metrics: console.print(
            spoken(f"{_who(trial)}  {_what(trial, metrics, epochs)}"), soft_wrap=True
        )
        return
    with live_line(console) as bar:
        task = bar.add_task("training", total=members * epochs)

        def show(trial: Trial, metrics: EpochMetrics) -> None:
            bar.update(task, advance=1, description=printable(f"{_who(trial)}  {_what(trial, metrics, epochs)}"))

        yield show


def _who(trial: Trial) -> str:
    return f"{trial.network} seed {trial.seed}"


def _what(trial: Trial, metrics: EpochMetrics, epochs: int) -> str:
    progress = f"epoch {metrics.epoch:>{len(str(epochs))}}/{epochs}  loss {metrics.loss:.4f}"
    if metrics.validation_accuracy is not None:
        watched = "test" if trial.recipe.validate_on_test else "validation"
        progress += f"  {watched} {100 * metrics.validation_accuracy:.2f}%"
    return f"{progress}  {metrics.seconds:.1f} s"
