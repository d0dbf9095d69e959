"""Where the first attention layer of a network looks."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor, nn

from shiftassay.models.classifier import Classifier
from shiftassay.models.predict import predict
from shiftassay.networks.attention import PositionAttention
from shiftassay.records import Record
from shiftassay.studies.architectures.members import has_attention


@dataclass(frozen=True)
class AttentionSpread(Record):
    """How wide the attention of a query is, mean over queries.

    `effective`: over how many of the `positions` it spreads, the exponential of the entropy of its weights. `own`: the
    weight that it gives to its own position.
    """

    positions: int
    effective: float
    own: float


def attends_within_images(network: nn.Module) -> bool:
    """Whether the network has attention between the positions of an image.

    Attention between the images of a batch does not count.
    """
    return has_attention(network) and not getattr(network, "mixes_batch", False)


def attention_spread(model: Classifier, images: Float32[np.ndarray, "n c h w"]) -> AttentionSpread:
    weights, _ = attention_weights(model, images)
    entropy = -(weights * weights.clamp_min(1e-12).log()).sum(-1)
    own = weights.diagonal(dim1=1, dim2=2)
    return AttentionSpread(weights.shape[-1], float(entropy.exp().mean()), float(own.mean()))


def attention_maps(
    model: Classifier, images: Float32[np.ndarray, "n c h w"]
) -> dict[str, Float32[np.ndarray, "..."] | Int[np.ndarray, "..."]]:
    """Arrays of the figure `attention_maps`: the images, and the weights of three positions.

    The positions are in the center, up left, and low.
    """
    weights, (rows, columns) = attention_weights(model, images)
    places = [(rows // 2, columns // 2), (rows // 4, columns // 4), (rows - 2, columns // 2)]
    maps = np.stack([weights[:, y * columns + x].numpy().reshape(-1, rows, columns) for y, x in places], axis=1)
    return {"input": images, "maps": maps, "places": np.array(places)}


def attention_weights(
    model: Classifier, images: Float32[np.ndarray, "n c h w"]
) -> tuple[Float[Tensor, "n from to"], tuple[int, int]]:
    """The first layer's attention weights, and the height and width of its grid of positions.

    The weights are the mean over its heads.
    """
    inputs: list[Tensor] = []
    layer = next(layer for layer in model.network.modules() if isinstance(layer, PositionAttention))
    hook = layer.register_forward_pre_hook(lambda _, arguments: inputs.append(arguments[0]))
    try:
        predict(images, model=model, batch=len(images))
    finally:
        hook.remove()
    with torch.inference_mode():
        tokens = inputs[0].flatten(2).transpose(1, 2)
        tokens = tokens if layer.positions is None else tokens + layer.positions
        _, weights = layer.attention(layer.query(tokens), layer.key(tokens), layer.value(tokens), need_weights=True)
    return weights, (inputs[0].shape[2], inputs[0].shape[3])
