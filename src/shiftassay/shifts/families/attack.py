"""Shifts that are aimed at a model."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import torch

from shiftassay.errors import BadInput
from shiftassay.imagesets.labels import check_range
from shiftassay.shifts.family import FAMILIES, Context, Images, Information, Scope, Shift

STEPS = 20
STEP_SIZE = 2.5  # × epsilon / steps: far enough to reach the border of the ball from anywhere in it (Madry et al. 2018)
CHUNK = 1000


@FAMILIES.register("adversarial")
@dataclass(frozen=True)
class Adversarial(Shift):
    """Projected gradient ascent of the loss within an `epsilon` ball (Madry et al. 2018), pixels kept in [0, 1].

    `norm` is "linf" (each pixel by at most epsilon) or "l2" (each image by at most epsilon).
    """

    family: ClassVar[str] = "adversarial"
    group: ClassVar[str] = "attack"
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "Every pixel's small change points along the loss's gradient, so that their effects add up instead of cancelling."
    )
    information: ClassVar[Information] = "reduced"
    needs_model: ClassVar[bool] = True

    epsilon: float
    norm: Literal["linf", "l2"] = "linf"
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.epsilon < 0 or self.norm not in ("linf", "l2"):
            raise BadInput(f"adversarial: epsilon ≥ 0 and norm linf or l2, not {self.epsilon:g} and {self.norm!r}.")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        if context is None:
            raise BadInput("adversarial: it is aimed at a model. Pass one, and the labels of the images.")
        classes = context.logits(torch.from_numpy(images[:1])).shape[1]
        check_range(context.labels, classes, "adversarial")
        attacked = np.empty_like(images)
        for start in range(0, len(images), CHUNK):
            part = slice(start, start + CHUNK)
            begin = torch.from_numpy(rng.uniform(-1, 1, images[part].shape).astype(np.float32))
            labels = torch.from_numpy(context.labels[part])
            attacked[part] = self.ascend(torch.from_numpy(images[part]), begin, labels, context.logits).numpy()
        return attacked

    def ascend(
        self,
        clean: torch.Tensor,
        begin: torch.Tensor,
        labels: torch.Tensor,
        logits: Callable[[torch.Tensor], torch.Tensor],
        steps: int = STEPS,
    ) -> torch.Tensor:
        """The attacked images, from a start in direction `begin` at the ball's border; a few steps are enough to train against."""
        at = self._project(clean + self._step(begin) * self.epsilon, clean)
        for _ in range(steps):
            at.requires_grad_()
            gradient = gradient_of(log_odds_against(logits(at), labels).sum(), at)
            at = self._project(at.detach() + self._step(gradient) * (STEP_SIZE * self.epsilon / steps), clean)
        return at

    def _step(self, direction: torch.Tensor) -> torch.Tensor:
        """The longest step of size 1 along a direction."""
        if self.norm == "linf":
            return direction.sign()
        return direction / direction.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None, None]

    def _project(self, at: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        delta = at - clean
        if self.norm == "linf":
            delta = delta.clamp(-self.epsilon, self.epsilon)
        else:
            size = delta.flatten(1).norm(dim=1).clamp_min(1e-12)
            delta = delta * (self.epsilon / size).clamp_max(1)[:, None, None, None]
        return (clean + delta).clamp(0, 1)


class NoGradient(BadInput):
    """A model's answers have no gradient with respect to the image, or one that is not finite."""


def gradient_of(value: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """The gradient of one number with respect to `at`. Raises `NoGradient`.

    >>> at = torch.ones(2, requires_grad=True)
    >>> gradient_of((3 * at).sum(), at).tolist()
    [3.0, 3.0]
    >>> gradient_of(torch.ones(()), at)
    Traceback (most recent call last):
    shiftassay.shifts.families.attack.NoGradient: the model's answers have no gradient with respect to the image, and an attack follows it. ...
    """
    why = "they do not depend on it, are whole numbers, or were detached"
    gradient = None
    if value.requires_grad:
        try:
            (gradient,) = torch.autograd.grad(value, at, allow_unused=True)
        except RuntimeError as error:  # of what a user's own code did on the way
            why = " ".join(str(error).split())[:200]
    if gradient is None:
        raise NoGradient(
            f"the model's answers have no gradient with respect to the image, and an attack follows it. ({why[0].upper()}{why[1:]}.)"
        )
    if not (torch.isfinite(value) and torch.isfinite(gradient).all()):
        raise NoGradient("the model's answers, or their gradient, are NaN or infinite, and an attack follows it.")
    return gradient


def log_odds_against(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """log (1 − p) / p of the true class.

    Cross-entropy is log (1 + exp of it), so its gradient has the same direction, but vanishes in float32 where the model
    is sure: an attack on the loss itself would stand still on the very images that are hardest to attack.
    """
    true = logits.gather(1, labels[:, None])
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return others.logsumexp(1) - true[:, 0]
