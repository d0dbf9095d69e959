"""The native step and PyTorch on the same weights, images and masks."""

import functools
from weakref import WeakKeyDictionary

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from shiftassay.imagesets.embedded import embedded_mnist
from shiftassay.kernels import native
from shiftassay.training.lowering import lower
from shiftassay.training.masks import reading_masks
from shiftassay.training.program import Program

MEMBER, EPOCH = 7, 3


@functools.cache
def mnist() -> tuple[np.ndarray, np.ndarray]:
    images, labels = embedded_mnist("train")
    return images[:, None].copy(), labels.astype(np.int64)


def normalized(images: np.ndarray) -> torch.Tensor:
    return (torch.from_numpy(images).float() / 255 - 0.1307) / 0.3081


_programs: WeakKeyDictionary[nn.Module, Program] = WeakKeyDictionary()


def lowered(network: nn.Module, images: torch.Tensor) -> Program:
    """`lower`, once for each network: tracing takes longer than the small networks of these tests."""
    if network not in _programs:
        _programs[network] = lower(network, tuple(images.shape[1:]))
    return _programs[network]


def native_gradient(
    network: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    build: str | None = None,
    threads: int = 1,
    **options,
) -> tuple[float, dict[str, np.ndarray]]:
    """Loss and gradients of one batch that holds all images, from the native step."""
    program = lowered(network, images)
    compiled = program.compile(build)
    flat = program.pack(network.state_dict())
    gradient = np.full_like(flat, np.nan)
    losses, _ = compiled.train(
        native.Pixels(images.numpy()),
        labels.numpy(),
        np.arange(len(images)),
        flat,
        native.Optimizer(),
        np.zeros(1, np.float32),
        program.keys(MEMBER, EPOCH),
        batch=len(images),
        threads=threads,
        gradient=gradient,
        **options,
    )
    return losses[0], {name: part.numpy() for name, part in program.unpack(gradient).items()}


def plain_gradient(
    network: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    dtype: torch.dtype = torch.float64,
    smoothing: float = 0.0,
) -> tuple[float, dict[str, np.ndarray]]:
    """The same from PyTorch."""
    network = network.to(dtype).train()
    with reading_masks(network, MEMBER, EPOCH):
        loss = F.cross_entropy(network(images.to(dtype)), labels, label_smoothing=smoothing)
        network.zero_grad()
        loss.backward()
    gradients = {name: parameter.grad.numpy().copy() for name, parameter in network.named_parameters()}
    network.float()
    return loss.item(), gradients


def native_logits(network: nn.Module, images: torch.Tensor, build: str | None = None, **options) -> np.ndarray:
    program = lowered(network, images)
    return program.compile(build).forward(native.Pixels(images.numpy()), program.pack(network.state_dict()), **options)


def plain_logits(network: nn.Module, images: torch.Tensor, dtype: torch.dtype = torch.float64) -> np.ndarray:
    with torch.no_grad():
        logits = network.to(dtype).eval()(images.to(dtype)).numpy()
    network.float().train()
    return logits


def assert_close(ours: np.ndarray, theirs: np.ndarray, tolerance: float, name: str = "") -> None:
    """`tolerance` is relative to the largest entry: a sum rounds in proportion to its largest terms, not to itself."""
    scale = np.abs(theirs).max() if theirs.size else 0.0
    worst = np.abs(ours - theirs).max() if theirs.size else 0.0
    assert worst <= tolerance * scale + 1e-12, f"{name}: off by {worst:.3g} where the largest is {scale:.3g}"


def assert_same_gradients(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray], tolerance: float) -> None:
    assert ours.keys() == theirs.keys()
    for name in theirs:
        assert_close(ours[name], theirs[name], tolerance, name)
