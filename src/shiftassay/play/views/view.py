"""A view: what a page shows of how a network came to its answer."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from shiftassay.registry import Registry

VIEWS: Registry[type["View"]] = Registry("view", "shiftassay.play.views")

Line = tuple[tuple[float, float], ...]
"""Points (x, y) of a line; (0, 0) is the picture's upper left corner, (1, 1) its lower right one."""


@dataclass(frozen=True)
class Call:
    """One call of a module: what it was given."""

    module: nn.Module
    arguments: tuple[Any, ...]
    named: dict[str, Any]


@dataclass(frozen=True)
class Look:
    """One image (1, c, h, w), and the model's logits (1, classes) of it.

    The gradient can be asked for. `calls` are those of the modules that the view watches, in their order.
    """

    image: Tensor
    logits: Tensor
    calls: tuple[Call, ...]


@dataclass(frozen=True, eq=False)
class Panel:
    """A picture with a caption.

    It is grey (h, w) or colour (h, w, 3), black 0 and white 1; with `heat`, a map (h, w) from nothing 0 to most 1 that
    is shown in colours. `lines` are drawn over it.
    """

    title: str
    about: str
    picture: Float[np.ndarray, "h w *c"]
    heat: bool = False
    lines: tuple[Line, ...] = ()


class View(ABC):
    """What is looked at, and how it is shown."""

    @classmethod
    def watches(cls, module: nn.Module) -> bool:
        """Whether the calls of this module are needed."""
        return False

    @classmethod
    @abstractmethod
    def panels(cls, look: Look) -> list[Panel]:
        """The pictures; none where the network has nothing of the kind."""


def picture_of(image: Float[Tensor, "c h w"]) -> Float[np.ndarray, "h w *c"]:
    """A channel-first image as one to show: clipped to [0, 1], grey without its channel."""
    array = image.detach().cpu().float().clamp(0, 1).numpy()
    return array[0] if len(array) == 1 else np.moveaxis(array[:3], 0, -1)
