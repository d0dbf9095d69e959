"""Shifts that are aimed at a model."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import torch

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import Images
from shiftassay.imagesets.labels import check_range
from shiftassay.shifts.ascent import Ball
from shiftassay.shifts.family import FAMILIES, Context, Information, Scope, Shift

CHUNK = 1000  # images: bounds the memory that an attack takes


@FAMILIES.register("adversarial")
@dataclass(frozen=True)
class Adversarial(Shift):
    """Change each image a little, in the direction in which a model's loss grows most.

    Projected gradient ascent of the loss within a ball around each image; pixels stay in [0, 1]. It needs a model and
    the images' labels (see `Context`).

    Parameters:
        epsilon: the ball's radius, 0 or more, in units of the grey scale.
        norm: "linf", each pixel changes by at most epsilon; "l2", each image changes by at most epsilon as a vector.

    Source: Madry et al. 2018, "Towards deep learning models resistant to adversarial attacks".
    """

    family: ClassVar[str] = "adversarial"
    instead: ClassVar[str] = (
        "It can't be undone: let no one who sends images see the model's gradients, and train with attacks on it"
    )
    group: ClassVar[str] = "attack"
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "Every pixel's small change points along the loss's gradient, so that their effects add up instead of "
        "cancelling."
    )
    information: ClassVar[Information] = "reduced"
    needs_model: ClassVar[bool] = True
    example: ClassVar[str] = "epsilon=0.1"
    also_called: ClassVar[tuple[str, ...]] = ("attack", "fgsm", "pgd")

    epsilon: float
    norm: Literal["linf", "l2"] = "linf"
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.epsilon < 0 or self.norm not in ("linf", "l2"):
            raise BadInput(f"adversarial: epsilon ≥ 0 and norm linf or l2, not {self.epsilon:g} and {self.norm!r}.")

    @property
    def ball(self) -> Ball:
        return Ball(self.epsilon, self.norm)

    @property
    def largest_change(self) -> float | None:
        return self.epsilon if self.norm == "linf" else None

    @property
    def theory(self) -> str:
        best = "signs along g add up to ε‖g‖₁" if self.norm == "linf" else "a change along g adds up to ε‖g‖₂"
        return f"To first order a change δ moves the margin by g·δ, where g is the margin's gradient: {best}."

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
            attacked[part] = self.ball.ascend(torch.from_numpy(images[part]), begin, labels, context.logits).numpy()
        return attacked
