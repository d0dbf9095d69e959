"""The trained members of a study, and what is read from them.

That is answers, correctness, losses, and parts of their networks.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Int64
from torch import Tensor, nn

from shiftassay.errors import BadInput
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.predict import predict
from shiftassay.networks.attention import PositionAttention
from shiftassay.random_stream import epoch_order, seed_for
from shiftassay.training.train import Trained

Members = Mapping[str, Sequence[Trained]]
"""For each network, its members in the order of their seeds."""


@runtime_checkable
class SpatialTransformer(Protocol):
    """A network that samples each image through a transformation of its own."""

    transformation: nn.Module

    def theta(self, images: Tensor, /) -> Tensor:
        """The maps (n, 2, 3) from output to input coordinates, for normalized images.

        Both coordinates are in [−1, 1].
        """
        ...


def spatial_transformer(network: nn.Module) -> SpatialTransformer | None:
    """The network, if it has a spatial transformer."""
    return network if isinstance(network, SpatialTransformer) else None


def has_attention(network: nn.Module) -> bool:
    """Whether any layer of the network attends."""
    return any(isinstance(layer, PositionAttention) for layer in network.modules())


def predicted_classes(member: Trained, images: Float32[np.ndarray, "n c h w"]) -> Int64[np.ndarray, "n"]:
    """The classes that a member's model predicts, in the images' order.

    The model is shown shuffled batches of its recipe's size: one of the networks attends across its batch.
    """
    order = epoch_order(seed_for("answers"), len(images))
    logits = predict(images[order], model=member.model, batch=member.trial.recipe.batch_size)
    return logits.argmax(1)[np.argsort(order)]


def correct_after_last_epoch(members: Sequence[Trained], labels: Int64[np.ndarray, "n"]) -> Bool[np.ndarray, "seeds n"]:
    """Which images each member classifies correctly after its last epoch: the `sound` protocol."""
    return np.stack([member.test_logits.argmax(1) == labels for member in members])


def correct_in_best_epoch(members: Sequence[Trained], labels: Int64[np.ndarray, "n"]) -> Bool[np.ndarray, "seeds n"]:
    """Which images members get right in the epoch that is best on these very images.

    This is the `seed` protocol, which is optimistic.
    """
    return np.stack(
        [(member.best.logits if member.best else member.test_logits).argmax(1) == labels for member in members]
    )


def labels_of(image_set: ImageSet) -> Int64[np.ndarray, "n"]:
    """The labels of a set that is tested on. Raises `BadInput` if it has none."""
    if image_set.labels is None:
        raise BadInput(f"{image_set.name}: a study of architectures needs the labels of its test set.")
    return image_set.labels


def validation_losses(member: Trained) -> list[float]:
    """The loss on the test set after every epoch."""
    return [epoch.validation_loss for epoch in member.metrics if epoch.validation_loss is not None]


def validation_accuracies(member: Trained) -> list[float]:
    """The accuracy on the test set after every epoch."""
    return [epoch.validation_accuracy for epoch in member.metrics if epoch.validation_accuracy is not None]


def late_epochs(epochs: int) -> slice:
    """The last two thirds of the epochs, by which the loss has come down.

    >>> late_epochs(300)
    slice(100, 300, None)
    """
    return slice(epochs // 3, epochs)
