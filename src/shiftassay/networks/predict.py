"""Asking a model."""

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import nn

from shiftassay.errors import BadInput

BATCH = 1000


def predict(
    model: nn.Module, images: Float32[np.ndarray, "n c h w"], device: str = "cpu", batch: int = BATCH
) -> Float32[np.ndarray, "n classes"]:
    """The model's logits, in evaluation mode (dropout off, statistics fixed), whatever mode it was in before.

    Images are shown in their order, `batch` at a time: a number that matters only to models that mix the images of a batch.
    Raises `BadInput` if the images do not fit the model's input.

    >>> doubling = nn.Sequential(nn.Flatten(), nn.Linear(1, 1, bias=False))
    >>> _ = nn.init.constant_(doubling[1].weight, 2)
    >>> predict(doubling, np.ones((3, 1, 1, 1), np.float32)).ravel().tolist()
    [2.0, 2.0, 2.0]
    """
    was_training = model.training
    model.eval().to(device)
    try:
        with torch.inference_mode():
            parts = (torch.from_numpy(images[start : start + batch]) for start in range(0, len(images), batch))
            answers = [model(part.to(device)) for part in parts]
    except RuntimeError as error:
        raise BadInput(
            f"the model can't take images of {images.shape[1:]}, float32 ({' '.join(str(error).split())[:200]}). "
            "Give it images of the size and type that it was built for."
        ) from None
    finally:
        model.train(was_training)
    if not all(isinstance(answer, torch.Tensor) and answer.ndim == 2 for answer in answers):
        raise BadInput("the model's output is no tensor of (images, classes). It must return one logit for each class.")
    return torch.cat([answer.float().cpu() for answer in answers]).numpy()


def check_finite(logits: Float[np.ndarray, "n classes"], name: str) -> None:
    """Raise `BadInput` for answers that are none: NaN or infinite logits have no most likely class."""
    bad = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(bad):
        raise BadInput(
            f"{name}: the model's output is NaN or infinite for {len(bad)} of {len(logits)} images, the first is image {bad[0]}. "
            "Check its weights, and that the images are finite."
        )


def probabilities(logits: Float[np.ndarray, "n classes"]) -> Float[np.ndarray, "n classes"]:
    """Softmax, without overflow.

    >>> probabilities(np.array([[1000.0, 1000.0]])).tolist()
    [[0.5, 0.5]]
    """
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def labels_of(logits: Float[np.ndarray, "n classes"]) -> Int64[np.ndarray, "n"]:
    """The most likely class of each image."""
    return logits.argmax(axis=1)
