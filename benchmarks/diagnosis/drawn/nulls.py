"""Pairs of sets between which there is no shift, drawn: a verdict that names one is a false alarm.

Of the same images: copies, other roundings and other files of them, resampled by nothing. Of other images: disjoint
samples of one source, of the same size or not, one of them rounded, one drawn with other shares of the classes.
"""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import numpy as np
from benchmarks.diagnosis.case import Answer, Case, Images, Labels, Made, Part, by, eight_bits
from benchmarks.diagnosis.drawn.ranges import Range
from benchmarks.diagnosis.drawn.singles import drawn_shares
from benchmarks.diagnosis.sample import CLASSES, class_prior, reorder
from PIL import Image
from scipy import ndimage, stats

GROUP = "null"
Rng = np.random.Generator
DRIFT = Range(0.1, 1.2, log=True)  # sd of the logarithm of the classes' shares
FEWEST = 60  # images that a drifted set keeps
SURELY = 1e-4  # p-value of the classes' counts (chi-squared), below which only `class_prior` is right


def drawn_null(rng: Rng, kind: str) -> Case | None:
    """A null of a kind; of how many images is drawn elsewhere."""
    if kind == "samples":
        return _samples(rng)
    if kind == "drifted":
        shares = drawn_shares(DRIFT.draw(rng), rng)
        part = class_prior(shares)
        return Case(GROUP, (part,), "unpaired", variant="drifted", by_labels=_of_labels)
    name = str(rng.choice([*SAME]))
    if name == "bytes and floats":
        return Case(GROUP, (_same(name),), variant=name, arrays=True)
    if name == "copy" and rng.random() < 0.5:
        return Case(GROUP, (reorder(),), "reordered", variant="reordered")
    finer = name in ("rounded", "truncated", "half", "fourier")
    prepare = _between_bytes if finer else lambda x, rng: x
    return Case(GROUP, (_same(name),), variant=name, prepare=prepare)


def kept(case: Case, n: float) -> float:
    """How many images the shifted set will have, at least, but for one draw in some hundreds."""
    shares = case.parts[0].parameters.get("proportions")
    scarcest = 0.1 * n - 2.5 * (0.1 * n) ** 0.5  # of a class
    return n if shares is None else scarcest / max(shares)


def _samples(rng: Rng) -> Case:
    name = str(rng.choice(["halves", "fewer", "rounded", "subset"], p=[0.5, 0.25, 0.15, 0.1]))
    if name == "subset":
        order = bool(rng.random() < 0.5)
        either = (Answer("identity", {}, None), Answer("reorder", None, None))
        part = replace(_fewer(0.5, order), way="shuffled" if order else "in order")
        return Case(GROUP, (part,), None, variant="subset", instead=either)
    if name == "fewer":
        return Case(GROUP, (_fewer(float(rng.uniform(0.3, 0.9)), False),), "unpaired", variant="fewer")
    part = _same("rounded" if name == "rounded" else "copy")
    return Case(
        GROUP,
        (part,),
        "unpaired",
        variant=f"{name} of others",
        prepare=_between_bytes if name == "rounded" else lambda x, rng: x,
    )


def _same(name: str) -> Part:
    return Part("identity", {}, by(lambda x, rng: SAME[name](x, rng), {}), "none", None, "preserved", name)


def _fewer(share: float, shuffled: bool) -> Part:
    def make(images: Images, labels: Labels, rng: Rng) -> Made:
        chosen = rng.permutation(len(images))[: round(share * len(images))]
        chosen = chosen if shuffled else np.sort(chosen)
        return Made(images[chosen], labels[chosen])

    return Part("identity", {}, make, "none", None, "preserved", f"{share:.2g}")


def _of_labels(ours: Labels, theirs: Labels) -> tuple[Answer, ...]:
    """`class_prior` where the counts of classes are no chance; else no shift is as right."""
    counts = np.array([np.bincount(labels, minlength=CLASSES) for labels in (ours, theirs)])
    counts = counts[:, counts.sum(0) > 0]
    shares = Answer("class_prior", None, None)
    chance = float(np.asarray(stats.chi2_contingency(counts)[1]))
    return (shares,) if chance < SURELY else (Answer("identity", {}, None), shares)


def _between_bytes(images: Images, rng: Rng) -> Images:
    """Values that no byte holds."""
    return np.stack([ndimage.gaussian_filter(one, 0.4) for one in images])


def _truncated(x: Images, rng: Rng) -> Images:
    """As integers are cut by a cast: half a grey level darker in the mean."""
    return (np.floor(x.astype(np.float64) * 255 + 1e-6) / 255).astype(np.float32)


def _png(x: Images, rng: Rng) -> Images:
    out = []
    for one in x:
        file = BytesIO()
        Image.fromarray(np.rint(255 * one).astype(np.uint8)).save(file, "PNG")
        out.append(np.asarray(Image.open(file), np.float32) / 255)
    return np.stack(out)


def _normalized(x: Images, rng: Rng) -> Images:
    return ((x - np.float32(0.1307)) / np.float32(0.3081)) * np.float32(0.3081) + np.float32(0.1307)


def _unresized(x: Images, rng: Rng) -> Images:
    import cv2

    return np.stack([cv2.resize(one, one.shape[::-1], interpolation=cv2.INTER_CUBIC) for one in x])


def _unturned(x: Images, rng: Rng) -> Images:
    return np.clip(np.stack([ndimage.rotate(one, 0.0, reshape=False, order=3) for one in x]), 0, 1)


def _unwarped(x: Images, rng: Rng) -> Images:
    return np.stack([np.asarray(Image.fromarray(one).rotate(360, Image.Resampling.BICUBIC)) for one in x])


SAME: dict[str, Callable[[Images, Rng], Images]] = {
    "copy": lambda x, rng: x.copy(),
    "bytes and floats": lambda x, rng: x.copy(),
    "rounded": lambda x, rng: eight_bits(x),
    "truncated": _truncated,
    "half": lambda x, rng: x.astype(np.float16).astype(np.float32),
    "fourier": lambda x, rng: np.fft.ifft2(np.fft.fft2(x)).real,
    "png": _png,
    "normalized and back": _normalized,
    "resized by nothing": _unresized,
    "turned by nothing": _unturned,
    "turned once around": _unwarped,
}
"""What leaves the same images, up to rounding."""
