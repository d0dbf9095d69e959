"""What the sections of an architecture study share: its settings, its data, and where things are trained and kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Int64
from rich.console import Console
from torch import nn

from shiftassay.imagesets.dataset import Dataset
from shiftassay.models.predict import predict
from shiftassay.networks.attention import PositionAttention
from shiftassay.random_stream import epoch_order, seed_for
from shiftassay.runs.recipe import Recipe, recipe_named
from shiftassay.studies.architectures.study import Architectures
from shiftassay.studies.measurements import Measurements
from shiftassay.training.progress import progress
from shiftassay.training.train import Trained, train
from shiftassay.words.terminal import spoken

Members = Mapping[str, Sequence[Trained]]
"""For each network, its members in the order of their seeds."""


@dataclass(frozen=True)
class Lab:
    """A study at work. Models are kept in `out/runs`, everything else in the folder of its measurements."""

    study: Architectures
    dataset: Dataset
    out: Path
    measurements: Measurements
    device: str
    console: Console

    @property
    def labels(self) -> Int64[np.ndarray, "n"]:
        assert self.dataset.test.labels is not None
        return self.dataset.test.labels

    def recipe(self, **changes: Any) -> Recipe:
        """The study's recipe, with changes."""
        found = recipe_named(self.study.recipe)
        return replace(found, **{"epochs": self.study.epochs or found.epochs, **changes})

    def train(
        self,
        network: str,
        seeds: Sequence[int],
        *,
        parameters: Mapping[str, Any] | None = None,
        recipe: Recipe | None = None,
        data: Dataset | None = None,
        what: str = "",
    ) -> list[Trained]:
        """Members of a network: trained, or found in the store."""
        recipe = recipe or self.recipe()
        data = data or self.dataset
        self.console.print(spoken(f"{network}{f' ({what})' if what else ''}: {len(seeds)} × {recipe.epochs} epochs"))
        with progress(len(seeds), recipe.epochs, self.console) as watch:
            return train(
                network,
                data,
                recipe=recipe,
                seeds=seeds,
                parameters=parameters,
                store=self.out,
                device=self.device,
                watch=watch,
            )

    def keep(self, name: str, arrays: Mapping[str, np.ndarray]) -> str:
        """Keep arrays for a figure; what is returned names them in the figure's data."""
        return self.measurements.keep(name, arrays)


def transforms(network: nn.Module) -> bool:
    """Whether a spatial transformer stands in front of a network."""
    return hasattr(network, "transformation")


def attends(network: nn.Module) -> bool:
    """Whether there is attention in a network."""
    return any(isinstance(part, PositionAttention) for part in network.modules())


def answers(member: Trained, images: Float32[np.ndarray, "n c h w"]) -> Int64[np.ndarray, "n"]:
    """The classes that a member's model gives, in the images' order, asked in shuffled batches of its recipe's size."""
    order = epoch_order(seed_for("answers"), len(images))
    logits = predict(images[order], model=member.model, batch=member.trial.recipe.batch_size)
    return logits.argmax(1)[np.argsort(order)]


def last_right(members: Sequence[Trained], labels: Int64[np.ndarray, "n"]) -> Bool[np.ndarray, "seeds n"]:
    """Which image each member got right after its last epoch: the `sound` protocol."""
    return np.stack([member.test_logits.argmax(1) == labels for member in members])


def best_right(members: Sequence[Trained], labels: Int64[np.ndarray, "n"]) -> Bool[np.ndarray, "seeds n"]:
    """Which image each member got right in the epoch that did best on these very images: the `seed` protocol."""
    return np.stack(
        [(member.best.logits if member.best else member.test_logits).argmax(1) == labels for member in members]
    )


def validation_losses(member: Trained) -> list[float]:
    """The loss on the test set after every epoch."""
    return [epoch.validation_loss for epoch in member.metrics if epoch.validation_loss is not None]


def settled(epochs: int) -> slice:
    """The epochs that count as settled: the last two thirds (of 300, the last 200)."""
    return slice(epochs // 3, epochs)
