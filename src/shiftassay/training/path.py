"""Chooses the path that a network trains on.

It is captured graphs on CUDA, the native step on the CPU, else plain PyTorch.
"""

import copy
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.execution.cores import available_cores
from shiftassay.execution.threads import make_thread_pool
from shiftassay.kernels import native
from shiftassay.models.large_batches import memory_available, memory_needed
from shiftassay.runs.recipe import Recipe
from shiftassay.training.captured import CapturedPopulation
from shiftassay.training.group import Group, TrainingData
from shiftassay.training.lowering import lower
from shiftassay.training.native_member import NativeMember
from shiftassay.training.plain import PlainMember
from shiftassay.training.program import NotLowered

LOOK = 0.2  # seconds between two looks at whether a signal came
LARGE = 4096  # images of a batch, from which on its memory is looked at before

Result = TypeVar("Result")


class PlainPath(UserWarning):
    """Training is slower than it could be; the message says what prevents the fast path."""


@dataclass(frozen=True)
class Alone:
    """A group of one."""

    member: NativeMember | PlainMember

    @property
    def members(self) -> list[NativeMember | PlainMember]:
        return [self.member]

    @property
    def steps(self) -> int:
        return self.member.steps

    def train_steps(self, epoch: int, first: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        return [self.member.train_steps(epoch, first, count)]


def make_groups(
    networks: Sequence[nn.Module], recipe: Recipe, data: TrainingData, seeds: Sequence[int], device: str = "cpu"
) -> list[Group]:
    """Members in training, in the order of the seeds, on their network's fastest path.

    Warns with `PlainPath` where that is the plain one.
    """
    batch = min(recipe.batch_size, len(data.images))
    try:
        if device == "cuda":
            return [CapturedPopulation(networks, recipe, data, seeds, device)]
        if native.available():
            program = lower(networks[0], data.images.shape[1:])
            _check_memory(2 * 4 * sum(program.elements) * batch * min(len(networks), available_cores()), batch, device)
            pairs = zip(networks, seeds, strict=True)
            return [Alone(NativeMember(network, program, recipe, data, seed)) for network, seed in pairs]
        stopped = "the native step is not built (no C++ compiler was found at installation)"
    except NotLowered as reason:
        stopped = f"layer {reason.layer} {reason.reason}"
    if batch > LARGE:
        copied = copy.deepcopy(networks[0]).eval().to(device)  # so that nothing that it counts or draws is moved
        sample = torch.from_numpy(data.images[:64]).to(device)
        _check_memory(memory_needed(copied, sample, batch), batch, device)
    warnings.warn(f"training on the plain PyTorch path: {stopped}", PlainPath, stacklevel=2)
    return [Alone(PlainMember(n, recipe, data, seed, device)) for n, seed in zip(networks, seeds, strict=True)]


def _check_memory(needed: int, batch: int, device: str) -> None:
    """Raise `BadInput` if a training step takes more memory than there is."""
    available = memory_available(device)
    if available is not None and needed > available:
        raise BadInput(
            f"a training step on a batch of {batch:,} images needs about {needed / 1e9:.0f} GB, "
            f"there are {available / 1e9:.0f}. Choose a smaller batch_size."
        )


def run_groups(groups: Sequence[Group], work: Callable[[Group, Event], Result]) -> list[Result]:
    """Do the work of every group; results in their order.

    Native members run in threads, each on its own core. Where there are fewer members than cores, they share the cores;
    a member's numbers do not depend on that. `work` gets an event that is set when it must stop: when this process is
    interrupted, or the work of another group has failed.
    """
    cores, stop = available_cores(), Event()
    members = [group.member for group in groups if isinstance(group, Alone)]
    native_members = [member for member in members if isinstance(member, NativeMember)]
    side_by_side = len(native_members) == len(groups)
    width = cores if side_by_side else 1
    results: list[Result] = []
    make_thread_pool()
    for first in range(0, len(groups), width):
        together = groups[first : first + width]
        if side_by_side:
            for member in native_members[first : first + width]:
                member.threads = cores // len(together)
        # Threads, even for one: an interrupt finds this one waiting, and the work ends where its state is whole.
        with ThreadPoolExecutor(len(together)) as pool:
            try:
                pending = [pool.submit(work, group, stop) for group in together]
                _wait(pending)
            except BaseException:
                stop.set()
                raise
            results += [future.result() for future in pending]
    return results


def _wait(pending: Sequence[Future[Result]]) -> None:
    """Wait until the work is done or some of it has failed, and raise its error.

    In short waits: a signal that comes just before one begins is handled only when it ends.
    """
    running: set[Future[Result]] = set(pending)
    while running:
        done, running = wait(running, LOOK, return_when=FIRST_EXCEPTION)
        for future in pending:
            if future in done:
                future.result()
