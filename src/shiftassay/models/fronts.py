"""Input preprocessors for a known shift.

The shift's inverse, else a filter, else a projection onto what the shift preserves. Fronts have no parameters. They
know the shift, never an image's partner in another set.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from shiftassay.shifts.family import Shift


@runtime_checkable
class Front(Protocol):
    """Images in, images of the same shape out."""

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]: ...


@dataclass(frozen=True)
class AsIs:
    """The images as they are."""

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return images

    def __str__(self) -> str:
        return "as it is"


@dataclass(frozen=True)
class Gather:
    """The inverse of a shared pixel permutation, without parameters.

    A linear map of 28 × 28 pixels has 614,656.
    """

    places: tuple[int, ...]

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return images.flatten(2)[:, :, list(self.places)].view(images.shape)

    def __str__(self) -> str:
        return "pixels put back"


@dataclass(frozen=True)
class Undo:
    """The inverse of a shift that is the same for all images; gradients do not pass through it."""

    shift: Shift

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        undone = self.shift.undo(images.detach().cpu().numpy(), np.random.default_rng(0))
        assert undone is not None
        return torch.from_numpy(np.ascontiguousarray(undone)).to(images.device)

    def __str__(self) -> str:
        return f"{self.shift.family} undone"


@dataclass(frozen=True)
class Shrink:
    """clip((x − ε) / (1 − 2 ε), 0, 1): removes changes by at most ε of black or white pixels.

    Four in five pixels of a digit are black: no noise and no attack of that size gets at the network through those.
    """

    epsilon: float

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return ((images - self.epsilon) / (1 - 2 * self.epsilon)).clamp(0, 1)

    def __str__(self) -> str:
        return f"±{self.epsilon:.3g} clipped away"


@dataclass(frozen=True)
class Sort:
    """The pixel values of each channel in descending order.

    Nothing else survives a fresh permutation of each image.
    """

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return images.flatten(2).sort(dim=2, descending=True).values.view(images.shape)

    def __str__(self) -> str:
        return "pixels sorted"


@dataclass(frozen=True)
class Several:
    """One front after another."""

    parts: tuple[Front, ...]

    def __call__(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        for part in self.parts:
            images = part(images)
        return images

    def __str__(self) -> str:
        return ", ".join(map(str, self.parts))


def front_of(shift: Shift, input_shape: tuple[int, int, int]) -> Front:
    """The front for images of (c, h, w) under a shift, which needs no other image.

    >>> from shiftassay.shifts.catalog import parse
    >>> shape = (1, 28, 28)
    >>> print(front_of(parse("sign_noise:epsilon=0.1"), shape))
    ±0.1 clipped away
    >>> print(front_of(parse("pixel_permutation:scope=per_image"), shape))
    pixels sorted
    """
    parts = shift.components
    fronts: list[Front] = []
    for part in reversed(parts):
        fronts.append(_front(part, input_shape))
        if isinstance(fronts[-1], Sort):  # whatever was done before a permutation, its places are lost
            break
    fronts = [front for front in fronts if not isinstance(front, AsIs)]
    if shift.needs_model and any(isinstance(front, Undo) for front in fronts):
        return AsIs()  # an attack is made, and trained against, through the front
    return fronts[0] if len(fronts) == 1 else Several(tuple(fronts)) if fronts else AsIs()


def straight_through(front: Front) -> Front:
    """The same front with the gradient of the identity (Athalye et al. 2018).

    For attacks, where its own gradient vanishes.
    """

    def passed(images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return images + (front(images) - images).detach()

    return passed


def _front(shift: Shift, input_shape: tuple[int, int, int]) -> Front:
    if shift.position_permutation is not None:
        return Gather(tuple(np.argsort(shift.position_permutation).tolist()))
    if shift.shuffles:
        return Sort()
    if shift.largest_change is not None and 0 < shift.largest_change < 0.5:
        return Shrink(shift.largest_change)
    return Undo(shift) if shift.family != "identity" and _same_for_all(shift.undo, shift, input_shape) else AsIs()


def _same_for_all(undo: Callable[..., np.ndarray | None], shift: Shift, input_shape: tuple[int, int, int]) -> bool:
    """Whether a shift can be undone without knowing what was drawn for each image."""
    if shift.scope != "shared":
        return False
    probe = np.random.default_rng(0).random((2, *input_shape), np.float32)
    first, second = (undo(probe, np.random.default_rng(seed)) for seed in (1, 2))
    return first is not None and second is not None and np.array_equal(first, second)
