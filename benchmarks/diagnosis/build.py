"""From a case to two sets of images and what is true of them."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from benchmarks.diagnosis.case import Answer, Case, Images, Labels

from shiftassay.imagesets.dataset import Dataset, load_dataset
from shiftassay.random_stream import seed_for

ROUNDING = 0.75 / 255  # a change that another rounding to bytes may make


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
    strength: float | None = None
    """The rms change of pixels over their sd; None where images were chosen or reordered."""
    share: float = 1.0
    """Of the images that changed beyond rounding."""
    truth: tuple[dict[str, Any], ...] = ()
    """How it was made: family, parameters with what was drawn, and scope of each part."""


def build(case: Case, count: int = 2000, seed: int = 0) -> Built:
    """Make a case from `count` test images (as many for each set where unpaired): the same seed, the same sets."""
    rng = np.random.default_rng(seed_for(seed, "diagnosis-benchmark", case.name))
    test = dataset(case.dataset).test
    assert test.labels is not None
    chosen = np.sort(rng.permutation(len(test))[: count * (2 if case.pairing == "unpaired" else 1)])
    return assembled(case, test.images[chosen, 0], test.labels[chosen], rng, [rng] * len(case.parts))


def build_drawn(case: Case) -> Built:
    """Make a drawn case, from images of the training set; each part has a generator of its own."""
    drawn = case.drawn
    assert drawn is not None
    source = ("drawn", drawn.seed, drawn.stratum, drawn.index)
    train = dataset(case.dataset).train
    assert train.labels is not None
    rng = np.random.default_rng(seed_for(*source, "images"))
    count = drawn.images * (2 if case.pairing == "unpaired" else 1)
    chosen = np.sort(rng.choice(len(train), count, replace=False))
    streams = [np.random.default_rng(seed_for(*source, "part", i)) for i in range(len(case.parts))]
    return assembled(case, train.images[chosen, 0], train.labels[chosen], rng, streams)


def assembled(
    case: Case, images: Images, labels: Labels, rng: np.random.Generator, streams: list[np.random.Generator]
) -> Built:
    """Both sets from the images that were chosen; `streams` are the generators of the parts."""
    reference = images = case.prepare(images, rng)
    shifted_labels = labels
    if case.pairing == "unpaired":
        ours = rng.permutation(len(labels)) < len(labels) // 2
        images, shifted_labels = reference[~ours], labels[~ours]
        reference, labels = reference[ours], labels[ours]
    drawn: list[dict[str, Any]] = []
    before = images
    for part, stream in zip(case.parts, streams, strict=True):
        made = part.make(images, shifted_labels, stream)
        images, shifted_labels = made.images.astype(np.float32), made.labels
        drawn.append(dict(made.drawn))
    if case.share < 1:
        touched = rng.random(len(images)) < case.share
        images = np.where(touched.reshape(-1, *[1] * (images.ndim - 1)), images, before)
    chosen = any(part.family in ("reorder", "class_prior") for part in case.parts)
    strength, share = (None, 1.0) if chosen else _change(before, images)
    if case.pairing == "reordered" and case.family not in ("reorder", "class_prior"):
        order = rng.permutation(len(images))
        images, shifted_labels = images[order], shifted_labels[order]
    parts = [
        {"family": part.family, "parameters": {**part.parameters, **more}, "scope": part.scope}
        for part, more in zip(case.parts, drawn, strict=True)
    ]
    right = case.by_labels(labels, shifted_labels) if case.by_labels else answers(case, parts)
    return Built(reference, labels, images, shifted_labels, right, strength, share, tuple(parts))


def _change(before: Images, after: Images) -> tuple[float | None, float]:
    """How strong a change is, and the share of images it touches beyond rounding.

    The strength is the rms change of the touched images' pixels over the sd of their pixels before; None where images
    were chosen or put elsewhere.
    """
    if before.shape != after.shape:
        return None, 1.0
    touched = np.abs(after - before).reshape(len(before), -1).max(1) > ROUNDING
    if not touched.any():
        return 0.0, 0.0
    change = after[touched] - before[touched]
    return float(np.sqrt(np.mean(change**2)) / before[touched].std()), float(touched.mean())


def with_channels(images: Images) -> np.ndarray:
    """(n, c, h, w), of grey images with one channel."""
    return images if images.ndim == 4 else images[:, None]


def answers(case: Case, parts: list[dict[str, Any]]) -> tuple[Answer, ...]:
    """The case's truth first, then what is as right."""
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
