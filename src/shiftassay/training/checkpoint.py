"""The state of a training between two parts of an epoch: kept, and taken up again."""

import warnings
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version

from shiftassay.runs.store import Mended, Run
from shiftassay.training.group import Group, Member
from shiftassay.training.history import EpochMetrics, History, Snapshot
from shiftassay.training.parts import Part

BEST, PART = "best/", "part/"


def save(group: Group, runs: Sequence[Run | None], histories: Sequence[History], part: Part) -> None:
    """Keep what every member needs in order to go on from here."""
    for i, (member, run, history) in enumerate(zip(group.members, runs, histories, strict=True)):
        if run is None or history.failure:
            continue
        kept = history.best
        best = {} if kept is None else {f"{BEST}weights/{name}": array for name, array in kept.weights.items()}
        best |= {} if kept is None else {f"{BEST}logits": kept.logits}
        losses, right = part.of_member(i)
        about = {
            **_made_by(member),
            "metrics": [asdict(metrics) for metrics in history.metrics],
            "best": kept and kept.epoch,
            "seconds": part.seconds,
        }
        run.checkpoint({**member.state(), **best, f"{PART}losses": losses, f"{PART}right": right}, about)


def _made_by(member: Member) -> dict[str, str]:
    """What a checkpoint has to have in common with whoever goes on from it."""
    return {"path": type(member).__name__, "torch": version("torch"), "shiftassay": version("shiftassay")}


def resume(group: Group, runs: Sequence[Run | None]) -> tuple[list[History], Part]:
    """Restore the members from their checkpoints if all have one of the same step, made as they would be made now."""
    found = [run.last_checkpoint() if run else None for run in runs]
    anew = [History([]) for _ in runs], Part.of(len(runs))
    if None in found:
        return anew
    kept = list(filter(None, found))
    steps = {(len(about["metrics"]), len(arrays[f"{PART}losses"])) for arrays, about in kept}
    alike = all(
        about.get(name) == made
        for member, (_, about) in zip(group.members, kept, strict=True)
        for name, made in _made_by(member).items()
    )
    if len(steps) > 1 or not alike:
        why = (
            "is of another version, or was made on another path" if not alike else "is of another step than the others"
        )
        for run in filter(None, runs):
            warnings.warn(f"{run.folder}: the checkpoint {why}. Training begins anew.", Mended, stacklevel=2)
        return anew
    histories, part = [], Part.of(len(runs))
    for i, (member, (arrays, about)) in enumerate(zip(group.members, kept, strict=True)):
        member.restore({name: array for name, array in arrays.items() if not name.startswith((BEST, PART))})
        prefix = f"{BEST}weights/"
        weights = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        best = Snapshot(about["best"], weights, arrays[f"{BEST}logits"]) if about["best"] else None
        histories.append(History([EpochMetrics(**metrics) for metrics in about["metrics"]], None, best))
        part.losses[i], part.right[i], part.seconds = arrays[f"{PART}losses"], arrays[f"{PART}right"], about["seconds"]
    return histories, part
