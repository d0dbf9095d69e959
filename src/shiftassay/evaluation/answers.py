"""Asking a model in its own mode, in any order and batch size, and comparing its answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from pydantic import JsonValue
from scipy.special import log_softmax
from torch import nn

from shiftassay.models.large_batches import attention_in_parts, memory_available, memory_needed
from shiftassay.models.predict import logits_of, precision_of, reason
from shiftassay.records import Record

SAMPLE = 64

Numbers = Mapping[str, JsonValue]
"""What a check measured: each check has its own keys."""


@dataclass(frozen=True)
class Check(Record):
    """One thing that was looked for: a sentence for people, and the numbers behind it."""

    name: str
    verdict: Literal["ok", "found", "not measured"]
    sentence: str
    numbers: Numbers

    def __str__(self) -> str:
        return f"{self.name:<12}  {self.verdict:<12}  {self.sentence}"


class NotMeasured(Exception):  # noqa: N818  # nothing went wrong: the check is left out
    """The model can't be asked this way; the message says why."""


@dataclass(frozen=True)
class Difference:
    """Images whose most likely class is another, and the largest difference of a log-probability.

    An image whose answer is finite in one series only counts as changed; one that is finite in neither does not.
    """

    changed: int
    largest: float


def ask(
    model: nn.Module,
    images: Float32[np.ndarray, "n c h w"],
    order: Int64[np.ndarray, "m"],
    batch: int,
    device: str,
) -> Float32[np.ndarray, "m classes"]:
    """The logits of the images `order`, in that order, `batch` at a time.

    The model stays in its mode. Raises `NotMeasured` if the memory is too small or the model can't be asked so, with
    the reason.
    """
    if batch > SAMPLE and len(order) > SAMPLE:
        _check_memory(
            model,
            torch.from_numpy(images[order[:SAMPLE]]).to(device, precision_of(model)),
            min(batch, len(order)),
            device,
        )
    parts = [order[start : start + batch] for start in range(0, len(order), batch)]
    try:
        with torch.no_grad(), attention_in_parts(model):
            logits = [logits_of(torch.from_numpy(images[part]).to(device), model=model).cpu() for part in parts]
            return torch.cat(logits).numpy()
    except Exception as error:  # a user's own model may raise anything; memory may run out
        raise NotMeasured(reason(error).rstrip(".")) from None


def difference(first: Float[np.ndarray, "n classes"], second: Float[np.ndarray, "n classes"]) -> Difference:
    """How much two series of answers to the same images differ.

    >>> difference(np.array([[0.0, 1.0], [5.0, 0.0]]), np.array([[1.0, 0.0], [5.0, 0.0]]))
    Difference(changed=1, largest=1.0)
    """
    finite = [np.isfinite(logits).all(axis=1) for logits in (first, second)]
    both = finite[0] & finite[1]
    a, b = (log_probabilities(logits[both]) for logits in (first, second))
    changed = int((a.argmax(1) != b.argmax(1)).sum() + (finite[0] != finite[1]).sum())
    return Difference(changed, float(np.abs(a - b).max(initial=0.0)))


def tolerance(logits: Float[np.ndarray, "n classes"]) -> float:
    """How much rounding may change a log-probability: 0.001, and more where logits exceed 100."""
    finite = logits[np.isfinite(logits)]
    return max(1e-3, 1e-5 * float(np.abs(finite).max(initial=0.0)))


def log_probabilities(logits: Float[np.ndarray, "n classes"]) -> Float[np.ndarray, "n classes"]:
    """The logarithm of softmax, in double precision.

    >>> log_probabilities(np.array([[0.0, 0.0]])).round(3).tolist()
    [[-0.693, -0.693]]
    """
    return log_softmax(logits.astype(np.float64), axis=1)


def _check_memory(model: nn.Module, sample: torch.Tensor, n: int, device: str) -> None:
    try:
        needed, available = memory_needed(model, sample, n), memory_available(device)
    except Exception as error:  # a user's own model may raise anything
        raise NotMeasured(reason(error)) from None
    if available is not None and needed > available:
        raise NotMeasured(
            f"{n:,} images at once would need about {needed / 1e9:.0f} GB, there are {available / 1e9:.0f}. "
            "Choose a smaller largest batch (--largest-batch)"
        )
