"""Adversarial training: on attacks made on the model while it learns (Madry et al. 2018)."""

from dataclasses import replace
from functools import partial
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from shiftassay.models.fronted import Fronted, undoing
from shiftassay.models.fronts import AsIs, front_of
from shiftassay.models.predict import copied, logits_of
from shiftassay.random_stream import epoch_order, seed_for
from shiftassay.repairs.strategy import STRATEGIES, RepairedModel, Strategy, Task, parameters_of
from shiftassay.shifts.ascent import Ball

STEPS = 2
BATCH = 128
RATE = 1e-3
IMAGES = 15_000  # in an epoch, at most: each costs as much as three that are not attacked


@STRATEGIES.register("adversarial")
class AdversarialTraining(Strategy):
    """Training on attacks of the diagnosed size, made on the model as it learns.

    It is judged by a fresh attack.
    """

    name: ClassVar[str] = "adversarial training"
    intrusiveness: ClassVar[int] = 4

    def unfit(self, task: Task) -> str | None:
        if task.shift.ball is None:
            return "nothing was aimed at the model"
        return task.untrainable if task.train is not None else "there are no training images"

    def make(self, task: Task) -> RepairedModel:
        task = replace(task, images=min(task.images, IMAGES))
        shift = task.to_train_on
        assert shift.ball is not None  # or the strategy is unfit
        model = copied(task.model).requires_grad_(True)
        if not isinstance(front_of(shift, task.shape), AsIs):
            model = Fronted(model, undoing(shift), task.shape)
        _train(model.to(task.device), shift.ball, task)
        what = "trained on from its weights, on attacks made afresh on every batch"
        if isinstance(model, Fronted):
            what = f"{model.front}, then the model {what}"
        return RepairedModel(
            model.to("cpu").eval(),
            what,
            parameters_trained=parameters_of(model),
            images=task.shown,
            epochs=task.epochs,
        )

    def key(self, task: Task) -> str:
        return repr(task.to_train_on.to_json())


def _train(model: nn.Module, ball: Ball, task: Task) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.01)
    epochs, step = task.epochs, 0
    generator = torch.Generator().manual_seed(seed_for(task.seed, "repair", "adversarial"))
    for epoch in range(epochs):
        images = task.epoch_of_training(epoch)
        order = epoch_order(seed_for(task.seed, "repair", epoch, "order"), len(images))
        steps = -(-len(order) // BATCH)
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            clean = torch.from_numpy(images.images[part]).to(task.device)
            labels = torch.from_numpy(images.required_labels[part]).to(task.device)
            start_in = 2 * torch.rand(clean.shape, generator=generator).to(clean.device) - 1
            attacked = ball.ascend(clean, start_in, labels, partial(logits_of, model=model.eval()), STEPS)
            for group in optimizer.param_groups:
                group["lr"] = RATE * (1 + np.cos(np.pi * step / (epochs * steps))) / 2
            model.train()
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(logits_of(attacked, model=model), labels).backward()
            optimizer.step()
            step += 1
