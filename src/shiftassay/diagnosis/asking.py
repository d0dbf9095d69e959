"""What a diagnosis asks of a model: its answers to both sets, and its gradients."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import nn

from shiftassay.diagnosis.settings import SETTINGS
from shiftassay.errors import BadInput
from shiftassay.evaluation.steadiness import steadiness
from shiftassay.execution.mapping import mapped
from shiftassay.execution.threads import one_thread_each
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.imagesets.labels import check_range
from shiftassay.models.predict import answering, batch_of, logits_of, predict
from shiftassay.progress import Watch, unwatched
from shiftassay.random_stream import seed_for
from shiftassay.shifts.ascent import NoGradient, gradient_of, log_odds_against

STEADY = 16  # images that it is asked about again
CHUNK = 500  # images whose gradients are computed at a time


@dataclass(frozen=True, eq=False)
class Answers:
    """A model's logits for both sets, and notes on questions that it can't answer.

    The logits are None if the model can't be judged by them; `draws` says that it answers otherwise each time, `steady`
    that an answer depends on the image alone.
    """

    logits: tuple[Float32[np.ndarray, "n c"], Float32[np.ndarray, "m c"]] | None = None
    notes: tuple[str, ...] = ()
    draws: bool = False
    steady: bool = False


@one_thread_each()
def ask(
    model: nn.Module, reference: ImageSet, shifted: ImageSet, seed: int, device: str, watch: Watch = unwatched
) -> Answers:
    """Ask a model about all images of both sets, and whether it has a gradient.

    A note says where its answers depend on the batch, or are others each time. Raises `BadInput` for images that don't
    fit the model, invalid answers, and labels of the reference that it has no output for. Labels of the shifted set may
    be what is wrong with it: then there are no logits.
    """
    # Fails at once where the images do not fit.
    predict(reference.images[:2], model=model, device=device, finite=False)
    logits = (
        predict(reference.images, model=model, device=device, name=reference.name, watch=watch),
        predict(shifted.images, model=model, device=device, name=shifted.name, watch=watch),
    )
    order = np.random.default_rng(seed_for(seed, "diagnose", "gradient")).permutation(len(reference))
    error = without_gradient(model, reference.images[order[: SETTINGS.gradients]])
    steady = steadiness(model, reference.images[order[:STEADY]], device)
    notes = (steady.sentence,) if steady.sentence else ()
    if error is not None:
        notes = (*notes, f"{error} What needs one is left out: whether the change was aimed at the model.")
    if reference.labels is not None:
        check_range(reference.labels, logits[0].shape[1], reference.name)
    try:
        if shifted.labels is not None:
            check_range(shifted.labels, logits[1].shape[1], shifted.name)
    except BadInput as wrong:
        return Answers(None, (*notes, f"{wrong} So its accuracy is not measured."))
    return Answers(logits, notes, steady.draws, not steady.sentence)


def log_odds(
    model: nn.Module, images: Float32[np.ndarray, "n c h w"], labels: Int64[np.ndarray, "n"]
) -> Float32[np.ndarray, "n"]:
    """log (1 − p) / p of each image's label: grows with the loss, and does not saturate."""
    return log_odds_against(torch.from_numpy(predict(images, model=model)), torch.from_numpy(labels)).numpy()


def log_odds_gradient(
    model: nn.Module, images: Float32[np.ndarray, "n c h w"], labels: Int64[np.ndarray, "n"]
) -> Float32[np.ndarray, "n c h w"]:
    """The gradient of `log_odds` with respect to the image, which has the direction of the loss's.

    Raises `NoGradient`.
    """
    chunk = batch_of(images.shape[1:], CHUNK)
    parts = [(images[start : start + chunk], labels[start : start + chunk]) for start in range(0, len(images), chunk)]
    with answering(model):
        gradients = mapped(partial(_gradient, model=model), parts)
    return np.concatenate(gradients) if gradients else np.empty_like(images)


def _gradient(part: tuple[np.ndarray, np.ndarray], model: nn.Module) -> np.ndarray:
    at = torch.from_numpy(part[0]).requires_grad_()
    odds = log_odds_against(logits_of(at, model=model), torch.from_numpy(part[1]))
    return gradient_of(odds.sum(), at).numpy()


def without_gradient(model: nn.Module, images: Float32[np.ndarray, "n c h w"]) -> str | None:
    """Why a model has no gradient with respect to its input; None if it has one."""
    try:
        log_odds_gradient(model, images, predict(images, model=model, finite=False).argmax(1))
    except NoGradient as error:
        return str(error)
    return None


def accuracy(model: nn.Module, images: Float32[np.ndarray, "n c h w"], labels: Int64[np.ndarray, "n"]) -> float:
    """The share of images whose most likely class is their label."""
    return float((predict(images, model=model).argmax(1) == labels).mean())
