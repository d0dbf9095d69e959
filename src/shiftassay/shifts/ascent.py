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
FIRST_STEP = 2.0  # × epsilon: from any point of the ball to any other (Croce and Hein 2020)


Objective = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""What an attack makes grow: a number for each image, of its logits and its label."""


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
        objective: Objective | None = None,
        decaying: bool = False,
    ) -> torch.Tensor:
        """The attacked images, starting at the ball's border in direction `start`.

        For training a few steps suffice. The `objective` that grows is `log_odds_against` unless another is given. All
        steps are equally long, or (`decaying`) they shrink from 2 epsilon to 0, which ends nearer to the maximum.
        """
        objective = objective or log_odds_against
        attacked = self.project(clean + self._step(start) * self.epsilon, clean)
        for step in range(steps):
            attacked.requires_grad_()
            gradient = gradient_of(objective(logits(attacked), labels).sum(), attacked)
            length = FIRST_STEP * (1 - step / steps) if decaying else STEP_SIZE / steps
            attacked = self.project(attacked.detach() + self._step(gradient) * (length * self.epsilon), clean)
        return attacked

    def project(self, images: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        """The nearest images in the ball; under "l2" black and white are clipped last."""
        delta = images - clean
        if self.norm == "linf":
            delta = delta.clamp(-self.epsilon, self.epsilon)
        else:
            size = delta.flatten(1).norm(dim=1).clamp_min(1e-12)
            delta = delta * (self.epsilon / size).clamp_max(1)[:, None, None, None]
        return (clean + delta).clamp(0, 1)

    def _step(self, direction: torch.Tensor) -> torch.Tensor:
        """The longest step of norm 1 along a direction."""
        if self.norm == "linf":
            return direction.sign()
        return direction / direction.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None, None]


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


def margin_against(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The best wrong logit minus the true one: above 0 where the model is wrong."""
    true = logits.gather(1, labels[:, None])
    return logits.scatter(1, labels[:, None], -torch.inf).amax(1) - true[:, 0]


def margin_ratio_against(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The margin in units of the first logit minus the third (DLR, Croce and Hein 2020).

    It does not change with the scale of the logits. With two classes it is the margin itself.

    >>> logits = torch.tensor([[3.0, 2.0, 1.0], [27.0, 18.0, 9.0]])
    >>> margin_ratio_against(logits, torch.tensor([0, 0])).tolist()
    [-0.5, -0.5]
    """
    margin = margin_against(logits, labels)
    if logits.shape[1] < 3:
        return margin
    best = logits.topk(3, dim=1).values
    return margin / (best[:, 0] - best[:, 2]).clamp_min(1e-12)
