"""The state of a training between two parts of an epoch: saved, and restored."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from shiftassay.records import JsonObject, Record, plain
from shiftassay.runs.results import EpochMetrics
from shiftassay.runs.store import Mended, Run
from shiftassay.training.group import Group, Member
from shiftassay.training.history import History, Snapshot
from shiftassay.training.parts import Part

BEST, PART = "best/", "part/"


@dataclass(frozen=True)
class Progress(Record):
    """A member's progress, and the versions that made it.

    It holds the epochs, the best one, and the seconds of the epoch that has begun.
    """

    path: str
    torch: str
    shiftassay: str
    metrics: tuple[EpochMetrics, ...]
    best: int | None
    seconds: float

    def to_json(self) -> JsonObject:
        metrics = [{**epoch.to_json(), "seconds": epoch.seconds} for epoch in self.metrics]
        return {**super().to_json(), "metrics": plain(metrics)}

    @property
    def made_by(self) -> tuple[str, str, str]:
        return self.path, self.torch, self.shiftassay


def save(group: Group, runs: Sequence[Run | None], histories: Sequence[History], part: Part) -> None:
    """Save every member's state, from which training can be resumed."""
    for i, (member, run, history) in enumerate(zip(group.members, runs, histories, strict=True)):
        if run is None or history.failure:
            continue
        kept = history.best
        best = {} if kept is None else {f"{BEST}weights/{name}": array for name, array in kept.weights.items()}
        best |= {} if kept is None else {f"{BEST}logits": kept.logits}
        losses, right = part.of_member(i)
        progress = Progress(*_made_by(member), tuple(history.metrics), kept and kept.epoch, part.seconds)
        run.checkpoint({**member.state(), **best, f"{PART}losses": losses, f"{PART}right": right}, progress)


def _made_by(member: Member) -> tuple[str, str, str]:
    """What must be the same for whoever resumes: path, versions of torch and shiftassay."""
    return type(member).__name__, version("torch"), version("shiftassay")


def resume(group: Group, runs: Sequence[Run | None]) -> tuple[list[History], Part]:
    """Restore the members from their checkpoints.

    All must have one of the same step, made as it would be made now; otherwise nothing is restored.
    """
    checkpoints = [run.last_checkpoint(Progress) if run else None for run in runs]
    anew = [History([]) for _ in runs], Part.of(len(runs))
    kept = [checkpoint for checkpoint in checkpoints if checkpoint]
    if len(kept) < len(checkpoints):
        return anew
    steps = {(len(progress.metrics), len(arrays[f"{PART}losses"])) for arrays, progress in kept}
    alike = all(progress.made_by == _made_by(member) for member, (_, progress) in zip(group.members, kept, strict=True))
    if len(steps) > 1 or not alike:
        why = (
            "is of another version, or was made on another path" if not alike else "is of another step than the others"
        )
        for run in filter(None, runs):
            warnings.warn(f"{run.folder}: the checkpoint {why}. Training begins anew.", Mended, stacklevel=2)
        return anew
    histories, part = [], Part.of(len(runs))
    for i, (member, (arrays, progress)) in enumerate(zip(group.members, kept, strict=True)):
        member.restore({name: array for name, array in arrays.items() if not name.startswith((BEST, PART))})
        prefix = f"{BEST}weights/"
        weights = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        best = Snapshot(progress.best, weights, arrays[f"{BEST}logits"]) if progress.best else None
        histories.append(History(list(progress.metrics), None, best))
        part.losses[i], part.right[i], part.seconds = arrays[f"{PART}losses"], arrays[f"{PART}right"], progress.seconds
    return histories, part
