"""The mixture that a model for several variants learns from, made afresh as training goes on.

It is made of training images alone: each is shown as one variant at a time, with fresh draws where its shift is
random. Every variant is shown as often as any other, but for those that are harder to learn (`share_of`). Attacks are
made on the model as it is, every `ROUND` steps.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import nn

from shiftassay.execution.cores import available_cores
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.kernels import native
from shiftassay.models.one_for_all import OneForAll
from shiftassay.random_stream import epoch_order, seed_for
from shiftassay.runs.recipe import Recipe
from shiftassay.runs.trial import Trial
from shiftassay.shifts import catalog
from shiftassay.shifts.ascent import STEPS
from shiftassay.shifts.family import Context, Shift
from shiftassay.training.group import TrainingData
from shiftassay.training.lowering import lower
from shiftassay.training.native_member import NativeMember
from shiftassay.training.plain import PlainMember
from shiftassay.training.program import NotLowered

ROUND = 32  # steps that a mixture, and the attacks in it, last
ATTACK_STEPS = 1
# Parts of a mixture that a variant gets where any other gets one. What holds under attack takes more images to learn
# (Schmidt et al. 2018), and so does what little a destroying shift leaves. After ten epochs, one seed, held-out
# training images: with 1 part 96.0% are right under attack, with 4 96.8%; with 1 of 8 parts 30.3% of freshly permuted
# ones, with 2 of 9 30.6%.
ATTACK_SHARE, DESTROYED_SHARE = 4, 2


class MixtureGroup:
    """A design in training: an epoch is several rounds, each with a mixture of its own."""

    def __init__(self, model: OneForAll, shifts: Mapping[str, Shift], recipe: Recipe, data: TrainingData, trial: Trial):
        self.model, self.shifts, self.recipe, self.data, self.seed = model, shifts, recipe, data, trial.seed
        steps = min(ROUND, max(1, len(data.images) // recipe.batch_size))
        self.size = min(len(data.images), steps * recipe.batch_size)
        self.rounds = len(data.images) // self.size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(trial.seed, "initialisation"))
            network = model.design.network()
        first = self._encoded(data.images[: self.size], np.zeros(self.size, np.int64))
        self.member = _member(
            network,
            replace(recipe, epochs=recipe.epochs * self.rounds),
            replace(data, images=first, labels=data.labels[: self.size]),
            trial,
        )
        self.members = [self.member]

    @property
    def attacks(self) -> int:
        """The number of image gradients that attacks take in an epoch."""
        shown = np.bincount(self._ids(self.size), minlength=len(self.shifts))
        steps = [
            0 if not shift.needs_model else STEPS if shift.ball is None else ATTACK_STEPS
            for shift in self.shifts.values()
        ]
        return self.rounds * int(shown @ steps)

    @property
    def steps(self) -> int:
        return self.rounds * self.member.steps

    def train_steps(self, epoch: int, first: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Train one round, whatever `count` is: a mixture lasts that long."""
        number = first // self.member.steps
        order = epoch_order(seed_for(self.seed, epoch, "mixture"), len(self.data.images))
        chosen = order[number * self.size :][: self.size]
        seed = seed_for(self.seed, epoch, "mixture", number)
        mixed = self._mixture(self.data.images[chosen], self.data.labels[chosen], seed)
        self.member.learn_from(replace(self.data, images=mixed, labels=self.data.labels[chosen]))
        return [self.member.train_steps(epoch * self.rounds + number, 0, self.member.steps)]

    def _mixture(
        self, images: Float32[np.ndarray, "n c h w"], labels: Int64[np.ndarray, "n"], seed: int
    ) -> Float32[np.ndarray, "n c2 h2 w2"]:
        """The images, each as one variant. They come in random order, so ids may go in turn."""
        shown = images.copy()
        ids = self._ids(len(images))
        if any(shift.needs_model for shift in self.shifts.values()):
            self.model.network.load_state_dict({k: torch.from_numpy(w) for k, w in self.member.weights().items()})
        for number, (name, shift) in enumerate(self.shifts.items()):
            of_it = ImageSet(images[ids == number], labels[ids == number], name)
            if len(of_it) and shift.family != "identity":
                shown[ids == number] = self._shifted(of_it, shift, seed)
        return self._encoded(shown, ids)

    def _ids(self, n: int) -> Int64[np.ndarray, "n"]:
        parts = [share_of(shift) for shift in self.shifts.values()]
        turns = np.repeat(np.arange(len(parts)), parts) if self.model.design.learns_all else np.zeros(1, np.int64)
        return turns[np.arange(n) % len(turns)]

    def _shifted(self, images: ImageSet, shift: Shift, seed: int) -> Float32[np.ndarray, "n c h w"]:
        if not shift.needs_model:
            return catalog.shift(images, shift, seed).images
        assert images.labels is not None
        logits = self.model.on(images.name, straight=True).requires_grad_(False)
        if shift.ball is None:
            return catalog.shift(images, shift, seed, Context(images.labels, logits)).images
        begin = np.random.default_rng(seed).uniform(-1, 1, images.images.shape).astype(np.float32)
        clean, start, labels = map(torch.from_numpy, (images.images, begin, images.labels))
        return shift.ball.ascend(clean, start, labels, logits, ATTACK_STEPS).numpy()

    def _encoded(self, images: np.ndarray, ids: np.ndarray) -> Float32[np.ndarray, "n c2 h2 w2"]:
        encoded = self.model.design.encode(torch.from_numpy(images), torch.from_numpy(ids))
        return np.ascontiguousarray(encoded.numpy())


def share_of(shift: Shift) -> int:
    """The parts of a mixture that a variant gets."""
    if shift.needs_model:
        return ATTACK_SHARE
    return DESTROYED_SHARE if shift.information == "destroyed" else 1


def _member(network: nn.Module, recipe: Recipe, data: TrainingData, trial: Trial) -> NativeMember | PlainMember:
    """A member on the native step where it can lower the design's network, else a plain one.

    It can't lower steered and adapted layers.
    """
    if trial.device == "cpu" and native.available():
        with suppress(NotLowered):
            program = lower(network, data.images.shape[1:])
            return NativeMember(network, program, recipe, data, trial.seed, available_cores())
    return PlainMember(network, recipe, data, trial.seed, trial.device)
