"""The native path on the CPU: one call for a whole epoch of a lowered network.

The call releases the GIL.
"""

import numpy as np
from jaxtyping import Float32
from torch import nn

from shiftassay.kernels import native
from shiftassay.random_stream import epoch_order, seed_for
from shiftassay.runs.recipe import Recipe
from shiftassay.training.engine import learning_rates
from shiftassay.training.group import TrainingData
from shiftassay.training.program import Program


class NativeMember:
    """One model in training. Its weights depend neither on `threads` nor on who else is trained."""

    def __init__(
        self, network: nn.Module, program: Program, recipe: Recipe, data: TrainingData, seed: int, threads: int = 1
    ):
        self.network = network
        self.program = program
        self.recipe = recipe
        self.data = data
        self.seed = seed
        self.threads = threads
        self.native = program.compile()
        self.flat = program.pack(network.state_dict())
        self.optimizer = native.Optimizer(
            recipe.optimizer, recipe.momentum, recipe.weight_decay, clip_norm=recipe.clip_norm
        )

    @property
    def steps(self) -> int:
        return -(-len(self.data.images) // self.recipe.batch_size)

    def learn_from(self, data: TrainingData) -> None:
        """Replace the training images by as many others."""
        self.data = data

    def train_steps(self, epoch: int, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        n = len(self.data.images)
        return self.native.train(
            self._pixels(self.data.images),
            self.data.labels,
            epoch_order(seed_for(self.seed, epoch, "order"), n),
            self.flat,
            self.optimizer,
            np.array(learning_rates(self.recipe, n, epoch)[first : first + count], np.float32),
            self.program.keys(self.seed, epoch),
            batch=min(self.recipe.batch_size, n),
            first_step=first,
            label_smoothing=self.recipe.label_smoothing,
            threads=self.threads,
        )

    def logits(self, images: Float32[np.ndarray, "n c h w"]) -> Float32[np.ndarray, "n classes"]:
        pixels = self._pixels(np.ascontiguousarray(images))
        return self.native.forward(
            pixels, self.flat, batch=min(self.recipe.batch_size, len(images)), threads=self.threads
        )

    def weights(self) -> dict[str, np.ndarray]:
        return {name: tensor.numpy() for name, tensor in self.program.unpack(self.flat).items()}

    def state(self) -> dict[str, np.ndarray]:
        """Weights and the optimizer's state, flat as the native step keeps them."""
        memory = {"first": self.optimizer.first, "second": self.optimizer.second}
        return {
            "flat": self.flat,
            "steps": np.array([self.optimizer.steps_taken]),
            **{name: array for name, array in memory.items() if array is not None},
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        self.flat = state["flat"].copy()
        self.optimizer.steps_taken = int(state["steps"][0])
        for name in ("first", "second"):
            if name in state:
                setattr(self.optimizer, name, state[name].copy())

    def _pixels(self, images: Float32[np.ndarray, "n c h w"]) -> native.Pixels:
        return native.Pixels(images, (self.recipe.mean,), (self.recipe.sd,))
