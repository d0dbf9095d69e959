"""Is a residual noise, or was it aimed at a model?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int64
from scipy.ndimage import gaussian_filter, median_filter
from scipy.stats import binomtest
from torch import nn

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.asking import accuracy, log_odds, log_odds_gradient
from shiftassay.diagnosis.controls import shuffled_residual, transplanted_residual
from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.execution.threads import one_thread_each
from shiftassay.imagesets.image_set import Images
from shiftassay.models.predict import labels_of, predict
from shiftassay.random_stream import seed_for
from shiftassay.records import Record
from shiftassay.words.numbers import number, percent

EXACT = 1e-6  # of a change: what single precision leaves of it
WAY = (0.0, 0.5, 1.0)  # where between reference and shifted the gradient is taken: attacks bend with the loss

# Where attacks (FGSM, projected gradient ascent, targeted, DeepFool; at this model, another seed, another architecture)
# and the rest of the catalogue lie on MNIST: agreement's excess ≥ 0.25 and ≤ 0.06, share of images worse off than with
# the shuffled residual ≥ 0.96 and ≤ 0.78. `aim` is ≥ 0.91 at the model that was aimed at, ≤ 0.85 at another seed of it.


@dataclass(frozen=True)
class Transfer(Record):
    """What the shift does to another model's accuracy.

    Accuracies are those on the reference, on the shifted set, and with each residual shuffled within its image.
    """

    model: str
    reference: float
    shifted: float
    shuffled: float


@dataclass(frozen=True)
class BesideControls(Record):
    """A number measured with the shift, beside that of the two controls of the same size."""

    shifted: float
    shuffled: float
    transplanted: float


@dataclass(frozen=True)
class AccuracyBesideControls(Record):
    """Accuracy on the reference, the shifted images, and the two controls of the same size."""

    reference: float
    shifted: float
    shuffled: float
    transplanted: float


@dataclass(frozen=True)
class AdversarialEvidence(Record):
    """The residual's size, shape, direction and effect, beside two controls of the same size.

    `shuffled`: each image's residual, shuffled over its pixels of like value. `transplanted`: another image's residual.

    - `agreement` is Σ residual · gradient / Σ |residual| |gradient| with the gradient of the model's log-odds against
      the label: 1 if every pixel moved the harmful way, 0 if they cancel. Of the reference, half way and the shifted
      image, it is that of the place (`at`) where it exceeds the shuffled control's most.
    - `aim` is how near the residual comes to the best of its norm anywhere on the way: for linf that is agreement, for
      l2 the cosine with the gradient over pixels that are not held back by clipping.
    - `harm` is the mean rise of the log-odds against the label.
    - `worse` is the share of images that are worse off than with the shuffled control, `worse_p` its p-value
      against a half.
    - `spread` is the coefficient of variation over images of their largest change (linf) and their length (l2).
    - `epsilon_interval` holds what `epsilon` can have been, given how values were rounded and clipped.
    - `at_bound` is the share of pixels that moved by epsilon, of those with room to.
    - `denoised` gives accuracies after filters of (reference, shifted).
    """

    images: int
    norm: Literal["linf", "l2"]
    epsilon: float
    epsilon_interval: tuple[float, float]
    spread: Mapping[str, float]
    at_bound: float
    at: float
    agreement: BesideControls
    aim: float
    harm: BesideControls
    worse: float
    worse_p: float
    accuracy: AccuracyBesideControls
    denoised: Mapping[str, tuple[float, float]]
    transfer: tuple[Transfer, ...]
    derived = ("excess", "probability", "is_adversarial", "bounded", "aimed_at", "sentence")

    def __str__(self) -> str:
        return self.sentence

    def __repr__(self) -> str:
        aim = f"aimed at {self.aimed_at}" if self.is_adversarial else "not aimed"
        return f"<AdversarialEvidence: {self.norm} {self.epsilon:.3g}, {aim}>"

    @property
    def excess(self) -> float:
        """By how much the residual agrees with the gradient more than either control does."""
        return self.agreement.shifted - max(self.agreement.shuffled, self.agreement.transplanted)

    @property
    def probability(self) -> float:
        """The probability of an attack, from 0 to 1.

        A logistic function of the criterion that is furthest from being met, 0.5 at its threshold.
        """
        least = min(
            (self.excess - thresholds.AIM_EXCESS) / thresholds.AIM_EXCESS_SCALE,
            (self.worse - thresholds.AIM_WORSE) / thresholds.AIM_WORSE_SCALE,
        )
        return 1 / (1 + exp(-max(min(least, 50.0), -50.0)))

    @property
    def is_adversarial(self) -> bool:
        """Whether the shift meets all criteria of an attack.

        Agreement exceeds both controls' by 0.14, and at least 88% of images are worse off than in the control.
        """
        return self.probability > 0.5

    @property
    def bounded(self) -> bool:
        """Whether one epsilon describes all images: their sizes vary by less than 5%."""
        return self.spread[self.norm] < thresholds.ONE_EPSILON

    @property
    def aimed_at(self) -> Literal["this model", "another model"] | None:
        """Whose gradient it follows; None if it follows none.

        An attack towards a chosen class may pass for one on another model.
        """
        if not self.is_adversarial:
            return None
        return "this model" if self.aim >= thresholds.AIMED_HERE[self.norm] else "another model"

    @property
    def sentence(self) -> str:
        """Where the residual points and what it does, beside the controls."""
        aim = {
            "this model": "The change was aimed at this model",
            "another model": "The change was aimed, at another model or towards a chosen class",
            None: "The change was not aimed at this model",
        }
        carried = f" {_carried(self.transfer)}" if self.transfer and self.is_adversarial else ""
        return (
            f"{aim[self.aimed_at]}: its agreement with the gradient is "
            f"{number(self.agreement.shifted, 2)} (1 if every pixel moves the harmful way; "
            f"{number(self.agreement.shuffled, 2)} for the same change shuffled over the image, "
            f"{number(self.agreement.transplanted, 2)} for that of another image). It leaves accuracy at "
            f"{percent(self.accuracy.shifted, 1)}; shuffled it leaves {percent(self.accuracy.shuffled, 1)}, that of "
            f"another image {percent(self.accuracy.transplanted, 1)}.{carried}"
        )


@one_thread_each()
def adversarial_evidence(
    model: nn.Module,
    reference: Float32[np.ndarray, "n c h w"],
    shifted: Float32[np.ndarray, "n c h w"],
    labels: Int64[np.ndarray, "n"] | None = None,
    seed: int = 0,
    others: Mapping[str, nn.Module] | None = None,
) -> AdversarialEvidence:
    """Measure what tells an attack on `model` from noise of its size, on up to 1,000 paired images.

    Without labels, the model's own answers to the reference stand in. `others` are models, by name, on which transfer
    is measured. The evidence is the same whatever the family; the method is after Goodfellow et al. (2015), whose
    attack follows the gradient's sign, and Szegedy et al. (2014), who compare with distortions shuffled over the image.

    >>> import torch
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    >>> _ = model[1].weight.data.copy_(torch.linspace(-1, 1, 128).sin().reshape(2, 64)[:, torch.randperm(64)])
    >>> rng = np.random.default_rng(0)
    >>> images = rng.uniform(0.3, 0.7, (100, 1, 8, 8)).astype(np.float32)
    >>> labels = model(torch.from_numpy(images)).argmax(1).numpy()
    >>> attacked = images + np.float32(0.1) * np.sign(log_odds_gradient(model, images, labels))
    >>> evidence = adversarial_evidence(model, images, attacked, labels)
    >>> evidence.norm, round(evidence.epsilon, 3), round(evidence.agreement.shifted, 3)
    ('linf', 0.1, 1.0)
    """
    rng = np.random.default_rng(seed_for(seed, "adversarial evidence"))
    some = np.sort(rng.permutation(len(reference))[: SETTINGS.adversarial_images])
    reference, shifted = reference[some], shifted[some]
    truth = labels[some] if labels is not None else labels_of(predict(reference, model=model))
    controls = {
        "shifted": shifted,
        "shuffled": shuffled_residual(reference, shifted, rng),
        "transplanted": transplanted_residual(reference, shifted, rng),
    }
    norm, epsilon, interval, spread = _size(reference, shifted)
    at, agreement, aim = _agreement(model, reference, controls, truth, norm)
    before = log_odds(model, reference, truth)
    rise = {name: log_odds(model, images, truth) - before for name, images in controls.items()}
    worse, ties = (int(s.sum()) for s in (rise["shifted"] > rise["shuffled"], rise["shifted"] == rise["shuffled"]))
    decided = len(some) - ties
    return AdversarialEvidence(
        images=len(some),
        norm=norm,
        epsilon=epsilon,
        epsilon_interval=interval,
        spread=spread,
        at_bound=_at_bound(reference, shifted),
        at=at,
        agreement=agreement,
        aim=aim,
        harm=BesideControls(**{name: float(r.mean()) for name, r in rise.items()}),
        worse=(worse + ties / 2) / len(some),
        worse_p=float(binomtest(worse, decided, alternative="greater").pvalue) if decided else 1.0,
        accuracy=AccuracyBesideControls(
            accuracy(model, reference, truth), **{name: accuracy(model, x, truth) for name, x in controls.items()}
        ),
        denoised={
            name: (accuracy(model, clean(reference), truth), accuracy(model, clean(shifted), truth))
            for name, clean in FILTERS.items()
        },
        transfer=tuple(
            Transfer(name, *(accuracy(other, x, truth) for x in (reference, shifted, controls["shuffled"])))
            for name, other in (others or {}).items()
        ),
    )


FILTERS = {
    "median 3 × 3": lambda images: median_filter(images, (1, 1, 3, 3)),
    "gaussian 0.7": lambda images: gaussian_filter(images, (0, 0, 0.7, 0.7)),
}


def _agreement(
    model: nn.Module, reference: np.ndarray, controls: dict[str, np.ndarray], labels: np.ndarray, norm: str
) -> tuple[float, BesideControls, float]:
    """The place on the way where the residual stands out most, with the agreements there.

    Last comes the best aim anywhere on the way.
    """
    places, aims = [], []
    for at in WAY:
        there = (reference + np.float32(at) * (controls["shifted"] - reference)).astype(np.float32)
        gradient = log_odds_gradient(model, there, labels)
        agreement = BesideControls(**{name: _along(x - reference, gradient) for name, x in controls.items()})
        places.append((agreement.shifted - agreement.shuffled, at, agreement))
        aims.append(agreement.shifted if norm == "linf" else _cosine(reference, controls["shifted"], gradient))
    _, at, agreement = max(places, key=lambda place: place[0])
    return at, agreement, max(aims)


def _along(residual: np.ndarray, gradient: np.ndarray) -> float:
    products = (residual * gradient).reshape(len(residual), -1).astype(np.float64)
    return float((products.sum(1) / np.maximum(np.abs(products).sum(1), 1e-30)).mean())


def _cosine(reference: np.ndarray, shifted: np.ndarray, gradient: np.ndarray) -> float:
    """The cosine of residual and gradient.

    Pixels that the gradient would push out of the range of values are left out.
    """
    low, high = min(reference.min(), shifted.min()), max(reference.max(), shifted.max())
    held = ((shifted <= low) & (gradient < 0)) | ((shifted >= high) & (gradient > 0))
    residual, free = (x.reshape(len(x), -1).astype(np.float64) for x in (shifted - reference, gradient * ~held))
    lengths = np.linalg.norm(residual, axis=1) * np.linalg.norm(free, axis=1)
    return float(((residual * free).sum(1) / np.maximum(lengths, 1e-30)).mean())


def _size(
    reference: Images, shifted: Images
) -> tuple[Literal["linf", "l2"], float, tuple[float, float], dict[str, float]]:
    """The norm that images have in common, its bound with an interval, and the spread in each norm.

    The spread is the coefficient of variation over images.
    """
    change = shifted.astype(np.float64) - reference
    flat = change.reshape(len(change), -1)
    sizes = {"linf": np.abs(flat).max(1), "l2": np.sqrt((flat**2).sum(1))}
    spread = {name: float(size.std() / max(size.mean(), 1e-12)) for name, size in sizes.items()}
    step = _grey_level(shifted)
    if spread["linf"] <= spread["l2"]:
        between = np.abs(reference / step - np.rint(reference / step)) > 0.01 if step else np.zeros(0, bool)
        return "linf", *_linf_bound(change, step, between), spread
    return "l2", *_l2_bound(sizes["l2"], step, int((flat != 0).sum(1).max())), spread


def _linf_bound(change: np.ndarray, step: float, between: np.ndarray) -> tuple[float, tuple[float, float]]:
    """The bound of a pixel's change, with its interval.

    It is no less than the largest change, but for rounding.

    Rounding to a grey level (`step`) moves changes by half a level up or down, whichever way it rounds; towards black,
    it makes the largest rise a level smaller than the largest fall, and their mean stays. Pixels that lay `between` two
    levels are all rounded differently.
    """
    rise, fall = max(float(change.max()), 0.0), max(float(-change.min()), 0.0)
    largest = max(rise, fall)
    if not step:
        return largest, (largest - EXACT, largest + EXACT)
    ends = [end for end in (rise, fall) if end > largest - 1.5 * step]  # else clipping left no full change that way
    middle = sum(ends) / len(ends)
    full = int((np.abs(change) > largest - step)[between].sum())
    if not full:
        return middle, (middle - step / 2 - EXACT, middle + step / 2 + EXACT)
    # Of n pixels that moved by the bound, half of them either way, the largest rounding errors are short of half a
    # level by 5 / n levels at most in 95 of 100 cases: half the sum of two exponential variables of mean 2 / n.
    low, short = middle - step / 2, step * min(1.0, 5 / full)
    return low + short / 2, (low - EXACT, low + short + EXACT)


def _l2_bound(size: np.ndarray, step: float, pixels: int) -> tuple[float, tuple[float, float]]:
    """The bound of a change's length with its interval: no less than the longest, but for rounding.

    Clipping shortens all: the one that it shortened least by no more than the lengths are apart. Rounding to grey
    levels changes a length by some thousandths, mostly makes it longer, and most for the longest of many.
    """
    longest, shortest = float(size.max()), float(size.min())
    if longest == 0:
        return 0.0, (0.0, 0.0)
    sd = step / np.sqrt(12)
    rounding = 3.5 * sd + pixels * sd**2 / (2 * longest)
    low, high = longest - rounding, longest + (longest - shortest)
    return longest - rounding / 2, (low - EXACT * longest, high + EXACT * longest)


def _grey_level(images: Images) -> float:
    """The distance of the grey levels that all values lie on.

    Of 8 bits or 16; 0 where they lie on neither.
    """
    for levels in (255, 65535):
        scaled = images.astype(np.float64) * levels
        if np.abs(scaled - np.rint(scaled)).max(initial=0.0) < 0.01:  # single precision is off by 0.004 at most
            return 1 / levels
    return 0.0


def _at_bound(reference: np.ndarray, shifted: np.ndarray) -> float:
    """The share of pixels that moved by their image's largest change.

    Only pixels with room for it in both directions count.
    """
    change = np.abs(shifted - reference).astype(np.float64)
    bound = change.max(axis=(1, 2, 3), keepdims=True)
    low, high = min(reference.min(), shifted.min()), max(reference.max(), shifted.max())
    room = (reference - bound >= low) & (reference + bound <= high) & (bound > 0)
    return float((change >= 0.95 * bound)[room].mean()) if room.any() else 0.0


def _carried(transfer: Sequence[Transfer]) -> str:
    """What the attack does to other models."""
    names = (
        transfer[0].model
        if len(transfer) == 1
        else f"{len(transfer)} other models ({transfer[0].model} to {transfer[-1].model})"
    )
    ranges = [[getattr(t, key) for t in transfer] for key in ("shifted", "reference", "shuffled")]
    here, before, shuffled = (percent(min(r), 1) + (f" to {percent(max(r), 1)}" if len(r) > 1 else "") for r in ranges)
    return f"On {names}, at which it was not aimed, it leaves {here} of {before} (shuffled: {shuffled})."
