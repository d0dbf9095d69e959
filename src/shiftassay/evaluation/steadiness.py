"""Whether a model answers an image by itself, and alike each time."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from torch import nn

from shiftassay.evaluation.answers import Difference, difference, tolerance
from shiftassay.models.predict import predict

SHOWN = 32  # images: what draws at random, or mixes a batch, does so on each


@dataclass(frozen=True)
class Steadiness:
    """By how much answers to `n` images differ when asked for again, and beside fewer others.

    `beside` is None where it can't be told from what asking again changes, or there is one image alone. `allowed` is
    how much rounding may change a log-probability.
    """

    n: int
    again: Difference
    beside: Difference | None
    allowed: float

    @property
    def draws(self) -> bool:
        """Whether it answers otherwise each time."""
        return self.again.largest > self.allowed

    @property
    def mixes(self) -> bool:
        """Whether an answer depends on the other images of the batch."""
        return self.beside is not None and self.beside.largest > self.allowed

    @property
    def sentence(self) -> str:
        """What is wrong with it, and what to do; empty where nothing is."""
        if self.draws:
            return (
                f"Asked twice for the same {self.n} images, the model answers otherwise: {_moved(self.again)}. It "
                "draws at random, or remembers what it was shown. Is dropout left on? Call eval() before it is "
                "exported or returned, and leave no layer in training mode."
            )
        if self.mixes and self.beside is not None:
            return (
                f"The model's answer to an image depends on the others in its batch: {_moved(self.beside)} when half "
                f"of {self.n} images are shown alone. Is batch normalization left in training mode? Then call eval() "
                "before it is exported or returned. Or are numbers scaled over the whole batch, as dynamic int8 "
                "quantization does? 'shiftassay audit' measures what it costs."
            )
        return ""


def steadiness(model: nn.Module, images: Float32[np.ndarray, "n c h w"], device: str = "cpu") -> Steadiness:
    """Ask a model again about the first images, and about half of them alone.

    It is put into evaluation mode, as always: what draws or mixes there does so in spite of it. Raises `BadInput` as
    `predict` does.

    >>> batch = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(4, track_running_stats=False))
    >>> steadiness(batch, np.random.default_rng(0).random((8, 1, 2, 2), np.float32)).mixes
    True
    """
    shown = images[:SHOWN]
    first, again = (predict(shown, model=model, device=device, finite=False) for _ in range(2))
    allowed, repeated = tolerance(first), difference(first, again)
    beside = None
    if repeated.largest <= allowed and len(shown) > 1:
        half = (len(shown) + 1) // 2
        beside = difference(first[:half], predict(shown[:half], model=model, device=device, finite=False))
    return Steadiness(len(shown), repeated, beside, allowed)


def _moved(change: Difference) -> str:
    labels = f"{change.changed:,} {'label' if change.changed == 1 else 'labels'}"
    return f"{labels} and log-probabilities by up to {change.largest:.2g} change"
