"""The plain path: any module, in eager PyTorch, on arrays that stay in memory."""

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn
from torch.nn import functional as F

from shiftassay.models.predict import predict
from shiftassay.random_stream import epoch_order, seed_for
from shiftassay.runs.recipe import Recipe
from shiftassay.training.engine import learning_rates
from shiftassay.training.group import TrainingData
from shiftassay.training.masks import reading_masks

RANDOM = "random/"
OPTIMIZER = "optimiser/"  # as checkpoints have it, those of earlier versions too


class PlainMember:
    """One model in training; the reference that every faster path is compared with."""

    def __init__(self, network: nn.Module, recipe: Recipe, data: TrainingData, seed: int, device: str = "cpu"):
        self.network = network.to(device)
        self.recipe = recipe
        self.seed = seed
        self.device = device
        self.learn_from(data)
        self.optimizer = _optimizer(network, recipe)
        self.random: dict[str, np.ndarray] = {}

    def learn_from(self, data: TrainingData) -> None:
        """Replace the training images by as many others."""
        self.images = torch.from_numpy(data.images).to(self.device)
        self.labels = torch.from_numpy(data.labels).to(self.device)

    @property
    def steps(self) -> int:
        return -(-len(self.images) // self.recipe.batch_size)

    def train_steps(self, epoch: int, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        self.network.train()
        n, size = len(self.images), self.recipe.batch_size
        order = torch.from_numpy(epoch_order(seed_for(self.seed, epoch, "order"), n)).to(self.device)
        losses, right = [], []
        with torch.random.fork_rng(), reading_masks(self.network, self.seed, epoch) as place:
            self._seed(epoch, first)
            rates = learning_rates(self.recipe, n, epoch)[first : first + count]
            for step, rate in enumerate(rates, first):
                place.position = step * size
                batch = order[place.position : place.position + size]
                loss, correct = self._step(self.images[batch], self.labels[batch], rate)
                losses.append(loss)
                right.append(correct)
            self.random = _random_states(self.device)
        return torch.stack(losses).cpu().numpy(), torch.stack(right).cpu().numpy()

    def _seed(self, epoch: int, first: int) -> None:
        """Set PyTorch's generators to their state after the steps before.

        Modules that draw their own noise use them.
        """
        if first == 0:
            torch.manual_seed(seed_for(self.seed, epoch, "torch"))
            return
        torch.set_rng_state(torch.from_numpy(self.random["cpu"]))
        if "cuda" in self.random:
            torch.cuda.set_rng_state(torch.from_numpy(self.random["cuda"]))

    def _step(self, images: Tensor, labels: Tensor, rate: float) -> tuple[Tensor, Tensor]:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.network((images - self.recipe.mean) / self.recipe.sd)
        loss = F.cross_entropy(logits, labels, label_smoothing=self.recipe.label_smoothing)
        loss.backward()
        if self.recipe.clip_norm:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip_norm)
        self.optimizer.step()
        return loss.detach(), (logits.argmax(1) == labels).sum()

    def logits(self, images: Float32[np.ndarray, "n c h w"]) -> Float32[np.ndarray, "n classes"]:
        normalized = (images - np.float32(self.recipe.mean)) / np.float32(self.recipe.sd)
        return predict(normalized, model=self.network, device=self.device, batch=self.recipe.batch_size, finite=False)

    def weights(self) -> dict[str, np.ndarray]:
        return {name: tensor.cpu().numpy().copy() for name, tensor in self.network.state_dict().items()}

    def state(self) -> dict[str, np.ndarray]:
        """Weights, the optimizer's state and PyTorch's generators, as flat names to arrays."""
        memory = {
            f"{OPTIMIZER}{index}/{name}": value.cpu().numpy().copy()
            for index, values in self.optimizer.state_dict()["state"].items()
            for name, value in values.items()
            if value is not None
        }
        random = {f"{RANDOM}{name}": state for name, state in self.random.items()}
        return {**{f"network/{name}": array for name, array in self.weights().items()}, **memory, **random}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        self.random = {n.removeprefix(RANDOM): a.copy() for n, a in state.items() if n.startswith(RANDOM)}
        tensors = {name: torch.from_numpy(array) for name, array in state.items() if not name.startswith(RANDOM)}
        prefix = "network/"
        self.network.load_state_dict(
            {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
        )
        memory: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if not name.startswith(prefix):
                _, index, key = name.split("/")
                memory.setdefault(int(index), {})[key] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": memory})


def _random_states(device: str) -> dict[str, np.ndarray]:
    states = {"cpu": torch.get_rng_state().numpy().copy()}
    if device.startswith("cuda"):
        states["cuda"] = torch.cuda.get_rng_state().numpy().copy()
    return states


def _optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    parameters = list(network.parameters())
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            parameters, recipe.learning_rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay
        )
    return torch.optim.AdamW(parameters, recipe.learning_rate, weight_decay=recipe.weight_decay)
