"""Networks trained from scratch for an experiment, all by one recipe and in as many updates."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from shiftassay.imagesets.dataset import Dataset
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.runs.recipe import Recipe, recipe_named
from shiftassay.studies.shifted.context import StudyContext
from shiftassay.training.train import Trained, train

# In some hundred updates a deep perceptron under plain SGD may still be at chance, by seed. AdamW at PyTorch's default
# rate has left it, and treats all pixels alike, as SGD does.
OPTIMIZER, RATE = "adamw", 1e-3
BATCH = 50  # images in an update, at most: so that a few thousand images make many updates


def recipe_for(context: StudyContext, images: int) -> Recipe:
    """AdamW with the study's schedule, and the epochs that make up the experiments' updates."""
    recipe = recipe_named(context.study.recipe)
    batch = min(recipe.batch_size, BATCH)
    epochs = max(1, round(context.study.experiments.updates * batch / images))
    return replace(
        recipe,
        name="experiment",
        epochs=epochs,
        batch_size=batch,
        optimizer=OPTIMIZER,
        learning_rate=RATE,
        momentum=0.0,
        held_out=0,
    )


def trained_on(
    context: StudyContext,
    name: str,
    images: ImageSet,
    test: ImageSet,
    *,
    network: str = "",
    seeds: Sequence[int] = (0,),
) -> list[Trained]:
    """One network for each seed: the study's own, or another with its default parameters."""
    study = context.study
    return train(
        network or study.network,
        Dataset(name, images, test),
        recipe=recipe_for(context, len(images)),
        seeds=seeds,
        parameters={} if network else study.network_parameters,
        device=context.device,
    )


def right_on_test(members: Sequence[Trained], test: ImageSet) -> Bool[np.ndarray, "seeds n"]:
    """Which test images each seed's network gets right."""
    return np.stack([member.test_logits.argmax(1) == test.required_labels for member in members])
