"""Where attention between the places of an image looks."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shiftassay.play.views.view import VIEWS, Call, Look, Panel, View


@VIEWS.register("attention")
class AttentionMaps(View):
    """Of each layer, how much each place of the image is attended to.

    It is the mean over heads and over the places that attend.
    """

    @classmethod
    def watches(cls, module: nn.Module) -> bool:
        return isinstance(module, nn.MultiheadAttention)

    @classmethod
    def panels(cls, look: Look) -> list[Panel]:
        height, width = look.image.shape[2:]
        panels = []
        for number, call in enumerate(look.calls, 1):
            weights = _weights(call)
            rows = round((weights.shape[-1] * height / width) ** 0.5)
            if weights.shape[-1] < 4 or rows == 0 or weights.shape[-1] % rows:
                continue  # no grid of places: tokens of a batch, or with others beside them
            received = weights[0].mean(0).reshape(rows, -1)
            heat = (received / received.max()).numpy()
            name = f"Attention, layer {number}" if len(look.calls) > 1 else "Attention"
            panels.append(
                Panel(name, "How much each place is attended to, mean over all places and heads.", heat, True)
            )
        return panels


@torch.no_grad()
def _weights(call: Call) -> Float[Tensor, "n from to"]:
    """The weights of one call of a layer of attention, mean over its heads."""
    assert isinstance(call.module, nn.MultiheadAttention)
    named = {**call.named, "need_weights": True, "average_attn_weights": True}
    _, weights = call.module.forward(*call.arguments[:3], **named)  # not called, so that no view notes it
    assert weights is not None
    return weights
