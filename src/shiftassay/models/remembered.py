"""What a model answered to large images, so that it is not asked about the same one twice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
from jaxtyping import Float32
from torch import nn

from shiftassay.imagesets.image_set import Images

LARGE = 10_000  # values of an image, from which on asking takes longer than looking it up

Logits = Float32[np.ndarray, "n classes"]


@dataclass(frozen=True, eq=False)
class Remembered:
    """The logits of one model, by the content of the image."""

    model: nn.Module
    _logits: dict[bytes, Float32[np.ndarray, "classes"]] = field(default_factory=dict)

    def know(self, images: Images, logits: Logits) -> None:
        """Keep these answers."""
        if images[0].size >= LARGE:
            self._logits.update(zip(map(_content, images), logits, strict=True))

    def answers(self, images: Images, ask: Callable[[Images], Logits]) -> Logits:
        """The logits of all images; only those that are new are asked about."""
        contents = [_content(image) for image in images]
        new = {content: i for i, content in enumerate(contents) if content not in self._logits}
        if new:
            self._logits.update(zip(new, ask(images[list(new.values())]), strict=True))
        return np.stack([self._logits[content] for content in contents])


_remembered: ContextVar[Remembered | None] = ContextVar("remembered", default=None)


@contextmanager
def remembering(remembered: Remembered | None) -> Iterator[None]:
    """Within it, `predict` asks this model about each large image once.

    For models that answer an image alike each time, and whatever the others of its batch. While a model has hooks,
    which may change its answers, it is asked as always.
    """
    token = _remembered.set(remembered)
    try:
        yield
    finally:
        _remembered.reset(token)


def remembered_of(model: nn.Module, images: Images) -> Remembered | None:
    """What is kept of a model's answers; None where nothing is, or images are small."""
    remembered = _remembered.get()
    if remembered is None or remembered.model is not model or not len(images) or images[0].size < LARGE:
        return None
    hooked = any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    return None if hooked else remembered


def _content(image: np.ndarray) -> bytes:
    return sha256(np.ascontiguousarray(image).data).digest()
