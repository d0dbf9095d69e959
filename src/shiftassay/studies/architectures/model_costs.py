"""What a model costs: operations, memory for a training step, latency."""

from time import perf_counter

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from shiftassay.models.classifier import Classifier

CALLS = 200


def operations(model: Classifier, images: Float[Tensor, "n c h w"]) -> float:
    """Multiplications and additions of a forward pass, for each image of a batch."""
    model.train()  # in evaluation mode attention takes a fused path, whose operations are not counted
    counter = FlopCounterMode(display=False)
    with torch.random.fork_rng(devices=[]), sdpa_kernel(SDPBackend.MATH), torch.no_grad(), counter:
        model(images)
    model.eval()
    return counter.get_total_flops() / len(images)


def saved_bytes(model: Classifier, images: Float[Tensor, "n c h w"], labels: Int64[Tensor, "n"]) -> int:
    """The bytes that a training step's forward pass keeps for its backward pass.

    Weights do not count.
    """
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    saved: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.random.fork_rng(devices=[]), saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = F.cross_entropy(model.train()(images), labels)
    model.eval()
    del loss
    return sum(saved.values())


def latency(model: Classifier, image: Float[Tensor, "1 c h w"]) -> float:
    """Seconds for one image: the median of many calls."""
    times = []
    with torch.inference_mode():
        for _ in range(CALLS):
            began = perf_counter()
            model(image)
            times.append(perf_counter() - began)
    return float(np.median(times))
