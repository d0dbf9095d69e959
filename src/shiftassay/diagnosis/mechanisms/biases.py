"""A gain scales what a network receives, but not its biases."""

import dataclasses

import numpy as np
import torch
from torch import nn

from shiftassay.diagnosis import thresholds
from shiftassay.diagnosis.mechanisms.case import Case, Mechanism, briefly
from shiftassay.models.classifier import Classifier
from shiftassay.models.predict import copied, labels_of, predict
from shiftassay.words.numbers import percent


@briefly("biases stay as the input shrinks")
def biases(case: Case) -> Mechanism | None:
    """The biases alone make a gain matter: the rest of the network is homogeneous.

    A network of linear layers, ReLU and pooling is homogeneous in its input and its biases together. So if images are
    `factor` times the reference, multiplying the biases by the factor too must give the reference's answers again, and
    without biases the factor must change no answer. Both are tried (the constant that normalisation subtracts is a bias
    as well); where either fails, as it does for tanh or with another normalisation inside, nothing is reported.
    Measured are also how large a share of the logits is due to biases, before and after.
    """
    if not case.paired:
        return None
    flat, shifted = (x.reshape(len(x), -1).astype(np.float64) for x in (case.reference, case.shifted))
    energy = np.maximum((flat**2).sum(1), 1e-12)
    factors = (flat * shifted).sum(1) / energy
    misfit = float(np.sqrt(((shifted - factors[:, None] * flat) ** 2).sum() / max((shifted**2).sum(), 1e-12)))
    factor, spread = float(np.median(factors)), float(factors.std())
    if misfit > thresholds.SCALED_MISFIT or abs(factor - 1) < thresholds.FACTOR_OF_NOTE or (factors <= 0).any():
        return Mechanism("biases", False, "", {"misfit": misfit, "factor": factor})
    unbiased = _with_biases(case.model, 0.0)
    bare = [predict(images, model=unbiased) for images in (case.reference, case.shifted)]
    unmoved = float((labels_of(bare[0]) == labels_of(bare[1])).mean())
    shared = spread < thresholds.FACTOR_OF_NOTE
    scaled = labels_of(predict(case.shifted, model=_with_biases(case.model, factor))) if shared else None
    same = float((scaled == labels_of(case.reference_logits)).mean()) if scaled is not None else None
    shares = [
        _share(logits, other) for logits, other in zip((case.reference_logits, case.shifted_logits), bare, strict=True)
    ]
    present = unmoved >= thresholds.SAME_ANSWERS and (same is None or same >= thresholds.SAME_ANSWERS)
    words = f"every pixel is {factor:.3g} times what it was" + (
        "" if shared else " in the median, each image by its own factor"
    )
    check = (
        f"with biases multiplied by {factor:.3g} as well, {percent(same, 1)} of answers are those on the reference "
        "again"
        if same is not None
        else "the factors differ between images"
    )
    return Mechanism(
        "biases",
        bool(present),
        f"The gain acts through the biases alone: {words}, so biases make up {percent(shares[1])} of the logits, not "
        f"{percent(shares[0])}. With all biases set to zero the gain changes {percent(1 - unmoved, 1)} of answers; "
        f"{check}.",
        {
            "factor": factor,
            "factor_sd": spread,
            "misfit": misfit,
            "biases_share": shares[1],
            "biases_share_reference": shares[0],
            "same_without_biases": unmoved,
            "same_with_biases_scaled": same,
        },
    )


def _share(logits: np.ndarray, bare: np.ndarray) -> float:
    """What biases add to the differences between logits, as a share of all that adds to them."""
    logits, bare = (x - x.mean(1, keepdims=True) for x in (logits.astype(np.float64), bare.astype(np.float64)))
    due = np.linalg.norm(logits - bare, axis=1).mean()
    return float(due / max(due + np.linalg.norm(bare, axis=1).mean(), 1e-12))


def _with_biases(model: nn.Module, factor: float) -> nn.Module:
    """A copy whose biases are multiplied by a factor.

    So is the constant that its normalisation subtracts.
    """
    changed = copied(model)
    with torch.no_grad():
        for name, weights in changed.named_parameters():
            if name.split(".")[-1].endswith("bias"):
                weights.mul_(factor)
    if isinstance(changed, Classifier):
        changed.card = dataclasses.replace(changed.card, mean=changed.card.mean * factor)
    return changed
