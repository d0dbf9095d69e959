"""What a model is: anything that turns images into logits."""

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Model(Protocol):
    """Images `(n, c, h, w)`, black 0 and white 1, to logits `(n, classes)`.

    Either an `nn.Module`, which takes and returns tensors: it may have gradients and named layers, and be trained. Or
    any other callable, which is given a NumPy array and returns what NumPy takes for one: it is only asked.
    `models.prepared.module_of` makes a module of either.
    """

    def __call__(self, images: Any, /) -> Any: ...
