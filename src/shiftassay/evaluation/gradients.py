"""Which parameters of a model ever get a gradient, and why the others get none."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Int64
from torch import Tensor, nn

from shiftassay.errors import BadInput
from shiftassay.evaluation.answers import Check
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.classifier import Classifier
from shiftassay.models.predict import logits_of, reason
from shiftassay.models.prepared import Prepared
from shiftassay.records import Record
from shiftassay.words.lists import first_of

DRAWS = 4
IMAGES = 128
ROUNDING = 1e-13  # of the largest gradient, in double precision

Counts = Mapping[str, int]
"""Numbers by the name of their tensor."""


@dataclass(frozen=True)
class ParameterCounts(Record):
    """How many numbers a model has, and which tensors get no gradient.

    `unused`: never used by the forward pass. `silent`: no image gives them a gradient, whatever the other weights.
    `waiting`: without gradient at just these weights. `idle`: single numbers, in tensors that are in use, without
    gradient on these images. `no_effect`: their gradient is mere rounding. `buffers` are no parameters.
    """

    total: int
    in_use: int
    dead: int
    unused: Counts
    silent: Counts
    waiting: Counts
    idle: Counts
    no_effect: Counts
    frozen: Counts
    buffers: Counts
    images: int
    draws: int

    def __str__(self) -> str:
        parts = [f"{self.total:,} parameters, {self.in_use:,} in use, {self.dead:,} dead"]
        for counts, reason_for in (
            (self.unused, "never used by the forward pass"),
            (self.silent, "used, but without gradient for any image"),
            (self.waiting, "in use without gradient at just these weights, as before a layer that is still zero"),
            (self.idle, "in use but idle on these images, behind or before units that never fire"),
            (self.no_effect, "in use without effect, since what they add cancels"),
            (self.frozen, "frozen"),
            (self.buffers, "in buffers, which no gradient moves"),
        ):
            if counts:
                names = first_of((f"{name} ({count:,})" for name, count in counts.items()), "tensors")
                parts.append(f"{sum(counts.values()):,} {reason_for}: {names}")
        return "; ".join(parts) + "."


def check_parameters(model: nn.Module, image_set: ImageSet, order: Int64[np.ndarray, "n"], device: str) -> Check:
    """Look for tensors that no image gives a gradient.

    Some hundred images are shown in training mode, in several draws. Dead are tensors that the forward pass never uses,
    and those whose gradient is exactly zero and stays so when all weights are moved a little (behind units that never
    fire, say). A gradient that is zero only at these weights, as before the zero layer that a spatial transformer
    starts with, is not dead but waiting. A number has no effect where its gradient is mere rounding: the bias of the
    keys in attention, or one before a batch norm, cancels. Labels are the set's in the first draw and random in the
    others, so that a model that is sure of every image is not taken for a dead one.
    """
    copied = copy.deepcopy(model)
    names = _names(copied)
    frozen = {names[name]: w.numel() for name, w in model.named_parameters() if not w.requires_grad}
    buffers = {names[name]: b.numel() for name, b in model.named_buffers()}
    try:
        copied.requires_grad_(True)
        gradients = _gradients(copied, image_set, order, device)
        moved = _gradients(_moved(copied), image_set, order, device)
    except Exception as error:  # a user's own code may raise anything on the way back
        return Check("parameters", "not measured", f"No gradient can be had: {reason(error).rstrip('.')}.", {})
    unused = {names[name]: w.numel() for name, w in copied.named_parameters() if name not in gradients}
    largest = max((float(g.max()) for g in gradients.values()), default=0.0)
    double = all(g.dtype == torch.float64 for g in gradients.values())
    silent, waiting, idle, no_effect = {}, {}, {}, {}
    for name, gradient in gradients.items():
        zero = gradient == 0
        if zero.all():
            stays = name not in moved or not moved[name].any()
            (silent if stays else waiting)[names[name]] = gradient.numel()
        else:
            idle[names[name]] = int(zero.sum())
            no_effect[names[name]] = int((~zero & (gradient < ROUNDING * largest)).sum()) if double else 0
    total = sum(w.numel() for w in copied.parameters())
    dead = sum(unused.values()) + sum(silent.values())
    counts = ParameterCounts(
        total=total,
        in_use=total - dead,
        dead=dead,
        unused=unused,
        silent=silent,
        waiting=waiting,
        idle=_present(idle),
        no_effect=_present(no_effect),
        frozen=frozen,
        buffers=buffers,
        images=min(DRAWS * IMAGES, len(order)),
        draws=DRAWS,
    )
    return Check("parameters", "found" if dead else "ok", str(counts), counts.to_json())


def _gradients(model: nn.Module, image_set: ImageSet, order: np.ndarray, device: str) -> dict[str, Tensor]:
    """The largest |gradient| over the draws of every used parameter.

    In double precision where the model can.
    """
    try:
        return _draw(copy.deepcopy(model).double(), image_set, order, device, torch.float64)
    except (BadInput, RuntimeError, TypeError):  # a module that insists on single precision
        return _draw(copy.deepcopy(model), image_set, order, device, torch.float32)


def _draw(
    model: nn.Module, image_set: ImageSet, order: np.ndarray, device: str, dtype: torch.dtype
) -> dict[str, Tensor]:
    model.train()
    largest: dict[str, Tensor] = {}
    for draw in range(DRAWS):
        some = np.take(order, np.arange(draw * IMAGES, (draw + 1) * IMAGES), mode="wrap")[: len(order)]
        logits = logits_of(torch.from_numpy(image_set.images[some]).to(device, dtype), model=model, precision=dtype)
        if not logits.requires_grad:
            raise BadInput(
                "it has no weights that PyTorch could train"
                if not list(model.parameters())
                else "the model's answers have no gradient with respect to its weights"
            )
        labels = torch.randint(logits.shape[1], (len(some),), device=device)
        if draw == 0 and image_set.labels is not None:
            labels = torch.from_numpy(image_set.labels[some]).to(device)
        model.zero_grad(set_to_none=True)
        F.cross_entropy(logits, labels).backward()
        for name, weights in model.named_parameters():
            if weights.grad is not None:
                size = weights.grad.abs()
                largest[name] = torch.maximum(largest[name], size) if name in largest else size
    return largest


def _moved(model: nn.Module) -> nn.Module:
    """A copy with noise on all weights: a twentieth of their size, 0.01 where they are all zero."""
    model = copy.deepcopy(model)
    with torch.no_grad():
        for weights in model.parameters():
            size = float(weights.detach().square().mean().sqrt())
            weights += (0.05 * size or 0.01) * torch.randn_like(weights)
    return model


def _names(model: nn.Module) -> dict[str, str]:
    """The names that their owner knows: without the prefix of the lab's own wrapper."""
    prefix = "network." if isinstance(model, Classifier) else model.prefix if isinstance(model, Prepared) else ""
    names = [name for name, _ in (*model.named_parameters(), *model.named_buffers())]
    return {name: name.removeprefix(prefix) for name in names}


def _present(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}
