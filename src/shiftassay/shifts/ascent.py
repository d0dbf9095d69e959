"""Projected gradient ascent in a ball around each image (Madry et al. 2018).

For attacks and for adversarial training.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from shiftassay.errors import BadInput

STEPS = 20
STEP_SIZE = 2.5  # × epsilon / steps: far enough to reach the border of the ball from anywhere in it (Madry et al. 2018)


@dataclass(frozen=True)
class Ball:
    """The images in [0, 1] within `epsilon` of an image.

    The norm is "linf" (the largest change of a pixel) or "l2".
    """

    epsilon: float
    norm: Literal["linf", "l2"]

    def ascend(
        self,
        clean: torch.Tensor,
        start: torch.Tensor,
        labels: torch.Tensor,
        logits: Callable[[torch.Tensor], torch.Tensor],
        steps: int = STEPS,
    ) -> torch.Tensor:
        """The attacked images, starting at the ball's border in direction `start`.

        For training a few steps suffice.
        """
        attacked = self._project(clean + self._step(start) * self.epsilon, clean)
        for _ in range(steps):
            attacked.requires_grad_()
            gradient = gradient_of(log_odds_against(logits(attacked), labels).sum(), attacked)
            step = self._step(gradient) * (STEP_SIZE * self.epsilon / steps)
            attacked = self._project(attacked.detach() + step, clean)
        return attacked

    def _step(self, direction: torch.Tensor) -> torch.Tensor:
        """The longest step of norm 1 along a direction."""
        if self.norm == "linf":
            return direction.sign()
        return direction / direction.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None, None]

    def _project(self, images: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        delta = images - clean
        if self.norm == "linf":
            delta = delta.clamp(-self.epsilon, self.epsilon)
        else:
            size = delta.flatten(1).norm(dim=1).clamp_min(1e-12)
            delta = delta * (self.epsilon / size).clamp_max(1)[:, None, None, None]
        return (clean + delta).clamp(0, 1)


class NoGradient(BadInput):
    """A model's logits have no gradient with respect to the image, or it is not finite."""


def gradient_of(value: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """The gradient of one number with respect to images. Raises `NoGradient`.

    >>> images = torch.ones(2, requires_grad=True)
    >>> gradient_of((3 * images).sum(), images).tolist()
    [3.0, 3.0]
    >>> gradient_of(torch.ones(()), images)
    Traceback (most recent call last):
    shiftassay.shifts.ascent.NoGradient: the model's answers have no gradient with respect to the image...
    """
    why = "they do not depend on it, are whole numbers, or were detached"
    gradient = None
    if value.requires_grad:
        try:
            (gradient,) = torch.autograd.grad(value, images, allow_unused=True)
        except RuntimeError as error:  # raised by what the user's model did in its forward pass
            why = " ".join(str(error).split())[:200]
    if gradient is None:
        raise NoGradient(
            "the model's answers have no gradient with respect to the image, and an attack follows it. "
            f"({why[0].upper()}{why[1:]}.)"
        )
    if not (torch.isfinite(value) and torch.isfinite(gradient).all()):
        raise NoGradient("the model's answers, or their gradient, are NaN or infinite, and an attack follows it.")
    return gradient


def log_odds_against(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """log (1 − p) / p of the true class.

    Cross-entropy is log (1 + exp of it): its gradient has the same direction, but vanishes in float32 where the model
    is confident, so an attack on the loss would stall on the images that are hardest to attack.
    """
    true = logits.gather(1, labels[:, None])
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return others.logsumexp(1) - true[:, 0]
