"""From a case to two sets of images and what is true of them."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from benchmarks.diagnosis.case import Answer, Case, Images, Labels

from shiftassay.imagesets.dataset import Dataset, load_dataset
from shiftassay.random_stream import seed_for


@dataclass(frozen=True)
class Built:
    """A reference and a shifted set with their labels, and the right answers.

    Images are (n, h, w) each, or (n, c, h, w) in colour. The answers come with what was drawn.
    """

    reference: Images
    labels: Labels
    shifted: Images
    shifted_labels: Labels
    answers: tuple[Answer, ...]


def build(case: Case, count: int = 2000, seed: int = 0) -> Built:
    """Make a case from `count` test images (as many for each set where unpaired): the same seed, the same sets."""
    rng = np.random.default_rng(seed_for(seed, "diagnosis-benchmark", case.name))
    test = dataset(case.dataset).test
    assert test.labels is not None
    chosen = np.sort(rng.permutation(len(test))[: count * (2 if case.pairing == "unpaired" else 1)])
    reference = case.prepare(test.images[chosen, 0], rng)
    labels = test.labels[chosen]
    images, shifted_labels = reference, labels
    if case.pairing == "unpaired":
        ours = rng.permutation(len(chosen)) < len(chosen) // 2
        images, shifted_labels = reference[~ours], labels[~ours]
        reference, labels = reference[ours], labels[ours]
    drawn: list[dict[str, Any]] = []
    before = images
    for part in case.parts:
        made = part.make(images, shifted_labels, rng)
        images, shifted_labels = made.images.astype(np.float32), made.labels
        drawn.append(dict(made.drawn))
    if case.share < 1:
        touched = rng.random(len(images)) < case.share
        images = np.where(touched.reshape(-1, *[1] * (images.ndim - 1)), images, before)
    if case.pairing == "reordered" and case.family not in ("reorder", "class_prior"):
        order = rng.permutation(len(images))
        images, shifted_labels = images[order], shifted_labels[order]
    return Built(reference, labels, images, shifted_labels, answers(case, drawn))


def with_channels(images: Images) -> np.ndarray:
    """(n, c, h, w), of grey images with one channel."""
    return images if images.ndim == 4 else images[:, None]


def answers(case: Case, drawn: list[dict[str, Any]]) -> tuple[Answer, ...]:
    """The case's truth first, then what is as right."""
    parts = [
        {"family": part.family, "parameters": {**part.parameters, **more}, "scope": part.scope}
        for part, more in zip(case.parts, drawn, strict=True)
    ]
    if case.instead:
        return case.instead
    if not parts:
        return (Answer("identity", {}, None),)
    if len(parts) > 1:
        return (Answer("compose", {"parts": parts}, None), *case.also(parts))
    return (Answer(**parts[0]), *case.parts[0].also, *case.also(parts))


@cache
def dataset(name: str) -> Dataset:
    return load_dataset(name)
