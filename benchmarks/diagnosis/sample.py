"""Cases that leave images alone, and change which there are, their order or their labels."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from benchmarks.diagnosis.case import Images, Labels, Made, Part

GROUP = "sample"
CLASSES = 10


def parts() -> Iterator[Part]:
    for draw in range(3):
        yield reorder(draw)
    for proportions in (
        [0.3, 0.05, 0.05, 0.1, 0.1, 0.1, 0.05, 0.05, 0.1, 0.1],
        [0.19, 0.01] * 5,
        [0.0, 0.0, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125],
    ):
        yield class_prior(proportions)
    for mapping in ([1, 0, *range(2, 10)], [*range(1, 10), 0], [7, 2, 9, 0, 4, 8, 1, 3, 6, 5]):
        yield label_permutation(mapping)
    for fraction in (0.1, 0.3, 0.6):
        yield label_noise(fraction)
    for offset in (1, 7, -3, None):
        yield label_misalignment(offset)


def reorder(draw: int = 0) -> Part:
    def make(images: Images, labels: Labels, rng: np.random.Generator) -> Made:
        order = np.argsort(rng.random((draw + 1, len(images)))[-1])
        return Made(images[order], labels[order], {"order": order})

    return _part("reorder", {}, make, "preserved", f"draw{draw}")


def class_prior(proportions: list[float]) -> Part:
    """As many images as the scarcest class allows, chosen at random, in their old order."""

    def make(images: Images, labels: Labels, rng: np.random.Generator) -> Made:
        share = np.array(proportions)
        have = np.array([(labels == k).sum() for k in range(CLASSES)])
        total = min(have[k] / share[k] for k in range(CLASSES) if share[k] > 0)
        kept = np.zeros(len(labels), bool)
        for k in range(CLASSES):
            kept[rng.choice(np.flatnonzero(labels == k), int(total * share[k]), replace=False)] = True
        realized = np.bincount(labels[kept], minlength=CLASSES) / max(kept.sum(), 1)
        return Made(images[kept], labels[kept], {"proportions": realized.tolist()})

    return _part("class_prior", {"proportions": proportions}, make, "reduced")


def label_permutation(mapping: list[int]) -> Part:
    def make(images: Images, labels: Labels, rng: np.random.Generator) -> Made:
        return Made(images, np.array([mapping[k] for k in labels]))

    return _part("label_permutation", {"mapping": mapping}, make, "preserved")


def label_noise(fraction: float) -> Part:
    def make(images: Images, labels: Labels, rng: np.random.Generator) -> Made:
        others = np.array([rng.choice([j for j in range(CLASSES) if j != k]) for k in labels])
        noisy = rng.random(len(labels)) < fraction
        return Made(images, np.where(noisy, others, labels), {"fraction": float(noisy.mean())})

    return _part("label_noise", {"fraction": fraction}, make, "preserved")


def label_misalignment(offset: int | None) -> Part:
    def make(images: Images, labels: Labels, rng: np.random.Generator) -> Made:
        if offset is None:
            return Made(images, rng.permutation(labels))
        return Made(images, labels[(np.arange(len(labels)) - offset) % len(labels)])

    return _part(
        "label_misalignment",
        {"offset": offset} if offset is not None else {},
        make,
        "preserved",
        "float" if offset is not None else "shuffled",
    )


def _part(
    family: str,
    parameters: dict[str, Any],
    make: Callable[[Images, Labels, np.random.Generator], Made],
    information: str,
    way: str = "float",
) -> Part:
    return Part(family, parameters, make, GROUP, None, information, way)
