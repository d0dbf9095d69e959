"""Where a little more or less grey would change the margin."""

import torch

from shiftassay.play.views.view import VIEWS, Look, Panel, View


@VIEWS.register("saliency")
class Saliency(View):
    """The size of the margin's gradient at each pixel (Simonyan et al. 2013)."""

    @classmethod
    def panels(cls, look: Look) -> list[Panel]:
        if not look.logits.requires_grad:
            return []
        first, second = look.logits[0].topk(2).values
        [gradient] = torch.autograd.grad(first - second, look.image, retain_graph=True, allow_unused=True)
        if gradient is None:
            return []
        size = gradient[0].abs().amax(0)
        heat = (size / size.max().clamp_min(1e-12)).numpy()
        return [
            Panel("Saliency", "How much each pixel moves the margin between the two likeliest classes.", heat, True)
        ]
