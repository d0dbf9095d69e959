"""Judging repairs: what was fitted to one half of a variant is asked about the other, both ways round."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from jaxtyping import Int64
from torch import nn

from shiftassay.diagnosis.verdict import Verdict
from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import labels_of, predict
from shiftassay.random_stream import seed_for
from shiftassay.repairs.attacked import attack
from shiftassay.repairs.result import Attempt, Cost, Right, change
from shiftassay.repairs.strategy import Made, Strategy, Task, parameters_of
from shiftassay.repairs.words import assumption_of
from shiftassay.shifts.family import Shift
from shiftassay.training.history import Diverged

Places = Int64[np.ndarray, "k"]


@dataclass(frozen=True, eq=False)
class Half:
    """A half of the variant: its images, those of the reference that go with it, and what was diagnosed on it alone."""

    shifted: Places
    reference: Places
    verdict: Verdict


@dataclass(frozen=True, eq=False)
class Trial:
    """The sets on which repairs are judged, the halves, and which images the unrepaired model gets right."""

    reference: ImageSet
    shifted: ImageSet
    model: nn.Module
    halves: tuple[Half, Half]
    clean_right: Right
    variant_right: Right
    attacked_right: Right | None
    attacked: int
    restarts: int
    seed: int
    device: str

    @property
    def how(self) -> Shift | None:
        """The attack, if that is what was diagnosed."""
        found = self.halves[0].verdict.shift
        return None if found is None or found.ball is None else found


def halves_of(n: int, seed: int, name: str) -> tuple[Places, Places]:
    """The places 0 … n − 1 in two random halves, each in order."""
    order = np.random.default_rng(seed_for(seed, "repair", "halves", name)).permutation(n)
    return np.sort(order[: n // 2]), np.sort(order[n // 2 :])


def part(images: ImageSet, places: Places) -> ImageSet:
    """Some images with their labels."""
    labels = None if images.labels is None else images.labels[places]
    return ImageSet(images.images[places], labels, images.name, images.unit, images.integer)


def right_of(model: nn.Module, images: ImageSet, device: str) -> Right:
    """Which images a model gets right."""
    return labels_of(predict(images.images, model=model, device=device, name=images.name)) == images.labels


def tried(strategy: Strategy, tasks: Sequence[Task], trial: Trial) -> Attempt | str:
    """Repair once for each half, or once for both where their tasks are the same, and judge each on the other half."""
    for task in tasks:
        if (why := strategy.unfit(task)) is not None:
            return why
    made: dict[str, Made] = {}
    began = perf_counter()
    for task in tasks:
        key = strategy.key(task)
        if key not in made:
            try:
                found = strategy.make(task)
            except (BadInput, Diverged) as error:  # the model does not bear it; others may still help
                return _clause(error)
            if isinstance(found, str):
                return found
            made[key] = found
    seconds = (perf_counter() - began) / len(made)
    models = [made[strategy.key(task)] for task in tasks]
    stands = None
    try:
        after, clean_after = _crossed(trial, models, "shifted"), _crossed(trial, models, "reference")
        if trial.attacked_right is not None:
            stands = _crossed(trial, models, "attacked")
    except BadInput as error:  # a repaired model whose answers are none
        return _clause(error)
    variant, clean = change(trial.variant_right, after), change(trial.clean_right, clean_after)
    attacked = None if trial.attacked_right is None or stands is None else change(trial.attacked_right, stands)
    one = models[0]
    cost = Cost(
        parameters=parameters_of(one.model),
        parameters_added=one.parameters_added,
        parameters_trained=one.parameters_trained,
        images=one.images,
        epochs=one.epochs,
        seconds=seconds,
    )
    return Attempt(
        strategy=strategy.name,
        what=one.what,
        variant=variant,
        clean=clean,
        attacked=attacked,
        cost=cost,
        assumption=assumption_of(clean, tasks[0].share),
        model=one.model,
        right=(after, stands),
    )


def _clause(error: Exception) -> str:
    return str(error).rstrip(".")


def attacked_places(half: Half, trial_size: int, seed: int) -> Places:
    """The images of a half that are attacked afresh, drawn at random: half of as many as are attacked in all."""
    rng = np.random.default_rng(seed_for(seed, "repair", "attacked"))
    return np.sort(rng.permutation(half.reference)[: trial_size // 2])


def attacked_right(trial: Trial, model: nn.Module, half: Half) -> Right:
    """Which reference images of a half stand a fresh attack on the model, of the size that the half's verdict says."""
    how = half.verdict.shift
    assert how is not None
    assert how.ball is not None
    clean = part(trial.reference, attacked_places(half, trial.attacked, trial.seed))
    return attack(clean, how, model=model, seed=trial.seed, restarts=trial.restarts, targets=trial.restarts).right


def _crossed(trial: Trial, models: Sequence[Made], what: str) -> Right:
    """The judgements of each half's model on the other half, put back into the order of the images."""
    ask: dict[str, Callable[[nn.Module, Half], Right]] = {
        "shifted": lambda m, h: right_of(m, part(trial.shifted, h.shifted), trial.device),
        "reference": lambda m, h: right_of(m, part(trial.reference, h.reference), trial.device),
        "attacked": lambda m, h: attacked_right(trial, m, h),
    }
    first, second = trial.halves
    judged = [(first, ask[what](models[1].model, first)), (second, ask[what](models[0].model, second))]
    if what == "attacked":
        return np.concatenate([right for _, right in judged])
    size = len(trial.shifted) if what == "shifted" else len(trial.reference)
    right = np.empty(size, bool)
    for half, found in judged:
        right[half.shifted if what == "shifted" else half.reference] = found
    return right
