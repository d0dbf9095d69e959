"""Cases aimed at a model: a small one, trained in seconds with plain PyTorch and kept."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import torch
from benchmarks.diagnosis.build import dataset
from benchmarks.diagnosis.case import Answer, Case, Images, Labels, Made, Part, eight_bits
from benchmarks.diagnosis.noise import gaussian_noise, sign_noise, uniform_noise
from torch import nn
from torch.nn import functional as F

GROUP = "attack"
STEPS = 40
EPOCHS = 3
KEPT = Path(__file__).parents[2] / "out" / "diagnosis-benchmark" / "victim.pt"


def cases() -> Iterator[Case]:
    """Each attack with the model it is aimed at, and without; and noise of the same size.

    The noise comes with the model too, and is no attack.
    """
    for epsilon in (0.05, 0.1, 0.2):
        yield from _with_and_without(adversarial("fgsm", epsilon, "linf"))
        yield from _with_and_without(adversarial("pgd", epsilon, "linf"))
    for epsilon in (1.0, 2.0, 3.0):
        yield from _with_and_without(adversarial("pgd", epsilon, "l2"))
    yield Case(GROUP, (adversarial("pgd", 0.1, "linf", rounded=True),), model=True)
    for part in (sign_noise(0.1), sign_noise(0.2), uniform_noise(0.2), gaussian_noise(0.1)):
        yield Case(GROUP, (part,), model=True)


def adversarial(method: str, epsilon: float, norm: str, rounded: bool = False) -> Part:
    """An attack on a model.

    `fgsm`: one step along the gradient's sign (Goodfellow et al. 2015). `pgd`: many small ones from a random start
    (Madry et al. 2018).
    """

    def make(images: Images, labels: Labels, rng: np.random.Generator) -> Made:
        clean, true = torch.from_numpy(images)[:, None], torch.from_numpy(labels)
        start = torch.from_numpy(rng.uniform(-1, 1, clean.shape).astype(np.float32))
        attacked = _fgsm(clean, true, epsilon) if method == "fgsm" else _pgd(clean, true, epsilon, norm, start)
        shifted = attacked[:, 0].numpy()
        return Made(eight_bits(shifted) if rounded else shifted, labels)

    way = method + ("-bytes" if rounded else "")
    return Part("adversarial", {"epsilon": epsilon, "norm": norm}, make, GROUP, "per_image", way=way)


@cache
def victim() -> nn.Module:
    """Two layers, 97% right."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    if KEPT.exists():
        model.load_state_dict(torch.load(KEPT))
        return model.eval()
    train = dataset("mnist").train
    assert train.labels is not None
    images, labels = torch.from_numpy(train.images), torch.from_numpy(train.labels)
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(images)).split(128):
            optimizer.zero_grad()
            F.cross_entropy(model(images[batch]), labels[batch]).backward()
            optimizer.step()
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), KEPT)
    return model.eval()


def _with_and_without(part: Part) -> Iterator[Case]:
    yield Case(GROUP, (part,), model=True)
    # What noise was aimed at can't be seen without a model.
    blind = (Answer("unknown", None, None), Answer("sign_noise", None, "per_image"))
    yield Case(GROUP, (part,), instead=blind)


def _fgsm(clean: torch.Tensor, labels: torch.Tensor, epsilon: float) -> torch.Tensor:
    return (clean + epsilon * _gradient(clean, labels).sign()).clamp(0, 1)


def _pgd(clean: torch.Tensor, labels: torch.Tensor, epsilon: float, norm: str, start: torch.Tensor) -> torch.Tensor:
    step = 3 * epsilon / STEPS
    at = (clean + (epsilon * start if norm == "linf" else 0)).clamp(0, 1)
    for _ in range(STEPS):
        gradient = _gradient(at, labels)
        if norm == "linf":
            at = torch.minimum(torch.maximum(at + step * gradient.sign(), clean - epsilon), clean + epsilon)
        else:
            at = at + step * gradient / gradient.norm(dim=(2, 3), keepdim=True).clamp_min(1e-12)
            delta = at - clean
            at = clean + delta * (epsilon / delta.norm(dim=(2, 3), keepdim=True)).clamp_max(1)
        at = at.clamp(0, 1)
    return at


def _gradient(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Of the log odds against the true class: the loss has the same direction, but vanishes where the model is sure."""
    at = images.clone().requires_grad_()
    logits = victim()(at)
    others = logits.scatter(1, labels[:, None], -torch.inf).logsumexp(1)
    return torch.autograd.grad((others - logits.gather(1, labels[:, None])[:, 0]).sum(), at)[0]
