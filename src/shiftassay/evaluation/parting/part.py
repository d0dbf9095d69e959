"""How two models part on the same images, and what explains it."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.evaluation.answers import log_probabilities
from shiftassay.evaluation.parting import convention, mode, precision, weights
from shiftassay.evaluation.parting.layers import LayerDifferences, layer_differences
from shiftassay.evaluation.parting.trial import Pair, Trial, Trials
from shiftassay.evaluation.steadiness import steadiness
from shiftassay.execution.threads import one_thread_each
from shiftassay.models.predict import answering, labels_of, predict
from shiftassay.progress import Watch, unwatched
from shiftassay.random_stream import seed_for
from shiftassay.records import Record
from shiftassay.statistics.intervals import Interval, wilson
from shiftassay.statistics.shares import share_of_sums
from shiftassay.words.numbers import percent_with_interval
from shiftassay.words.text import short

Kind = Literal["precision", "mode", "weights", "input"]
KINDS: dict[Kind, tuple[Trials, Callable[[Pair], str]]] = {
    "input": (convention.trials, convention.why_nothing),
    "mode": (mode.trials, mode.why_nothing),
    "precision": (precision.trials, precision.why_nothing),
    "weights": (weights.trials, weights.why_nothing),
}
SCREENED = 32  # images on which everything is tried
CONFIRMED = 1000  # images, at most, on which the best of each kind is measured
EXPLAINS = 0.9  # of the difference: an explanation that accounts for so much holds
LEAST = 1e-6  # a probability
ROUNDING = 1e-3  # of a log-probability
DRAWS = 16  # times that models are asked where one answers otherwise each time
MOST = 0.5  # of the difference: a change that has nothing to do with it may account for some, but hardly for so much

Asked = Float64[np.ndarray, "_ n classes"]
"""A model's log-probabilities: once, or each time that it was asked."""


@dataclass(frozen=True)
class Explanation(Record):
    """One of two models, changed as an explanation has it, beside the other's answers.

    `agreement` is the share of images that both then answer alike; `explained` is the share of the squared difference
    of their log-probabilities that is gone, or of how much the other's vary over images, where that is less.
    """

    kind: Kind
    model: str
    change: str
    agreement: Interval
    explained: Interval
    derived = ("explains",)

    @property
    def explains(self) -> bool:
        """Whether it accounts for the difference, or all but a tenth of it."""
        return self.explained.low >= EXPLAINS

    def __str__(self) -> str:
        holds = "explains it" if self.explains else "explains most of it" if self.explained.low >= MOST else "does not"
        return (
            f"{self.kind} {holds}: {self.model} {self.change} gives {percent_with_interval(self.agreement)} of the "
            f"other's answers, and {percent_with_interval(self.explained, 1)} of the difference is gone"
        )


@dataclass(frozen=True)
class Parting(Record):
    """How two models part on `n` images, and what explains it, the best explanation first.

    `agreement` is the share of equal answers, `largest` the largest difference of a log-probability, `same` whether
    that is no more than rounding. `layers` is None where they have no layers in common. `unsteady` says of a model that
    its answers depend on the batch, or are others each time; `not_tried` why a kind of explanation was not.
    """

    first: str
    second: str
    n: int
    agreement: Interval
    largest: float
    same: bool
    layers: LayerDifferences | None = None
    explanations: tuple[Explanation, ...] = ()
    unsteady: dict[str, str] | None = None
    not_tried: dict[str, str] | None = None

    def sentences(self) -> list[str]:
        """What parts them, the verdict first."""
        pair = f"{self.second} and {self.first}"
        if self.same:
            return [f"{pair} answer alike up to rounding: log-probabilities differ by at most {self.largest:.1g}."]
        best = self.explanations[0] if self.explanations else None
        if best is not None and best.explained.low >= MOST:
            verdict = [f"{pair} part: {best}."]
        else:
            verdict = [f"{pair} part, and nothing that was tried explains it."]
        layers = [] if self.layers is None else [self.layers.sentence]
        unsteady = [f"{name}: {sentence}" for name, sentence in (self.unsteady or {}).items()]
        others = self.explanations[1:] if verdict[0].endswith("gone.") else self.explanations
        left = [f"Not tried: {kind}, since {why}." for kind, why in (self.not_tried or {}).items()]
        return [*verdict, *unsteady, *layers, *(f"Tried: {other}." for other in others), *left]

    def __str__(self) -> str:
        return "\n".join(self.sentences())

    def __repr__(self) -> str:
        agreed = percent_with_interval(self.agreement)
        return f"<Parting of {short(self.second)} from {short(self.first)}: {agreed} equal answers>"


@one_thread_each()
def parting(
    names: tuple[str, str],
    models: tuple[nn.Module, nn.Module],
    images: Float32[np.ndarray, "n c h w"],
    *,
    seed: int = 0,
    device: str = "cpu",
    watch: Watch = unwatched,
) -> Parting:
    """Find where two models part, and try what may explain it, each by measurement.

    Everything is tried on a few images; the best of each kind is then measured on up to 1,000, drawn by `seed`. Raises
    `BadInput` for images that don't fit.
    """
    devices = [torch.cuda.current_device()] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices), ExitStack() as modes:
        torch.manual_seed(seed_for(seed, "parting"))
        for model in models:  # what is put around a model to try something changes its mode
            modes.enter_context(answering(model, device))
        return _parting(names, models, images, seed, device, watch)


def _parting(
    names: tuple[str, str],
    models: tuple[nn.Module, nn.Module],
    images: Float32[np.ndarray, "n c h w"],
    seed: int,
    device: str,
    watch: Watch,
) -> Parting:
    if len(images) > CONFIRMED:
        rng = np.random.default_rng(seed_for(seed, "parting", "images"))
        images = images[np.sort(rng.permutation(len(images))[:CONFIRMED])]
    watch("asking both models", 0, 0)
    unsteady = {
        name: sentence
        for name, model in zip(names, models, strict=True)
        if (sentence := steadiness(model, images, device).sentence)
    }
    whole = _Bench(models, images, device, bool(unsteady))
    first, second = (answers[0] for answers in whole.answers)
    agreed = int((labels_of(first) == labels_of(second)).sum())
    largest = float(np.abs(first - second).max())
    same = largest <= ROUNDING
    agreement = wilson(agreed, len(images))
    if same:
        return Parting(*names, len(images), agreement, largest, same)
    watch("comparing layers", 0, 0)
    layers = layer_differences(*models, images)
    pair = Pair(names, models, images.shape[1:])
    few = _Bench(models, images[:SCREENED], device, bool(unsteady))
    rng = np.random.default_rng(seed_for(seed, "parting", "bootstrap"))
    explanations: list[Explanation] = []
    not_tried: dict[str, str] = {}
    for kind, (trials, why_nothing) in KINDS.items():
        tried = list(trials(pair))
        if not tried:
            not_tried[kind] = why_nothing(pair)
            continue
        screened: list[tuple[float, int]] = []
        for number, trial in enumerate(tried):
            watch(f"trying {kind}", number, len(tried))
            answers = few.tried(trial)
            if answers is not None:
                screened.append((float(few.remaining(answers, trial).sum()), number))
        if not screened:
            not_tried[kind] = "no model could be changed so"
            continue
        explanation = whole.explanation(kind, names, tried[min(screened)[1]], rng)
        if explanation is not None:
            explanations.append(explanation)
    # Other weights explain whatever was done to them: what says more comes first.
    explanations.sort(key=lambda e: (not e.explains, e.kind == "weights", -e.explained.estimate))
    return Parting(
        *names, len(images), agreement, largest, same, layers, tuple(explanations), unsteady or None, not_tried or None
    )


class _Bench:
    """Images, and both models' answers to them: several times where one draws at random."""

    def __init__(
        self, models: tuple[nn.Module, nn.Module], images: Float32[np.ndarray, "n c h w"], device: str, random: bool
    ):
        self.images, self.device, self.random = images, device, random
        self.answers = [self.asked(model) for model in models]

    def asked(self, model: nn.Module, draws: bool = False) -> Asked:
        """A model's answers; `draws` says that they are others each time."""
        times = DRAWS if draws or self.random else 1
        asked = [predict(self.images, model=model, device=self.device) for _ in range(times)]
        # Those below `LEAST` are not told apart: nothing hangs on them.
        return np.stack([np.maximum(log_probabilities(logits), np.log(LEAST)) for logits in asked])

    def tried(self, trial: Trial) -> Asked | None:
        """The answers of the changed model; None where it can't be changed so, or asked."""
        try:
            answers = self.asked(trial.make().eval(), trial.draws)
        except (BadInput, RuntimeError, ValueError):
            return None
        return answers if answers.shape[1:] == self.answers[0].shape[1:] else None

    def remaining(self, tried: Asked, trial: Trial) -> Float64[np.ndarray, "n"]:
        """How far the changed model's answers are from the other's."""
        return _apart(tried, self.answers[1 - trial.place])

    def explanation(
        self, kind: Kind, names: tuple[str, str], trial: Trial, rng: np.random.Generator
    ) -> Explanation | None:
        """What a trial explains, on these images."""
        tried = self.tried(trial)
        if tried is None:
            return None
        other = self.answers[1 - trial.place]
        # Answers that are the same for all images come nearer to whatever is far away, and explain none of it.
        varies = ((other - other.mean((0, 1))) ** 2).mean(0).sum(1)
        wholes = min(_apart(*self.answers), varies, key=np.sum)
        left = share_of_sums(self.remaining(tried, trial), wholes, rng)
        explained = Interval(1 - left.estimate, 1 - left.high, 1 - left.low, left.level)
        agreed = int((labels_of(tried[0]) == labels_of(other[0])).sum())
        return Explanation(kind, names[trial.place], trial.change, wilson(agreed, len(self.images)), explained)


def _apart(one: Asked, other: Asked) -> Float64[np.ndarray, "n"]:
    """The squared distance of two models' answers to each image.

    Models that draw at random differ from themselves too. What both do so is taken off: nothing is left, on average
    over images, where both draw alike.
    """
    apart = sum(((x - y) ** 2).sum(1) for x in one for y in other) / (len(one) * len(other))
    return apart - min(_spread(one), _spread(other), key=np.sum)


def _spread(asked: Asked) -> Float64[np.ndarray, "n"]:
    """The squared distance of two answers of a model to the same image: twice their variance."""
    return 2 * asked.var(0, ddof=1).sum(1) if len(asked) > 1 else np.zeros(asked.shape[1])
