"""What is asked of a model besides its answers: how they change with its input."""

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import nn

from shiftassay.models.predict import answering, logits_of, predict
from shiftassay.shifts.ascent import NoGradient, gradient_of, log_odds_against

CHUNK = 500


def log_odds(
    model: nn.Module, images: Float32[np.ndarray, "n c h w"], labels: Int64[np.ndarray, "n"]
) -> Float32[np.ndarray, "n"]:
    """log (1 − p) / p of each image's label: what the loss grows with, without its saturation."""
    return log_odds_against(torch.from_numpy(predict(images, model=model)), torch.from_numpy(labels)).numpy()


def log_odds_gradient(
    model: nn.Module, images: Float32[np.ndarray, "n c h w"], labels: Int64[np.ndarray, "n"]
) -> Float32[np.ndarray, "n c h w"]:
    """The gradient of `log_odds` with respect to the image, which points where the loss's gradient does. Raises `NoGradient`."""
    found = np.empty_like(images)
    with answering(model):
        for start in range(0, len(images), CHUNK):
            part = slice(start, start + CHUNK)
            at = torch.from_numpy(images[part]).requires_grad_()
            odds = log_odds_against(logits_of(at, model=model), torch.from_numpy(labels[part]))
            found[part] = gradient_of(odds.sum(), at).numpy()
    return found


def without_gradient(model: nn.Module, images: Float32[np.ndarray, "n c h w"]) -> str | None:
    """Why nothing can be asked of how a model's answers change with the image; None where it can."""
    try:
        log_odds_gradient(model, images, predict(images, model=model, finite=False).argmax(1))
    except NoGradient as error:
        return str(error)
    return None


def accuracy(model: nn.Module, images: Float32[np.ndarray, "n c h w"], labels: Int64[np.ndarray, "n"]) -> float:
    """The share of images whose most likely class is their label."""
    return float((predict(images, model=model).argmax(1) == labels).mean())
