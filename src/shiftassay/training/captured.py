"""The captured path: members trained together on a CUDA device, each step of all of them one graph.

A graph replays kernels, not Python: whatever changes from step to step has to be read from the device's memory. So the
step's place in the epoch is a tensor that the graph advances; images, order, masks and learning rates are looked up
with it, and losses and logits stored with it. The host makes an epoch's noise, launches its steps and waits once, at
its end. Members are parallel branches of the graph. On a CPU the same code runs with each step called as it stands.

Written after https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs. Not yet run or timed on a GPU.
"""

import warnings
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import nn

from shiftassay.runs.recipe import Recipe
from shiftassay.training.captured_member import CapturedMember, Shared, fixed_arithmetic
from shiftassay.training.engine import learning_rates
from shiftassay.training.group import TrainingData

REHEARSALS = 3  # as many as PyTorch's notes on CUDA graphs take


class CapturedPopulation:
    """Members alike but for their seeds, trained in step; `members` are in the order of `seeds`.

    `networks` are trained in place and stay on the device; moved away, they can't be trained on. Arithmetic is
    float32, with TF32 only if `tf32` asks for it. The same population gives the same bits on the same machine. Raises
    `NotLowered` for a network whose noise can't be made ahead of the epoch.
    """

    def __init__(
        self,
        networks: Sequence[nn.Module],
        recipe: Recipe,
        data: TrainingData,
        seeds: Sequence[int],
        device: str = "cuda",
        *,
        tf32: bool = False,
    ):
        self.shared = Shared.on(device, recipe, data, tf32)
        self.members = [
            CapturedMember(network, seed, self.shared) for network, seed in zip(networks, seeds, strict=True)
        ]
        self._launches: dict[int, Callable[[], None]] = {}
        self._drawn: int | None = None  # the epoch whose noise lies on the device
        if self._on_cuda:
            self._trunk = torch.cuda.Stream(device)
            self._branches = [torch.cuda.Stream(device) for _ in self.members]
            self._pool = torch.cuda.graph_pool_handle()

    @property
    def steps(self) -> int:
        return len(self.shared.rates)

    def train_steps(
        self, epoch: int, first: int, count: int
    ) -> list[tuple[Float32[np.ndarray, "steps"], Int64[np.ndarray, "steps"]]]:
        """Take steps `first` to `first + count` of an epoch.

        Returns each member's losses and numbers of right answers by step.
        """
        shared = self.shared
        sizes = [size for size, times in shared.batches for _ in range(times)][first : first + count]
        with fixed_arithmetic(shared.tf32):
            for member in self.members:
                member.network.train()
            for size, _ in shared.batches:
                if size not in self._launches:
                    self._launches[size] = self._captured(size)
            if self._drawn != epoch:
                shared.rates.copy_(torch.tensor(learning_rates(shared.recipe, len(shared.images), epoch)))
                for member in self.members:
                    member.draw_noise(epoch)
                self._drawn = epoch
            shared.step.fill_(first)
            for size in sizes:
                self._launches[size]()
            metrics = torch.stack([member.metrics(first, len(sizes)) for member in self.members]).cpu().numpy()
        return [(losses, right.astype(np.int64)) for losses, right in metrics]

    def _captured(self, size: int) -> Callable[[], None]:
        """A function that trains every member on its next batch, of that size.

        On CUDA this is a graph's replay, elsewhere the step itself.
        """
        if not self._on_cuda:
            return partial(self._step, size)
        current = torch.cuda.current_stream()
        self._trunk.wait_stream(current)
        with torch.cuda.stream(self._trunk):
            self._rehearse(size)
        current.wait_stream(self._trunk)
        # Both graphs may share a pool: they never run at once, and neither reads there what the other left.
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=self._trunk):
            self._step(size)
        return graph.replay

    def _rehearse(self, size: int) -> None:
        """Run the step as it will be captured, and restore the state afterwards.

        Libraries set themselves up in the first run.
        """
        moving = [tensor for member in self.members for tensor in member.moving()]
        before = [tensor.clone() for tensor in moving]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "This instance was constructed with capturable=True")
            for _ in range(REHEARSALS):
                self.shared.step.zero_()
                self._step(size)
        for tensor, value in zip(moving, before, strict=True):
            tensor.copy_(value)

    def _step(self, size: int) -> None:
        shared = self.shared
        torch.index_select(shared.rates, 0, shared.step, out=shared.rate)
        if self._on_cuda:
            trunk = torch.cuda.current_stream()
            for member, branch in zip(self.members, self._branches, strict=True):
                branch.wait_stream(trunk)
                with torch.cuda.stream(branch):
                    member.take_step(size)
            for branch in self._branches:
                trunk.wait_stream(branch)
        else:
            for member in self.members:
                member.take_step(size)
        shared.step.add_(1)

    @property
    def _on_cuda(self) -> bool:
        return self.shared.images.is_cuda
