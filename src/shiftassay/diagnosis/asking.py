"""What is asked of a model besides its answers: how they change with its input."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import nn

from shiftassay.networks.predict import predict
from shiftassay.shifts.attack import log_odds_against

CHUNK = 500


def log_odds(
    model: nn.Module, images: Float32[np.ndarray, "n c h w"], labels: Int64[np.ndarray, "n"]
) -> Float32[np.ndarray, "n"]:
    """log (1 − p) / p of each image's label: what the loss grows with, without its saturation."""
    return log_odds_against(torch.from_numpy(predict(model, images)), torch.from_numpy(labels)).numpy()


def log_odds_gradient(
    model: nn.Module, images: Float32[np.ndarray, "n c h w"], labels: Int64[np.ndarray, "n"]
) -> Float32[np.ndarray, "n c h w"]:
    """The gradient of `log_odds` with respect to the image, which points where the loss's gradient does."""
    found = np.empty_like(images)
    with evaluating(model):
        for start in range(0, len(images), CHUNK):
            part = slice(start, start + CHUNK)
            at = torch.from_numpy(images[part]).requires_grad_()
            odds = log_odds_against(model(at), torch.from_numpy(labels[part]))
            found[part] = torch.autograd.grad(odds.sum(), at)[0].numpy()
    return found


def accuracy(model: nn.Module, images: Float32[np.ndarray, "n c h w"], labels: Int64[np.ndarray, "n"]) -> float:
    """The share of images whose most likely class is their label."""
    return float((predict(model, images).argmax(1) == labels).mean())


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode on the CPU, and afterwards in the mode it was in."""
    was_training = model.training
    model.eval().to("cpu")
    try:
        yield
    finally:
        model.train(was_training)
