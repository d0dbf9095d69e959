"""One member on the captured path, and the device's memory that all of them read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from shiftassay.models.predict import predict
from shiftassay.random_stream import seed_for
from shiftassay.runs.recipe import Recipe
from shiftassay.training.device_noise import EpochMasks, epoch_order
from shiftassay.training.group import TrainingData
from shiftassay.training.plain import OPTIMIZER


@dataclass(frozen=True)
class Shared:
    """What all members read: the normalised images, and where in the epoch they are."""

    recipe: Recipe
    tf32: bool
    images: Float32[Tensor, "n c h w"]
    labels: Int64[Tensor, "n"]
    classes: int
    rates: Float32[Tensor, "steps"]
    rate: Float32[Tensor, "1"]
    step: Int64[Tensor, "1"]

    @staticmethod
    def on(device: str, recipe: Recipe, data: TrainingData, tf32: bool) -> "Shared":
        steps = -(-len(data.images) // recipe.batch_size)
        return Shared(
            recipe=recipe,
            tf32=tf32,
            # Normalised here, once: element by element the same numbers as batch by batch.
            images=(torch.from_numpy(data.images).to(device) - recipe.mean) / recipe.sd,
            labels=torch.from_numpy(data.labels).to(device),
            classes=data.classes,
            rates=torch.zeros(steps, device=device),
            rate=torch.zeros(1, device=device),
            step=torch.zeros(1, dtype=torch.int64, device=device),
        )

    @property
    def batches(self) -> list[tuple[int, int]]:
        """The sizes of an epoch's batches in their order, and how many there are of each."""
        full, rest = divmod(len(self.images), self.recipe.batch_size)
        return [(size, count) for size, count in ((self.recipe.batch_size, full), (rest, 1)) if size and count]


class CapturedMember:
    """One model of a population.

    It is a `Member`, except that the population trains its epochs.
    """

    def __init__(self, network: nn.Module, seed: int, shared: Shared):
        device, steps, size = shared.images.device, len(shared.rates), shared.recipe.batch_size
        self.network = network.to(device)
        self.seed = seed
        self.shared = shared
        self.masks = EpochMasks(network, shared.images[:1], steps, size)
        self.optimizer = _optimizer(network, shared)
        self.optimizer.zero_grad(set_to_none=True)
        # Rows of full batches; what is left over in the last row is never trained on.
        self.order = torch.zeros(steps, size, dtype=torch.int64, device=device)
        self.outputs = torch.zeros(steps, size, shared.classes, device=device)
        self.losses = torch.zeros(steps, device=device)

    def draw_noise(self, epoch: int) -> None:
        n = len(self.shared.images)
        self.order.view(-1)[:n] = epoch_order(seed_for(self.seed, epoch, "order"), n, self.order.device)
        self.masks.draw(self.seed, epoch)

    def take_step(self, size: int) -> None:
        """Train on the next `size` images of the epoch.

        No number of the step may come from the host.
        """
        shared = self.shared
        batch = self.order.index_select(0, shared.step)[0, :size]
        with self.masks.read_at(shared.step):
            logits = self.network(shared.images.index_select(0, batch))
        labels = shared.labels.index_select(0, batch)
        loss = F.cross_entropy(logits, labels, label_smoothing=shared.recipe.label_smoothing)
        loss.backward()
        if shared.recipe.clip_norm:
            nn.utils.clip_grad_norm_(self.network.parameters(), shared.recipe.clip_norm)
        self.optimizer.step()
        # Gradients live in the graph's memory, where every replay writes them before it reads them.
        self.optimizer.zero_grad(set_to_none=True)
        self.losses.index_copy_(0, shared.step, loss.detach().view(1))
        self.outputs[:, :size].index_copy_(0, shared.step, logits.detach()[None])

    def metrics(self, first: int, count: int) -> Float32[Tensor, "2 steps"]:
        """Mean loss and number right of each of these steps of the epoch, still on the device."""
        size = self.order.shape[1]
        n = min(count * size, len(self.shared.images) - first * size)
        right = torch.zeros(count, size, device=self.order.device)
        guesses = self.outputs[first : first + count].flatten(0, 1)[:n].argmax(1)
        shown = self.order[first : first + count].reshape(-1)[:n]
        right.view(-1)[:n] = (guesses == self.shared.labels[shown]).float()
        return torch.stack([self.losses[first : first + count], right.sum(1)])

    def logits(self, images: Float32[np.ndarray, "n c h w"]) -> Float32[np.ndarray, "n classes"]:
        recipe = self.shared.recipe
        normalized = (images - np.float32(recipe.mean)) / np.float32(recipe.sd)
        with fixed_arithmetic(self.shared.tf32):
            return predict(
                normalized,
                model=self.network,
                device=str(self.shared.images.device),
                batch=recipe.batch_size,
                finite=False,
            )

    def weights(self) -> dict[str, np.ndarray]:
        return {name: tensor.cpu().numpy().copy() for name, tensor in self.network.state_dict().items()}

    def state(self) -> dict[str, np.ndarray]:
        """Weights and the optimizer's state, named as `PlainMember` names them.

        Each of the two can resume from the other's.
        """
        memory = {name: tensor.cpu().numpy().copy() for name, tensor in self._memory().items()}
        return {**{f"network/{name}": array for name, array in self.weights().items()}, **memory}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        # Copied into place, all of it: graphs hold addresses, so a tensor put in another's stead would not be seen.
        prefix = "network/"
        tensors = {name: torch.from_numpy(array) for name, array in state.items()}
        weights = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
        self.network.load_state_dict(weights)
        for name, tensor in self._memory().items():
            if name in tensors:
                tensor.copy_(tensors[name])
            else:
                tensor.zero_()

    def moving(self) -> list[Tensor]:
        """Everything that a step changes and the next one starts from."""
        return [*self.network.state_dict().values(), *self._memory().values()]

    def _memory(self) -> dict[str, Tensor]:
        return {
            f"{OPTIMIZER}{index}/{name}": tensor
            for index, values in self.optimizer.state_dict()["state"].items()
            for name, tensor in values.items()
        }


def _optimizer(network: nn.Module, shared: Shared) -> torch.optim.Optimizer:
    """PyTorch's own optimizer, fused, with learning rate and state on the device.

    Momentum starts at zero, which is the same as momentum that starts with the first gradient. PyTorch would choose
    between the two on the host, and a graph would keep that choice.
    """
    recipe, rate, parameters = shared.recipe, shared.rate, list(network.parameters())
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    if recipe.optimizer == "sgd":
        sgd = torch.optim.SGD(parameters, rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay, fused=True)
        for parameter in trained if recipe.momentum else ():
            sgd.state[parameter] = {"momentum_buffer": torch.zeros_like(parameter)}
        return sgd
    adamw = torch.optim.AdamW(parameters, rate, weight_decay=recipe.weight_decay, fused=True, capturable=rate.is_cuda)
    for parameter in trained:
        adamw.state[parameter] = {
            "step": torch.zeros((), device=rate.device),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
    return adamw


@contextmanager
def fixed_arithmetic(tf32: bool) -> Iterator[None]:
    """Float32 as asked for, and sums in a fixed order, whatever the caller's settings.

    The settings are restored afterwards. Attention is computed step by step: some of the fused kernels' backward passes
    add in any order.
    """
    wanted = "tf32" if tf32 else "ieee"
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    settings = [
        (matmul, "fp32_precision", wanted),
        (cudnn.conv, "fp32_precision", wanted),  # pyright: ignore[reportAttributeAccessIssue]  # its stubs lack it
        (cudnn, "deterministic", True),
        (cudnn, "benchmark", False),
    ]
    before = [getattr(place, name) for place, name, _ in settings]
    for place, name, value in settings:
        setattr(place, name, value)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        for (place, name, _), value in zip(settings, before, strict=True):
            setattr(place, name, value)
